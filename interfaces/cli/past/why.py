"""`daybook audit why`: whether a time was free at a moment, and every reason against it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.past.opened import json_text, on_past

if TYPE_CHECKING:
    from application.past import PastLog

_AT_HELP = "A position such as 0.4711, or an instant such as 2030-01-31T09:00:00Z. Default: now."
Service = Annotated[UUID, typer.Argument(help="The id of the service.")]
Start = Annotated[str, typer.Argument(help="The start that somebody wanted, such as 2030-01-31T09:00:00Z.")]
Provider = Annotated[UUID | None, typer.Option(help="The id of the provider. Default: any provider of the service.")]
At = Annotated[str | None, typer.Option(help=_AT_HELP)]

app = typer.Typer()


@app.command()
def why(
    service: Service,
    start: Start,
    provider: Provider = None,
    at: At = None,
    data: Data = HOME,
    as_json: AsJson = False,
) -> None:
    """Print whether a time was free at a moment, and every rule against it.

    Today's rules and time zone data decide on the log as it was then.
    """
    from application.past import shows_everything
    from application.past_availability import PastStart, explain_start_at
    from interfaces.http.audit.past_bodies import when
    from interfaces.http.audit.why import past_explanation_body
    from interfaces.http.framework.fields import instant

    async def look(past: PastLog) -> dict[str, Any]:
        now = datetime.now(UTC)
        wanted = PastStart(service, provider, instant(start))
        moment = now if at is None else when(at)
        return past_explanation_body(await explain_start_at(wanted, moment, past, shows_everything, now))

    told = on_past(data, look)
    typer.echo(json_text(told)) if as_json else _print(told)


def _print(told: dict[str, Any]) -> None:
    typer.echo(f"{told['position']}  {told['as_of']}  {told['detail']}")
    for rule in told["rules"]:
        typer.echo(f"against it: {rule}")
    for taker in told["taken_by"]:
        typer.echo(f"taken by: {taker}")
