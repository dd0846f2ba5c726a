"""Daybook: `daybook up` starts everything on this machine; every other command runs one role or one task."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from infrastructure.gc_tuning import start_fast
from interfaces.cli import admin, audit, keys, projections, roles, setup, up
from interfaces.cli.analytics import commands as analytics
from interfaces.cli.diagnosis.config import config
from interfaces.cli.diagnosis.doctor import doctor
from interfaces.cli.diagnosis.info import info
from interfaces.cli.diagnosis.status import status
from interfaces.cli.failures import failure_of
from interfaces.cli.reporting import report_crash

ORDER = (
    *("up", "api", "project", "worker", "beat", "flower", "feed-sink"),
    *("status", "info", "doctor", "migrate", "seed", "token", "openapi", "config"),
    *("admin", "audit", "projections", "analytics", "keys", "rebuild", "restored"),
)
DIAGNOSIS = (config, status, info, doctor)


class _Ordered(TyperGroup):
    """Help lists the commands in the order in which one needs them; an old name still works, unlisted."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        return list(ORDER)


app = typer.Typer(
    cls=_Ordered,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (up.up, *roles.COMMANDS, *setup.COMMANDS, *DIAGNOSIS, projections.rebuild):
    app.command(command.__name__.replace("_", "-"))(command)
app.add_typer(admin.app, name="admin")
app.add_typer(audit.app, name="audit")
app.add_typer(projections.app, name="projections")
app.add_typer(projections.app, name=projections.OLD_NAME, hidden=True)
app.add_typer(analytics.app, name="analytics")
app.add_typer(keys.app, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"Daybook {version('daybook')}")
        raise typer.Exit


_VERSION = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the release.")]


@app.callback(help=__doc__)
def daybook(version: _VERSION = False) -> None:
    """The options of the command itself."""


def main() -> None:
    """Run the command line; what an operator can fix is said in a line or two."""
    start_fast()
    try:
        app()
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            report_crash(error)
            raise
        typer.echo(failure.text, err=True)
        raise SystemExit(failure.status) from None


if __name__ == "__main__":
    main()
