"""`daybook audit views`: who opened whose card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.past.opened import json_text, on_rows

if TYPE_CHECKING:
    from application.view_log import ViewFilters
    from infrastructure.database.row_pool import RowPool

_INSTANT = "An instant such as 2030-01-31T09:00:00Z."
Person = Annotated[UUID | None, typer.Option(help="Only of this person's card: the id of an account or a customer.")]
Viewer = Annotated[UUID | None, typer.Option(help="Only by this account.")]
Since = Annotated[str | None, typer.Option("--from", help=f"Only since then. {_INSTANT}")]
Until = Annotated[str | None, typer.Option("--to", help=f"Only before. {_INSTANT}")]
MOST = 10_000  # views

app = typer.Typer()


@app.command()
def views(
    person: Person = None,
    viewer: Viewer = None,
    from_: Since = None,
    to: Until = None,
    data: Data = HOME,
    as_json: AsJson = False,
) -> None:
    """Print who opened whose card: time, viewer, role, person, operation and means.

    Once a viewer, person and hour, the newest first, 10000 at most.
    """
    from application.view_log import ViewFilters
    from interfaces.http.framework.fields import exact_instant

    async def look(rows: RowPool) -> list[Any]:
        since, until = (None if said is None else exact_instant(said) for said in (from_, to))
        return await _found(rows, ViewFilters(person, viewer, since, until))

    told = on_rows(data, look)
    if as_json:
        typer.echo(json_text(told))
    for each in () if as_json else told:
        typer.echo("  ".join(each[name] for name in ("at", "viewer", "role", "person", "operation", "via")))


async def _found(rows: RowPool, filters: ViewFilters) -> list[Any]:
    """The views, as JSON."""
    from datetime import UTC, datetime

    from infrastructure.ledger.view_log import ViewLog
    from interfaces.http.audit.views import view_body

    log = ViewLog(rows, lambda: datetime.now(UTC))
    return [view_body(each) for each in await log.find(filters, limit=MOST)]
