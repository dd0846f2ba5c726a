"""`daybook doctor`: can this Daybook run here? Versions, settings and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from interfaces.cli.options import HOME, AsJson, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrastructure.observability.diagnosis import Finding


def doctor(data: Data = HOME, as_json: AsJson = False) -> None:
    """Check settings, servers and versions. Exit status 1 if a check fails."""
    import asyncio
    import json
    import platform

    from infrastructure.local.instance import settings_of
    from infrastructure.observability.diagnosis import diagnose
    from infrastructure.observability.versions import RELEASE, ZONES

    findings = asyncio.run(diagnose(settings_of(data.absolute()), _reason))
    versions = {"daybook": RELEASE, "python": platform.python_version(), "tzdata": ZONES}
    if as_json:
        checks = {each.name: {"ok": each.ok, "detail": each.detail} for each in findings}
        typer.echo(json.dumps({"versions": versions, "checks": checks}))
    else:
        _print(versions, findings)
    raise typer.Exit(0 if all(each.ok for each in findings) else 1)


def _reason(error: Exception) -> str:
    from interfaces.cli.failures import failure_of

    failure = failure_of(error)
    return failure.text if failure else f"{type(error).__name__}: {error}"


def _print(versions: dict[str, str], findings: Sequence[Finding]) -> None:
    for name, version in versions.items():
        typer.echo(f"      {name:12} {version}")
    for each in findings:
        typer.echo(f"{'ok' if each.ok else 'FAIL':5} {each.name:12} {each.detail}".rstrip())
