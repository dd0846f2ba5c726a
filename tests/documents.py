"""The parts of the documents that are made from the code: routes, problems, and the tree of files.

`make documents` writes them anew, and a test fails when they have drifted.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import interfaces.http.main  # noqa: F401  all kinds of refusal are known once all is imported
from interfaces.http.app import document
from interfaces.http.operations.problem_type import problem_types

ROOT = Path(__file__).parents[1]
API, TREE, OPENAPI = (ROOT / "docs" / name for name in ("api.md", "architecture.md", "openapi.json"))
PARTS = ("domain", "application", "projections", "infrastructure", "interfaces", "tests", "bench")
WIDTH = 30
_LINE = re.compile(r"^    (?:  )?(\S+) +(.+)$", re.MULTILINE)


def routes() -> str:
    """A row for each operation, in the order in which they are tried."""
    rows = [
        f"| `{method.upper()} {path}` | {told['summary']} |"
        for path, operations in document()["paths"].items()
        for method, told in operations.items()
    ]
    return "\n".join(["| route | does |", "|---|---|", *rows])


def problems() -> str:
    """A row for each kind of refusal, by status and name."""
    kinds = sorted(problem_types().values(), key=lambda kind: (kind["status"], kind["type"]))
    rows = [f"| {kind['status']} | `{kind['type']}` | {kind['title']} |" for kind in kinds]
    return "\n".join(["| status | type | meaning |", "|---|---|---|", *rows])


def tree(known: dict[str, str]) -> str:
    """A line for each file and folder, from its own docstring, else as it is `known`."""
    return "\n".join(line for part in PARTS for line in _part(ROOT / part, known))


def _part(folder: Path, known: dict[str, str]) -> Iterator[str]:
    yield _line("", f"{folder.name}/", _told(folder / "__init__.py") or known.get(f"{folder.name}/", ""))
    deep = folder.name != "tests"
    for path in _sorted(folder):
        name = str(path.relative_to(folder)) + ("/" if path.is_dir() else "")
        yield _line("  ", name, _of(path) or known.get(name, ""))
        if path.is_dir() and deep:
            for each in sorted(_files(path)):
                told = _of(each)
                yield _line("  ", str(each.relative_to(folder)), told)


def _sorted(folder: Path) -> Iterable[Path]:
    files = sorted(p for p in folder.iterdir() if p.suffix == ".py" and p.name != "__init__.py")
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and any(p.rglob("*.py")))
    return [*files, *folders]


def _files(folder: Path) -> Iterable[Path]:
    return (p for p in folder.rglob("*") if p.suffix in {".py", ".sql"} and p.name != "__init__.py")


def _of(path: Path) -> str:
    if path.is_dir():
        return _told(path / "__init__.py")
    if path.suffix == ".sql":
        return "The same in SQL."
    return _told(path)


def _told(module: Path) -> str:
    """The first line of a module's docstring."""
    if not module.is_file():
        return ""
    return (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]


def _line(indent: str, name: str, told: str) -> str:
    place = f"{indent}{name}".ljust(WIDTH - 1)
    return f"    {place} {told}".rstrip()


def renewed() -> dict[Path, str]:
    """Each document as it should be."""
    api, architecture = API.read_text(), TREE.read_text()
    known = dict(_LINE.findall(architecture.partition("## The tree")[2]))
    head, _, _ = architecture.partition("    domain/ ")
    return {
        API: _replaced(_replaced(api, "| status | type |", problems()), "| route | does |", routes()),
        TREE: f"{head}{tree(known)}\n",
        OPENAPI: json.dumps(document(), indent=2, ensure_ascii=False) + "\n",
    }


def _replaced(text: str, head: str, table: str) -> str:
    """The table that begins with `head` gives way to another."""
    before, _, rest = text.partition(head)
    lines = rest.split("\n")
    end = next((n for n, line in enumerate(lines) if n and not line.startswith("|")), len(lines))
    return before + table + "\n" + "\n".join(lines[end:])


if __name__ == "__main__":
    for path, text in renewed().items():
        path.write_text(text)
