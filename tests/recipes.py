"""The recipes of docs/recipes.md: patches, the places that each changes, and their lines as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/recipes"
RINGS = ("domain/", "application/", "infrastructure/", "projections/", "interfaces/")
# Files that list every operation, event or owned table by hand, beside the code.
LISTS = (
    "docs/",
    "interfaces/admin/words/",
    "interfaces/http/openapi_examples.py",
    "interfaces/http/vocabulary/",
    "tests/interfaces/http/test_matrix.py",
    "tests/projections/query/test_ownership.py",
    "tests/support/recomputation.py",
)
KINDS = ("code", "list", "test")
_FILE = re.compile(r"^diff --git a/(\S+) b/\1\n(.*?)(?=^diff --git |\Z)", re.MULTILINE | re.DOTALL)
_HUNK = re.compile(r"^@@ [-+,\d ]+ @@([^\n]*)\n(.*?)(?=^@@ |\Z)", re.MULTILINE | re.DOTALL)


class PatchedFile(NamedTuple):
    """A file that a recipe changes. `places`: for each stretch of changed lines its heading and the diff's lines."""

    path: str
    is_new: bool
    places: Sequence[tuple[str, str]]

    @property
    def kind(self) -> str:
        """What the change is: `code`, `list` (lists and documents kept by hand) or `test`."""
        if self.path.startswith(LISTS):
            return "list"
        return "code" if self.path.startswith(RINGS) else "test"


@cache
def patched(recipe: str) -> Sequence[PatchedFile]:
    text = (FOLDER / f"{recipe}.patch").read_text()
    return [
        PatchedFile(path, "new file mode" in body, [(head.strip(), lines) for head, lines in _HUNK.findall(body)])
        for path, body in _FILE.findall(text)
    ]


def recipes() -> Sequence[str]:
    """The names of all recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.patch"))


def new_files() -> set[str]:
    """The files that recipes create, which are not in this tree."""
    return {file.path for name in recipes() for file in patched(name) if file.is_new}


def shown(recipe: str) -> str:
    """The part of the page that is made from a patch: its files with their places, and the lines of its code."""
    rows = [
        f"| {'new: ' if file.is_new else ''}`{file.path}` | {len(file.places)} | {file.kind} |"
        for file in sorted(patched(recipe), key=lambda file: KINDS.index(file.kind))
    ]
    counts = ", ".join(f"{count(recipe, kind)} {kind}" for kind in KINDS)
    table = ["| file | places | kind |", "|---|---|---|", *rows, f"| together | {counts} | |"]
    return "\n".join([*table, "", "```diff", *_code(recipe), "```"])


def count(recipe: str, kind: str) -> int:
    """How many places of this kind the recipe changes."""
    return sum(len(file.places) for file in patched(recipe) if file.kind == kind)


def _code(recipe: str) -> Iterator[str]:
    for file in patched(recipe):
        if file.kind == "code":
            yield f"# {file.path}"
            for head, lines in file.places:
                yield f"@@ {head}".rstrip()
                yield from (line.rstrip() for line in lines.splitlines())
