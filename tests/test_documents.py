"""Documents agree with the code: what is named exists, links lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.recipes import new_files
from tests.test_terms import defines

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench/README.md"])
RINGS = "domain|application|projections|infrastructure|interfaces|tests|bench"
_FILE = re.compile(rf"(?<![\w/.-])((?:{RINGS})/[\w./-]*[\w-]\.(?:py|sql|md))\b")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CALL = re.compile(rf"^ +([\w.]+)\(.*?\) +((?:{RINGS})/[\w/]+\.py)\b", re.MULTILINE)
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = set(_FILE.findall(page.read_text())) - new_files()
    assert [file for file in sorted(named) if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = sorted(set(_TEST.findall(page.read_text())))
    assert [(file, name) for file, name in named if not defines(file, name.replace("::", "."))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(page.read_text()):
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if link.startswith("http"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(("name", "file"), sorted(set(_CALL.findall(ARCHITECTURE))))
def test_every_function_on_the_paths_of_the_architecture_exists(name: str, file: str) -> None:
    assert defines(file, name.rpartition(".")[2])


def test_the_architecture_follows_whole_paths() -> None:
    assert len(_CALL.findall(ARCHITECTURE)) > 30
