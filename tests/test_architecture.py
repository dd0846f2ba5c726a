"""The rings hold, and the check that says so can fail."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RINGS = ("domain", "application", "infrastructure", "projections", "interfaces")
CLOCK = {"now", "today", "utcnow", "time", "time_ns", "monotonic"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's word on the rings in `folder`, whichever copy is installed."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rings")
    for ring in RINGS:
        shutil.copytree(ROOT / ring, folder / ring, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_every_ring_keeps_to_its_imports() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize(
    ("place", "planted", "contract"),
    [
        ("domain/planted.py", "import application", "Rings"),
        ("application/planted.py", "import projections", "Rings"),
        ("projections/planted.py", "import application", "Rings"),
        ("infrastructure/planted.py", "import interfaces", "Rings"),
        ("domain/planted.py", "import pydantic", "Domain"),
        ("domain/planted.py", "import sqlalchemy", "Domain"),
        ("domain/planted.py", "import time", "Domain"),
        ("domain/planted.py", "from eventsourcing.persistence import StoredEvent", "Domain"),
        ("application/planted.py", "import sqlalchemy", "Application"),
        (
            "application/planted.py",
            "from eventsourcing.postgres import PostgresDatastore",
            "Application",
        ),
        ("interfaces/http/planted.py", "from infrastructure import settings", "Infrastructure"),
        ("application/planted.py", "import pydantic", "Pydantic"),
        ("infrastructure/planted.py", "import pydantic", "Pydantic"),
        ("interfaces/http/planted.py", "import redis", "Redis"),
        ("interfaces/http/planted.py", "import eventsourcing.postgres", "The library's PostgreSQL recorder"),
    ],
)
def test_a_planted_import_is_caught_by_name(copy: Path, place: str, planted: str, contract: str) -> None:
    path = copy / place
    path.write_text(f"{planted}\n")
    try:
        checked = lint_imports(copy)
    finally:
        path.unlink()
    assert checked.returncode == 1, checked.stdout
    broken = [line for line in checked.stdout.splitlines() if " BROKEN" in line]
    assert any(line.startswith(f"{contract}:") for line in broken), checked.stdout
    assert path.with_suffix("").as_posix().removeprefix(f"{copy}/").replace("/", ".") in checked.stdout


def test_the_domain_imports_the_standard_library_and_eventsourcing_domain_alone() -> None:
    known = sys.stdlib_module_names | {"domain"}
    strangers = {
        f"{path.name}: {name}"
        for path in (ROOT / "domain").rglob("*.py")
        for name in imports(path)
        if name.partition(".")[0] not in known and name != "eventsourcing.domain"
    }
    assert strangers == set()


def test_nothing_in_the_domain_reads_a_clock_but_to_mint_an_id() -> None:
    readers = {
        function.name
        for path in (ROOT / "domain").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK
    }
    assert readers <= {"new_id"}


@pytest.mark.parametrize("ring", RINGS)
def test_every_ring_states_its_rule(ring: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / ring / "__init__.py").read_text()))
