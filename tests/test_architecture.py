"""Rings, rooms and names keep to their rules, and each check can fail."""

import ast
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
RINGS = ("domain", "application", "infrastructure", "projections", "interfaces")
MODULES = 16  # of a folder, beside its __init__
CROWDED: Mapping[str, str] = {"infrastructure/migrations/versions": "the history of the database, which only grows"}
"""Folders with more modules, each with the reason."""
NAMESAKES: Mapping[str, str] = {}
"""Names of several classes that are no port with its adapter, each with the reason."""
SCHEMAS = {"Body", "Shape"}
"""The bases of what HTTP takes and shows. A schema has the name that a client reads, be it that of a domain class."""
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
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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
        ("domain/scheduling/planted.py", "import domain.booking.waitlist", "Rooms"),
        ("projections/query/planted.py", "import projections.read_models.appointment", "Rooms"),
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
    # A circle is shown by the rooms that it leads through, all else by the module.
    place = path.parent.name if contract == "Rooms" else ".".join(path.relative_to(copy).with_suffix("").parts)
    assert place in checked.stdout


def test_the_domain_imports_the_standard_library_and_eventsourcing_domain_alone() -> None:
    known = sys.stdlib_module_names | {"domain"}
    strangers = {
        f"{path.name}: {name}"
        for path in (ROOT / "domain").rglob("*.py")
        for name in imports(path)
        if name.partition(".")[0] not in known and not name.startswith("eventsourcing.domain.")
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


def packages(root: Path) -> Iterator[Path]:
    for ring in RINGS:
        yield from sorted(path.parent for path in (root / ring).rglob("__init__.py"))


@pytest.mark.parametrize("package", [path.relative_to(ROOT).as_posix() for path in packages(ROOT)])
def test_every_package_says_what_its_room_is_about(package: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))


def crowded(root: Path, tops: Iterable[str]) -> dict[str, int]:
    """Folders with more modules than a reader takes in at once."""
    modules = (path for top in tops for path in (root / top).rglob("*.py") if path.name != "__init__.py")
    counted = Counter(path.parent.relative_to(root).as_posix() for path in modules)
    return {folder: count for folder, count in counted.items() if count > MODULES}


def test_a_folder_has_at_most_sixteen_modules() -> None:
    assert crowded(ROOT, [*RINGS, "tests"]).keys() == CROWDED.keys()


def test_a_seventeenth_module_is_found(tmp_path: Path) -> None:
    (tmp_path / "domain/booking").mkdir(parents=True)
    for n in range(MODULES):
        (tmp_path / f"domain/booking/m{n}.py").touch()
    (tmp_path / "domain/booking/__init__.py").touch()
    assert crowded(tmp_path, RINGS) == {}
    (tmp_path / "domain/booking/planted.py").touch()
    assert crowded(tmp_path, RINGS) == {"domain/booking": MODULES + 1}


def circles(root: Path) -> list[list[str]]:
    """Circles between the children of each folder. For tests, which are no package that import-linter could read."""
    modules = {".".join(path.relative_to(root.parent).with_suffix("").parts): path for path in root.rglob("*.py")}
    graphs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, path in modules.items():
        for name in imports(path):
            imported = name if name in modules else name.rpartition(".")[0]
            if imported in modules and imported != module:
                folder, importer, used = siblings(module, imported)
                graphs[folder][importer].add(used)
    found = []
    for graph in graphs.values():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as circle:
            found.append(circle.args[1])
    return found


def siblings(module: str, imported: str) -> tuple[str, str, str]:
    """The folder where the two part, and the children of it that lead to each."""
    ours, theirs = module.split("."), imported.split(".")
    n = next(n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    return ".".join(ours[:n]), ours[n], theirs[n]


@pytest.mark.parametrize("top", ["tests", "bench"])
def test_no_circle_leads_through_the_folders_of(top: str) -> None:
    assert circles(ROOT / top) == []


def test_a_planted_circle_is_found(tmp_path: Path) -> None:
    root = tmp_path / "tests"
    for path, text in [
        ("booking/test_race.py", "from tests.support.mail import letters"),
        ("support/mail.py", "import tests.support.rooms"),
        ("support/rooms.py", ""),
    ]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    assert circles(root) == []
    (root / "support/rooms.py").write_text("from tests.booking.test_race import a_race")
    assert [set(circle) for circle in circles(root)] == [{"booking", "support"}]


class Class(NamedTuple):
    """A class at the top of a module. `bases`: their names, without module and parameters."""

    name: str
    path: str
    bases: frozenset[str]


def classes(root: Path) -> list[Class]:
    paths = [path for ring in RINGS for path in sorted((root / ring).rglob("*.py"))]
    return [
        Class(node.name, path.relative_to(root).as_posix(), frozenset(_last_name(base) for base in node.bases))
        for path in paths
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]


def _last_name(base: ast.expr) -> str:
    return ast.unparse(base).partition("[")[0].rpartition(".")[2]


def namesakes(root: Path) -> dict[str, list[str]]:
    """Names of several classes, but for a port with its one adapter; schemas of HTTP are looked at by themselves."""
    every = classes(root)
    schemas = set(SCHEMAS)
    while more := {each.name for each in every if "/http/" in each.path and each.bases & schemas} - schemas:
        schemas |= more
    found: dict[tuple[str, bool], list[Class]] = defaultdict(list)
    for each in every:
        found[each.name, "/http/" in each.path and bool(each.bases & schemas)].append(each)
    return {
        name: [each.path for each in same]
        for (name, _), same in found.items()
        if len(same) > 2 or (len(same) == 2 and sum("Protocol" in each.bases for each in same) != 1)
    }


def test_class_names_are_unique_but_for_a_port_and_its_adapter() -> None:
    assert namesakes(ROOT).keys() == NAMESAKES.keys(), namesakes(ROOT)


def test_a_planted_namesake_is_found(tmp_path: Path) -> None:
    def plant(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    plant("application/jobs.py", "class Queue(Protocol): ...")
    plant("infrastructure/jobs.py", "class Queue: ...")
    plant("domain/booking.py", "class Start(NamedTuple): ...")
    plant("interfaces/http/fields.py", "class Shape(BaseModel): ...\nclass Start(Shape): ...")
    assert namesakes(tmp_path) == {}
    plant("projections/jobs.py", "class Queue(NamedTuple): ...")
    plant("interfaces/http/slots.py", "class Start(Shape): ...")
    plant("projections/slots.py", "class Start(Generic[T]): ...")
    assert namesakes(tmp_path).keys() == {"Queue", "Start"}


REQUESTS = {"AsyncClient", "Client", "get", "post", "put", "patch", "delete", "request", "stream"}


def impatient(source: str) -> Iterator[int]:
    """The lines of calls that wait for httpx's own five seconds, or a number of seconds of their own.

    Calls with a transport stay in the process.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Attribute(ast.Name("httpx"), name), keywords=options) if name in REQUESTS:
                if not {"timeout", "transport"} & {option.arg for option in options}:
                    yield node.lineno
            case ast.Call(ast.Name("urlopen") | ast.Attribute(attr="urlopen"), keywords=options):
                if any(option.arg == "timeout" and isinstance(option.value, ast.Constant) for option in options):
                    yield node.lineno
            case _:
                pass


def test_every_client_over_the_network_waits_long_enough() -> None:
    sources = (ROOT / "tests").rglob("*.py")
    found = {str(path.relative_to(ROOT)): lines for path in sources if (lines := [*impatient(path.read_text())])}
    assert not found, f"say timeout=PATIENCE: {found}"


def test_an_impatient_client_is_found() -> None:
    lines = "httpx.get('http://here')", "httpx.Client(timeout=120)", "urlopen(here, timeout=5)", "urlopen(here)"
    assert list(impatient("\n".join(lines))) == [1, 3]
