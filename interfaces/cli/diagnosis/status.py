"""`daybook status`: the processes, read models and queues of a Daybook, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from interfaces.cli.options import HOME, AsJson, Data

if TYPE_CHECKING:
    from infrastructure.observability.system_status import SystemStatus


def status(data: Data = HOME, as_json: AsJson = False) -> None:
    """Show processes, lag and queues, and the next steps.

    Exit status 1 if there are steps to do.
    """
    import json
    from dataclasses import asdict

    import psycopg

    from infrastructure.local.instance import settings_of
    from infrastructure.observability.system_status import status_of

    database = settings_of(data.absolute()).database
    assert database is not None
    with psycopg.connect(database.dsn, application_name="daybook-status", connect_timeout=10) as connection:
        found = status_of(connection)
    if as_json:
        shown = asdict(found) | {"processes": [each._asdict() for each in found.processes]}
        typer.echo(json.dumps(shown, default=str))
    else:
        _print(found)
    raise typer.Exit(1 if found.steps else 0)


def _print(found: SystemStatus) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"Daybook {found.release}, schema {found.schema}, PostgreSQL {found.postgresql}, tzdata {found.zones}\n"
    )
    processes = Table("process", "pid", "host", "release", "tzdata", "since")
    for each in found.processes:
        since = f"{each.started_at:%Y-%m-%d %H:%M}"
        processes.add_row(each.role, str(each.pid), each.host, each.version, each.zones, since)
    queues = Table("queue", "due", "late (s)", "dead")
    for queue in found.queues:
        queues.add_row(queue.name, str(queue.due), f"{queue.late:.0f}", str(queue.dead))
    console.print(processes)
    console.print(queues)
    behind = max((each.behind for each in found.projections), default=0)
    console.print(f"{len(found.projections)} projections, the slowest is {behind} events behind.")
    console.print("\n".join(["", *found.steps]) if found.steps else "Nothing to do.")
