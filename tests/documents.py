"""The parts of the documents that are made: routes, problems, the tree of modules, decisions, recipes, faults.

`make documents` writes them; `make lint` fails if a document and the code differ.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

import interfaces.admin.main
import interfaces.http.main  # noqa: F401  importing the API defines every kind of refusal
from interfaces.admin.request import ForeignForm
from interfaces.http.app import document, events_document
from interfaces.http.framework.request_errors import kebab
from interfaces.http.operations.problem_type import problem_types
from tests import analysts, faults, recipes
from tests.models import catalogue

ROOT = Path(__file__).parents[1]
API, ARCHITECTURE, OPENAPI, ASYNCAPI = (
    ROOT / "docs" / name for name in ("api.md", "architecture.md", "openapi.json", "asyncapi.json")
)
DECISIONS = ROOT / "docs/decisions/README.md"
RECIPES = ROOT / "docs/recipes.md"
GUARANTEES, MODELS = ROOT / "docs/guarantees.md", ROOT / "docs/models.md"
FAULTS = ROOT / "docs/faults.md"
ANALYSTS = ROOT / "docs/analysts.md"
PARTS = ("domain", "application", "projections", "infrastructure", "interfaces", "tests", "bench")
WIDTH = 34
# Folders of tests are no packages, so what they prove is said here.
TEST_FOLDERS = {
    "tests": "The proofs. The folders mirror the rings and rooms; the name of a test is the rule that it states.",
    "tests/application": "Commands on an event log in memory.",
    "tests/bench": "Every benchmark runs, and finds a wrong winner.",
    "tests/domain": "The rules of booking, without servers.",
    "tests/golden": "One recorded example of every event.",
    "tests/infrastructure": "Event log, privacy, identity, mail, webhooks and jobs on real servers.",
    "tests/interfaces": "HTTP, command line, worker and demo town.",
    "tests/models": "Models of the protocols: all interleavings, within bounds.",
    "tests/models/conformance": "Models and PostgreSQL, side by side.",
    "tests/models/protocols": "A model of each protocol: its states, steps and faults.",
    "tests/projections": "Events in, rows out; caches; rebuild.",
    "tests/support": "What several tests share: builders, servers, a checker of whole logs.",
    "tests/system": "Real processes.",
    "tests/system/clients": "Clients that are generated from docs/openapi.json.",
    "tests/system/faults": "Reminders while workers and broker are killed.",
    "tests/system/journeys": "Stories through HTTP on processes as `daybook up` starts them.",
    "tests/system/recipes": "The recipes of docs/recipes.md on a copy of this tree.",
    "tests/system/soak": "Under load for long: nothing grows.",
    "tests/system/torture": "Many writers, killed processes, cut connections.",
    "tests/system/watch": "Prometheus, Alertmanager and Grafana beside both compose files.",
    "tests/system/worker": "Celery workers on Valkey and RabbitMQ.",
    "tests/vectors": "Acceptance cases as data.",
}


def routes() -> str:
    """A row for each operation, in the order in which the router tries them."""
    rows = [
        f"| `{method.upper()} {path}` | {told['summary']} |"
        for path, operations in document()["paths"].items()
        for method, told in operations.items()
    ]
    return "\n".join(["| route | does |", "|---|---|", *rows])


def problems() -> str:
    """A row for each kind of refusal of the API, by status and name; docs/admin.md has that of the panel."""
    of_api = [told for name, told in problem_types().items() if name != kebab(ForeignForm)]
    kinds = sorted(of_api, key=lambda kind: (kind["status"], kind["type"]))
    rows = [f"| {kind['status']} | `{kind['type']}` | {kind['title']} |" for kind in kinds]
    return "\n".join(["| status | type | meaning |", "|---|---|---|", *rows])


def decisions() -> str:
    """A row for each decision record, from its title."""
    rows = []
    for page in sorted(DECISIONS.parent.glob("[0-9]*.md")):
        number, _, title = page.read_text().partition("\n")[0].removeprefix("# ").partition(". ")
        rows.append(f"| {number} | [{title}]({page.name}) |")
    return "\n".join(["| number | decision |", "|---|---|", *rows])


def tree() -> str:
    """A line for each folder and module: its name, and the first line of its docstring."""
    return "\n".join(line for part in PARTS for line in _folder(ROOT / part, 0))


def _folder(folder: Path, depth: int) -> Iterator[str]:
    """A room: its own line, then its modules, then the rooms inside it."""
    place = str(folder.relative_to(ROOT))
    yield _line(depth, f"{folder.name}/", _told(folder / "__init__.py") or TEST_FOLDERS.get(place, ""))
    if not place.startswith("tests/"):
        for module in sorted(p for p in folder.glob("*.py") if p.name != "__init__.py"):
            yield _line(depth + 1, module.name, _told(module))
    for room in sorted(p for p in folder.iterdir() if p.is_dir() and _is_listed(p)):
        yield from _folder(room, depth + 1)


def _is_listed(folder: Path) -> bool:
    """Whether a folder holds modules; below the folders of tests, only those with a line of their own."""
    place = str(folder.relative_to(ROOT))
    mirrored = place.startswith("tests/") and place.count("/") > 1 and place not in TEST_FOLDERS
    return any(folder.rglob("*.py")) and not mirrored


def _told(module: Path) -> str:
    """The first line of a module's docstring."""
    if not module.is_file():
        return ""
    return (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]


def _line(depth: int, name: str, told: str) -> str:
    place = f"{'  ' * depth}{name}".ljust(WIDTH - 1)
    return f"    {place} {told}".rstrip()


def recipe_page() -> str:
    """The page of recipes, with the files and lines of each patch."""
    text = RECIPES.read_text()
    for name in recipes.recipes():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{recipes.shown(name)}\n{end}{after}"
    return text


def _api() -> str:
    return _replaced(_replaced(API.read_text(), "| status | type |", problems()), "| route | does |", routes())


def _architecture() -> str:
    head, _, _ = ARCHITECTURE.read_text().partition("    domain/ ")
    return f"{head}{tree()}\n"


def _openapi() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _asyncapi() -> str:
    return json.dumps(events_document(), indent=2, ensure_ascii=False) + "\n"


RENEWED: Mapping[Path, Callable[[], str]] = {
    API: _api,
    ARCHITECTURE: _architecture,
    RECIPES: recipe_page,
    GUARANTEES: lambda: catalogue.beside_promises(GUARANTEES.read_text(encoding="utf-8")),
    MODELS: lambda: _replaced(MODELS.read_text(), "| model | bounds and faults |", catalogue.table()),
    ANALYSTS: lambda: analysts.page(ANALYSTS.read_text()),
    FAULTS: lambda: _replaced(FAULTS.read_text(), "| number | fault |", faults.table()),
    DECISIONS: lambda: _replaced(DECISIONS.read_text(), "| number | decision |", decisions()),
    OPENAPI: _openapi,
    ASYNCAPI: _asyncapi,
}
"""Each document, and what makes it as it should be."""


def _replaced(text: str, head: str, table: str) -> str:
    """`text` with the table that begins with `head` replaced by `table`."""
    before, _, rest = text.partition(head)
    lines = rest.split("\n")
    end = next((n for n, line in enumerate(lines) if n and not line.startswith("|")), len(lines))
    return before + table + "\n" + "\n".join(lines[end:])


def stale() -> list[str]:
    """What differs from the code, as a diff of each document."""
    found: list[str] = []
    for path, made in RENEWED.items():
        name = str(path.relative_to(ROOT))
        now, then = path.read_text().splitlines(), made().splitlines()
        found += unified_diff(now, then, name, f"{name} by `make documents`", lineterm="", n=0)
    return found


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(stale()) or 0)
    for path, made in RENEWED.items():
        path.write_text(made())
