"""Text is read and written as UTF-8, whatever the machine's locale: each file, and each program's output, says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RINGS = ("domain", "application", "infrastructure", "projections", "interfaces")
FILES = {"open", "read_text", "write_text"}
PROGRAMS = {"run", "Popen", "check_output"}


def in_the_locales_encoding(source: str) -> Iterator[int]:
    """The lines that read or write text without naming an encoding."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        named = {each.arg for each in call.keywords}
        if (_is_text(name, call) and "encoding" not in named) or (name in PROGRAMS and "text" in named):
            yield call.lineno


def _is_text(name: str, call: ast.Call) -> bool:
    if name not in FILES:
        return False
    modes = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    opens_a_file = isinstance(call.func, ast.Name) or any(set(mode) <= set("rwxabt+") for mode in modes)
    return name != "open" or (opens_a_file and not any("b" in mode for mode in modes))


@pytest.mark.parametrize("path", [path for ring in RINGS for path in (ROOT / ring).rglob("*.py")], ids=str)
def test_every_text_names_its_encoding(path: Path) -> None:
    assert list(in_the_locales_encoding(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ["path.read_text()", "path.write_text('x')", "path.open('a')", "open(path)", "subprocess.run(x, text=True)"],
)
def test_one_that_does_not_is_found(source: str) -> None:
    assert list(in_the_locales_encoding(source)) == [1]
