"""Whoever makes a JobRequest declares it: tests/interfaces/http/test_dying.py kills each right after its commit."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RINGS = ("application", "infrastructure", "interfaces", "projections")
UNDECLARED = """
async def sneak(jobs):
    await jobs.enqueue(JobRequest("reset_password"))

@enqueues("invite")
async def fib(jobs):
    await jobs.enqueue(JobRequest("farewell"))

@enqueues("invite")
async def honest(jobs):
    await jobs.enqueue(JobRequest("invite"))

REQUEST = JobRequest("register")
"""


def declared(function: ast.AST) -> set[object]:
    """The kinds that its decorator names."""
    return {
        argument.value
        for decorator in getattr(function, "decorator_list", ())
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "enqueues"
        for argument in decorator.args
        if isinstance(argument, ast.Constant)
    }


def undeclared(node: ast.AST, kinds: set[object] = frozenset(), name: str = "") -> Iterator[str]:  # type: ignore[assignment]
    """The functions within that make a request of a kind that they do not declare."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        kinds, name = declared(node), node.name
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "JobRequest":
        kind = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if kind not in kinds:
            yield f"{name}: {kind}"
    for child in ast.iter_child_nodes(node):
        yield from undeclared(child, kinds, name)


def test_one_that_is_not_declared_is_found() -> None:
    assert [*undeclared(ast.parse(UNDECLARED))] == ["sneak: reset_password", "fib: farewell", ": register"]


@pytest.mark.parametrize("ring", RINGS)
def test_every_request_is_declared_where_it_is_made(ring: str) -> None:
    found = {path: [*undeclared(ast.parse(path.read_text()))] for path in (ROOT / ring).rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}
