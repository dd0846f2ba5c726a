"""docs/security.md goes through OWASP ASVS 5.0.0, levels 1 and 2, and names only what is there."""

import ast
import re
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from infrastructure.identity.rate_limits import DAY, HOUR, MINUTE, POLICIES

ROOT = Path(__file__).parents[1]
# Chapter.section.items: every requirement of levels 1 and 2, none of level 3 alone.
NUMBERS = """
    1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2
    2.1.1-3 2.2.1-3 2.3.1-4 2.4.1-1
    3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
    4.1.1-3 4.2.1-1 4.3.1-2 4.4.1-4
    5.1.1-1 5.2.1-3 5.3.1-2 5.4.1-3
    6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4
    7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2
    8.1.1-2 8.2.1-3 8.3.1-1 8.4.1-1
    9.1.1-3 9.2.1-4
    10.1.1-2 10.2.1-2 10.3.1-4 10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3
    11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1-1 11.6.1-1
    12.1.1-3 12.2.1-2 12.3.1-4
    13.1.1-1 13.2.1-5 13.3.1-2 13.4.1-5
    14.1.1-2 14.2.1-4 14.3.1-3
    15.1.1-3 15.2.1-3 15.3.1-7
    16.1.1-1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
    17.1.1-1 17.2.1-4 17.3.1-2
"""
STATES = {"kept", "not applicable", "later", "not kept"}
# `tests/a.py::TestB::test_c`, `application/a.py:B.c`, or a file alone.
_NAMED = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|sql|md|lock|json|example))(?:(::?)([\w:.]+))?`")
_ROW = re.compile(r"^\| (v5\.0\.0-[\d.]+) \|(.*)\|$", re.MULTILINE)
_ITEM = re.compile(r"v5\.0\.0-(\d+)\.\d+\.\d+")


class Row(NamedTuple):
    """One requirement, as the document tells of it."""

    item: str
    asks: str
    state: str
    shown: str


def document() -> str:
    return (ROOT / "docs/security.md").read_text()


def rows() -> list[Row]:
    return [Row(item, *map(str.strip, rest.split("|"))) for item, rest in _ROW.findall(document())]


def items() -> list[str]:
    """Every number that must be there."""
    found = []
    for run in NUMBERS.split():
        section, _, span = run.rpartition(".")
        first, last = map(int, span.split("-"))
        found += [f"v5.0.0-{section}.{n}" for n in range(first, last + 1)]
    return found


@cache
def names_in(file: str) -> frozenset[str]:
    """What a module defines: functions, classes, their methods, and what it assigns."""
    found: set[str] = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
            found |= {f"{node.name}.{name}" for each in node.body for name in assigned(each)}
        found |= assigned(node)
    return frozenset(found)


def assigned(node: ast.stmt) -> set[str]:
    """The names that a statement gives something to."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {each.id for each in targets if isinstance(each, ast.Name)}


def is_there(file: str, mark: str, name: str) -> bool:
    """Whether a file, and what is named in it, exists; a test by its own marks (::), code by a colon."""
    if not (ROOT / file).is_file() or (mark == "::") is not (bool(name) and file.startswith("tests/")):
        return False
    return not name or name.replace("::", ".") in names_in(file)


def limits_told() -> list[str]:
    """The table of limits, as the document has to have it."""
    spans = {MINUTE: "a minute", HOUR: "an hour", DAY: "a day"}
    whose = {
        "both": "by account and network",
        "network": "by network",
        "subject": "by account or address",
        "account": "by account",
    }
    lines = ["| policy | requests |", "|---|---|"]
    for policy, windows in POLICIES.items():
        unit = "bytes " if policy.endswith("text") else ""
        told = [
            ", ".join(f"{each.quota} {unit}{spans[each.seconds]}" for each in some) + f" {whose[of]}"
            for of, some in groupby(windows, key=lambda each: each.of)
        ]
        lines.append(f"| {policy} | {'; '.join(told)} |")
    return lines


def test_limits_are_those_in_force() -> None:
    assert "\n".join(limits_told()) in document()


def test_how_many_are_kept_is_counted_rightly() -> None:
    states = Counter(row.state for row in rows())
    told = re.search(
        r"Of (\d+) items, (\d+) are kept, (\d+) are not applicable, (\d+) come later, (\d+) are not kept\.",
        document(),
    )
    assert told is not None
    found = [states[state] for state in ("kept", "not applicable", "later", "not kept")]
    assert list(map(int, told.groups())) == [sum(found), *found]


def test_every_item_of_both_levels_is_there_once() -> None:
    assert len(items()) == 253
    told = Counter(row.item for row in rows())
    assert [item for item in items() if told[item] != 1] == []
    assert sorted(set(told) - set(items())) == []


def test_each_stands_in_the_table_of_its_chapter() -> None:
    chapters = re.split(r"^### V(\d+) .*$", document(), flags=re.MULTILINE)
    for chapter, text in zip(chapters[1::2], chapters[2::2], strict=True):
        assert set(_ITEM.findall(text)) == {chapter}


def test_each_has_one_of_four_states_and_says_why() -> None:
    for row in rows():
        assert row.state in STATES, row.item
        assert row.asks, row.item
        assert row.shown, row.item


def test_what_is_kept_names_where() -> None:
    assert [row.item for row in rows() if row.state == "kept" and not re.search(r"`|\]\(#", row.shown)] == []


@pytest.mark.parametrize(("file", "mark", "name"), sorted(set(_NAMED.findall(document()))))
def test_what_is_named_is_there(file: str, mark: str, name: str) -> None:
    assert is_there(file, mark, name)


def test_most_of_what_is_named_are_tests() -> None:
    found = _NAMED.findall(document())
    assert len({name for _, mark, name in found if mark == "::"}) > 100


def test_its_own_links_lead_somewhere() -> None:
    heads = re.findall(r"^#+ (.*)$", document(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    assert set(re.findall(r"\]\(#([^)]+)\)", document())) <= anchors


@pytest.mark.parametrize(
    ("file", "mark", "name"),
    [
        ("tests/nowhere.py", "", ""),
        ("tests/test_security_document.py", "::", "test_that_is_not_there"),
        ("tests/test_security_document.py", ":", "rows"),
        ("application/access.py", "::", "permit"),
        ("application/access.py", ":", "permit.nothing"),
    ],
)
def test_what_is_not_there_would_be_found_out(file: str, mark: str, name: str) -> None:
    assert not is_there(file, mark, name)
