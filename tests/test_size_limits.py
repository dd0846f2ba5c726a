"""Files and functions stay small: one that outgrows its limit usually hides a second concept.

An exception carries its reason, and one that is not needed any more fails as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
RINGS = ("domain", "application", "infrastructure", "projections", "interfaces")
FILE_LINES, FUNCTION_LINES, PARAMETERS = 260, 25, 6

MATCH = "one `match` over the events of a read model, a case each"
WIRING = "a composition root: one statement a component, in the order in which they open"

LONG_FILES: Mapping[str, str] = {
    "projections/read_models/appointment.py": "a read model is one file: table, projection and queries",
    "projections/read_models/jobs/job.py": "a read model is one file: the jobs of each aggregate",
    "application/access.py": "the table of permissions, a line an operation",
    "interfaces/http/openapi_examples.py": "a table of examples, no logic",
}
LONG_FUNCTIONS: Mapping[str, str] = {
    "projections/read_models/customer.py:project": MATCH,
    "projections/read_models/directory.py:project": MATCH,
    "projections/read_models/appointment.py:_project": MATCH,
    "projections/read_models/jobs/job.py:_planned": MATCH,
    "interfaces/http/main.py:_ports": WIRING,
    "infrastructure/ledger/verification.py:verify": "what is verified, in one transaction, and its options by keyword",
    "interfaces/cli/ledger/archives.py:export": "a command: its options, and what they must not be together",
    "interfaces/cli/ledger/archives.py:replay": "a command: its options, and a line for each that can go wrong",
}
MANY_PARAMETERS: Mapping[str, str] = {
    "interfaces/cli/up.py:up": "the options of a command, each with a default",
    "interfaces/cli/past/search.py:search": "the options of a command, each with a default",
    "infrastructure/ledger/verification.py:verify": "options by keyword, each with a default",
    "interfaces/cli/ledger/archives.py:export": "the options of a command",
    "infrastructure/local/servers.py:LocalServers.__init__": "options by keyword, each with a default",
    "projections/availability/snapshot.py:_calendar": "the columns of a row",
    "projections/availability/response.py:PreparedAvailability.__init__": "the fields of a record",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """A function of the rings. `name`: path and qualified name, as `domain/kernel.py:Aggregate.trigger`."""

    name: str
    lines: int
    parameters: int
    records: bool


def sources(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each module, without the versions of the database's schema, which are history."""
    for ring in RINGS:
        for path in sorted((root / ring).rglob("*.py")):
            if "versions" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_text()


def functions(root: Path) -> Iterator[Measured]:
    for path, text in sources(root):
        yield from (measured(f"{path}:{name}", node) for name, node in _named(ast.parse(text), ""))


def _named(tree: ast.AST, outer: str) -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | Function):
            name = f"{outer}{node.name}"
            if isinstance(node, Function):
                yield name, node
            yield from _named(node, f"{name}.")
        else:
            yield from _named(node, outer)


def measured(name: str, function: Function) -> Measured:
    """Lines from `def` to the end, without the docstring; parameters without `self` and `cls`."""
    assert function.end_lineno
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        first = function.body[0]
        assert first.end_lineno
        lines -= first.end_lineno - first.lineno + 1
    given = function.args
    every = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return Measured(name, lines, len([each for each in every if each not in {"self", "cls"}]), _records(function))


def _records(function: Function) -> bool:
    """Is it a recorder? Its parameters are the fields of its event."""
    called = [each.func if isinstance(each, ast.Call) else each for each in function.decorator_list]
    return any(isinstance(each, ast.Name) and each.id == "event" for each in called)


def long_files(root: Path) -> dict[str, int]:
    counted = {path: len(text.splitlines()) for path, text in sources(root)}
    return {path: lines for path, lines in counted.items() if lines > FILE_LINES}


def long_functions(root: Path) -> dict[str, int]:
    return {each.name: each.lines for each in functions(root) if each.lines > FUNCTION_LINES}


def many_parameters(root: Path) -> dict[str, int]:
    return {each.name: each.parameters for each in functions(root) if each.parameters > PARAMETERS and not each.records}


CHECKS = [
    pytest.param(long_files, LONG_FILES, id="lines of a file"),
    pytest.param(long_functions, LONG_FUNCTIONS, id="lines of a function"),
    pytest.param(many_parameters, MANY_PARAMETERS, id="parameters"),
]


@pytest.mark.parametrize(("over_limit", "exceptions"), CHECKS)
def test_limits_hold_but_for_reasoned_exceptions(over_limit, exceptions) -> None:
    found = over_limit(ROOT)
    assert {name: size for name, size in found.items() if name not in exceptions} == {}
    assert set(exceptions) - set(found) == set(), "an exception that is not needed any more"
    assert all(exceptions.values())


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    body = "\n".join(f"        x = {n}" for n in range(FUNCTION_LINES))
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain/planted.py").write_text(
        "from eventsourcing.domain import event\n"
        "class Planted:\n"
        f'    def long(self):\n        """Not counted."""\n{body}\n'
        "    async def many(self, a, b, c, /, d, e, *, f, g): ...\n"
        "    @event('Recorded')\n"
        "    def _recorded(self, a, b, c, d, e, f, g): ...\n" + "#\n" * FILE_LINES
    )
    return tmp_path


def test_what_is_planted_over_each_limit_is_found(planted: Path) -> None:
    assert list(long_files(planted)) == ["domain/planted.py"]
    assert long_functions(planted) == {"domain/planted.py:Planted.long": FUNCTION_LINES + 1}
    assert many_parameters(planted) == {"domain/planted.py:Planted.many": PARAMETERS + 1}
