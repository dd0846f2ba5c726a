"""`daybook audit`: proof that the event log has not been changed, and the past of any aggregate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.ledger import archives, checkpoints, proofs
from interfaces.cli.ledger.opened import on_log
from interfaces.cli.ledger.opened import signed as signed_checkpoint
from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.past import search, views, why
from interfaces.cli.past.opened import WHEN_HELP, json_text, on_past
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.past import PastLog
    from infrastructure.ledger.verification import VerificationResult

T = TypeVar("T")
_ALL = 1_000_000  # events of a stream
Stream = Annotated[UUID, typer.Argument(help="The id of an appointment, a provider, or any other aggregate.")]

app = typer.Typer(help="Verify the event log, and look into its past.", no_args_is_help=True, rich_markup_mode=None)
for part in (checkpoints.app, proofs.app, archives.app, why.app, views.app):
    app.registered_commands += part.registered_commands


@app.command()
def head(data: Data = HOME, as_json: AsJson = False) -> None:
    """Print position, hash and time of the last seal."""
    import json
    import sys

    from infrastructure.ledger.verification import head_of

    found = on_log(data, head_of)
    at = found.at.isoformat() if found.at else None
    if as_json:
        typer.echo(json.dumps({"position": found.position, "hash": found.hash.hex() or None, "at": at}))
    elif sys.stdout.isatty():
        typer.echo(f"position {found.position}\nhash     {found.hash.hex() or '-'}\ntime     {at or '-'}")
    else:
        typer.echo(f"{found.position} {found.hash.hex() or '-'} {at or '-'}")


@app.command("verify")
def verify_log(
    data: Data = HOME,
    checkpoint: Annotated[Path | None, typer.Option(help="Compare the log with this checkpoint too.")] = None,
    key: Annotated[str | None, typer.Option(help="The public key, base64, that must have signed it.")] = None,
) -> None:
    """Recompute every digest and seal of the event log, the security log and the views log.

    Exit status 1 at the first fault, which it names: of a row, a seal, or a table that shows or takes other rows.
    """
    from infrastructure.ledger.catalog import COVERED, NOT_COVERED
    from infrastructure.ledger.verification import verify

    signed = signed_checkpoint(checkpoint, key) if checkpoint else None
    with progress("Verifying") as bar:

        async def run(connection: AsyncConnection) -> VerificationResult:
            return await verify(connection, checkpoint=signed.heads if signed else None, progress=bar)

        verdict = on_log(data, run)
    if verdict.broken:
        fail(f"FAILED: {verdict.broken}")
    typer.echo(f"OK: {verdict.upto} events, {verdict.seals} seals verified.")
    rows = f"{verdict.security} rows of the security log, {verdict.views} of the views log"
    typer.echo(f"OK: {verdict.keys} command keys, {rows}.")
    if signed:
        typer.echo(f"OK: the checkpoint at {signed.heads.log.position}, signed with {signed.key}.")
    typer.echo(f"Covered: {', '.join(COVERED)}. Not covered: {NOT_COVERED}.")


@app.command()
def position(
    at: Annotated[str | None, typer.Argument(help=WHEN_HELP)] = None, data: Data = HOME, as_json: AsJson = False
) -> None:
    """Print the last position that had been recorded by an instant.

    Prints its time too, and the time of the next position.
    """
    from interfaces.http.audit.past_bodies import moment_body, when

    async def look(past: PastLog) -> dict[str, Any]:
        return moment_body(await past.moment(None if at is None else when(at)))

    told = on_past(data, look)
    typer.echo(json_text(told) if as_json else f"{told['position']} {told['at'] or '-'} {told['until'] or '-'}")


@app.command()
def state(stream: Stream, at: Annotated[str | None, typer.Option(help=WHEN_HELP)] = None, data: Data = HOME) -> None:
    """Print an aggregate as it was, as JSON.

    Personal data of erased persons is "forgotten".
    """
    from application.past import shows_everything, state_at
    from interfaces.http.audit.past_bodies import state_body, when

    async def look(past: PastLog) -> dict[str, Any]:
        moment = None if at is None else when(at)
        return await state_body(stream, await state_at(stream, moment, past, shows_everything), past)

    typer.echo(json_text(on_past(data, look)))


@app.command()
def diff(
    stream: Stream,
    from_: Annotated[str, typer.Option("--from", help=WHEN_HELP)],
    to: Annotated[str | None, typer.Option(help=WHEN_HELP)] = None,
    data: Data = HOME,
    as_json: AsJson = False,
) -> None:
    """Print the fields of an aggregate that differ between two times."""
    from application.past import shows_everything, two_states
    from interfaces.http.audit.past_bodies import difference_body, when

    async def look(past: PastLog) -> dict[str, Any]:
        moments = when(from_), None if to is None else when(to)
        both = await two_states(stream, moments, past, shows_everything)
        return await difference_body(stream, *both, past=past)

    told = on_past(data, look)
    if as_json:
        typer.echo(json_text(told))
    for each in () if as_json else told["changes"]:
        typer.echo(f"{each['pointer']}: {json_text(each['before'], None)} -> {json_text(each['after'], None)}")


@app.command()
def history(stream: Stream, data: Data = HOME, as_json: AsJson = False) -> None:
    """Print the events of an aggregate: position, time, event, actor, role, rank, means and reason.

    "unknown" stands for what an earlier release did not record.
    """
    from application.past import shows_everything
    from application.stream_history import history_of
    from interfaces.http.audit.stream_history import history_body

    async def look(past: PastLog) -> list[Any]:
        items, _ = await history_of(stream, 0, _ALL, past, shows_everything)
        return [history_body(item) for item in items]

    told = on_past(data, look)
    if as_json:
        typer.echo(json_text(told))
    for each in () if as_json else told:
        actor = each["actor_name"] or each["actor"]
        words = (each[name] or "-" for name in ("role", "rank", "via", "reason"))
        typer.echo("  ".join((each["position"], each["at"], each["type"], str(actor), *words)))


search.add_commands(app)
