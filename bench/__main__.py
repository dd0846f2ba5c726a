"""`python -m bench [names...] [--json FILE] [--quick]`: measure, and show each figure beside its control."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from bench.tools.figure import Figure, LeftOut, table
from bench.tools.place import Place
from infrastructure.gc_tuning import collect_rarely
from infrastructure.local.servers import LocalServers

NAMES = (
    "append",
    "book",
    "change",
    "arrivals",
    "scale",
    "slots",
    "project",
    "contend",
    "login",
    "jobs",
    "metrics",
    "footprint",
    "audit",
    "directory",
    "admin",
    "analytics",
    "growth",
    "peer",
)
SLOW = ("footprint", "audit", "directory", "admin", "analytics", "growth")
"""Left out unless named, or quick."""
WITH_DOCKER = ("deployed",)
"""Left out unless named: needs Docker with Compose."""


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(NAMES + WITH_DOCKER)}.")] = None,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures here too.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes: does it run at all?")] = False,
) -> None:
    """Measure; without names all but the slow ones, and `deployed`, which needs Docker."""
    asked = names or [name for name in NAMES if quick or name not in SLOW]
    if unknown := set(asked) - {*NAMES, *WITH_DOCKER}:
        raise typer.BadParameter(f"There is no {', '.join(sorted(unknown))}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all servers stop
    collect_rarely()  # as the API and the projector do; ours and its control in one process alike
    said = Console(stderr=True)
    with said.status("Starting servers ...") as status:
        found = measure(asked, quick=quick, tell=status.update)
    Console(width=None if sys.stdout.isatty() else 400).print(table(found["figures"]))
    for name, reason in found["left_out"].items():
        said.print(f"{name} was left out: {reason}", markup=False)
    if to is not None:
        figures = [figure.to_json() for figure in found["figures"]]
        to.write_text(json.dumps({**found, "figures": figures}, indent=2) + "\n")


def measure(names: Sequence[str], *, quick: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    """The figures of these benchmarks, and what they were measured on."""
    figures: list[Figure] = []
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="daybook-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's account must get in
        with LocalServers(folder / "servers", broker=True) as servers:
            place = Place(servers, folder, quick=quick)
            for each in names:
                try:
                    figures += import_module(f"bench.{each}").run(place, tell)
                except LeftOut as reason:
                    left_out[each] = str(reason)
            return {"figures": figures, "left_out": left_out, **_circumstances(servers), "quick": quick}


def _circumstances(servers: LocalServers) -> dict[str, Any]:
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "python": platform.python_version(),
        "postgresql": row and row[0],
        "libraries": {name: version(name) for name in ("eventsourcing", "fastapi", "psycopg", "sqlalchemy")},
    }


if __name__ == "__main__":
    app()
