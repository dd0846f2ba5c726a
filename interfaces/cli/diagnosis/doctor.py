"""`daybook doctor`: can this Daybook run here? Versions, settings and connections."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interfaces.cli.options import HOME, AsJson, Data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infrastructure.observability.diagnosis import Finding
    from infrastructure.settings import Settings


def doctor(
    data: Data = HOME,
    as_json: AsJson = False,
    zoneinfo: Annotated[
        Path | None, typer.Option(help="Other zone data, such as /usr/share/zoneinfo: would appointments move?")
    ] = None,
) -> None:
    """Check settings, servers, processes and backups.

    Exit status 1 if a check fails. Clocks, rights of the database role and free disk space are checked too.
    With --zoneinfo, compare the local times of upcoming appointments with another release of the zone data, such as
    that of the operating system, before you install it.
    """
    import asyncio
    import json
    import platform

    from infrastructure.local.instance import settings_of
    from infrastructure.observability.diagnosis import diagnose
    from infrastructure.observability.versions import RELEASE, ZONES

    settings = settings_of(data.absolute())
    of_broker = {"queues": partial(_queues, settings)} if settings.broker else {}
    findings = asyncio.run(diagnose(settings, _reason, of_broker, zoneinfo))
    versions = {"daybook": RELEASE, "python": platform.python_version(), "tzdata": ZONES}
    if as_json:
        checks = {each.name: {"ok": each.ok, "detail": each.detail} for each in findings}
        typer.echo(json.dumps({"versions": versions, "checks": checks}))
    else:
        _print(versions, findings)
    raise typer.Exit(0 if all(each.ok for each in findings) else 1)


async def _queues(settings: Settings) -> Mapping[str, Any]:
    """The number of workers of each queue. Raises if the broker does not answer, or a queue has none."""
    import asyncio

    from interfaces.worker.celery_app import workers_of_queues

    found = await asyncio.to_thread(workers_of_queues, settings)
    without = [queue for queue, workers in found.items() if not workers]
    if without:
        raise RuntimeError(f"No worker takes {', '.join(without)}. Start one: daybook worker --queues {without[0]}")
    return found


def _reason(error: Exception) -> str:
    from interfaces.cli.failures import failure_of

    failure = failure_of(error)
    return failure.text if failure else f"{type(error).__name__}: {error}"


def _print(versions: dict[str, str], findings: Sequence[Finding]) -> None:
    for name, version in versions.items():
        typer.echo(f"      {name:12} {version}")
    for each in findings:
        typer.echo(f"{'ok' if each.ok else 'FAIL':5} {each.name:12} {each.detail}".rstrip())
