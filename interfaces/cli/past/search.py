"""`daybook audit search` and `request`: the events of the log by their index, and the chain of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, AsJson, Data

if TYPE_CHECKING:
    from application.audit_request import RequestWorks
    from application.past import PastLog
    from infrastructure.settings import Settings
    from projections.query.snapshot import Snapshots

T = TypeVar("T")
_WHEN = "A position such as 0.4711, or an instant such as 2030-01-31T09:00:00Z; itself included."


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `daybook audit`."""
    app.command()(search)
    app.command()(request)


def search(
    stream: Annotated[UUID | None, typer.Option(help="Of this aggregate.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind of aggregate, such as Appointment.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of this topic, such as Appointment.Booked.")] = None,
    actor: Annotated[UUID | None, typer.Option(help="That this account caused.")] = None,
    person: Annotated[UUID | None, typer.Option(help="About this account, guest or other customer.")] = None,
    organization: Annotated[UUID | None, typer.Option(help="That concerned this organization.")] = None,
    request: Annotated[str | None, typer.Option(help="Of this request.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help=_WHEN)] = None,
    to: Annotated[str | None, typer.Option(help=_WHEN)] = None,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    data: Data = HOME,
    as_json: AsJson = False,
) -> None:
    """Print the events that meet all filters: position, time, event, stream, actor, role, means and request."""
    from functools import partial

    about = {"stream": stream, "kind": kind, "topic": type_, "actor": actor, "person": person}
    wanted = {**about, "organization": organization, "request": request}
    told = on_index(data, partial(_found, wanted, (from_, to), (limit, newest)))
    typer.echo(as_text(told) if as_json else "\n".join(map(_line, told)), nl=as_json or bool(told))


async def _found(
    wanted: dict[str, Any],
    times: tuple[str | None, str | None],
    order: tuple[int, bool],
    past: PastLog,
    reads: Snapshots,
    _: RequestWorks,
) -> list[Any]:
    from application.audit_search import events_at, span
    from interfaces.http.audit.past_bodies import when
    from interfaces.http.audit.stream_history import history_body
    from projections.query.snapshot import EVERYTHING
    from projections.read_models.audit.search import AuditFilters, find

    first, last = [None if each is None else when(each) for each in times]
    since, until = await span(first, last, past)
    limit, newest = order
    async with reads.open("audit", sees=EVERYTHING) as read:
        found = await find(read, AuditFilters(**wanted, since=since, until=until), limit, newest_first=newest)
    await tell_lag(read.position, past)
    return [history_body(each) for each in await events_at(found, past)]


def _line(each: Any) -> str:
    actor = each["actor_name"] or each["actor"] or "-"
    words = (each["stream"], str(actor), each["role"], each["via"], each["request"])
    return "  ".join((each["position"], each["at"], each["type"], *words))


def request(
    id: Annotated[str, typer.Argument(help="The id of a request, as events have it.")],
    data: Data = HOME,
    as_json: AsJson = False,
) -> None:
    """Print what a request recorded and caused: events, jobs with their mails, deliveries, and how they ended."""
    from application.audit_request import MOST_EVENTS, chain_of
    from interfaces.http.audit.requests import chain_body
    from projections.query.snapshot import EVERYTHING
    from projections.read_models.audit.search import AuditFilters, find

    async def look(past: PastLog, reads: Snapshots, works: RequestWorks) -> Any:
        async with reads.open("audit", sees=EVERYTHING) as read:
            positions = await find(read, AuditFilters(request=id), MOST_EVENTS + 1)
        await tell_lag(read.position, past)
        return chain_body(id, read.position, await chain_of(id, positions, positions, past, works, None))

    told = on_index(data, look)
    typer.echo(as_text(told) if as_json else "\n".join(_lines(told)))


def _lines(chain: Any) -> Iterator[str]:
    for each in chain["events"]:
        actor = each["actor_name"] or each["actor"] or "-"
        yield "  ".join((each["position"], each["at"], each["type"], each["stream"], actor, each["cause"] or "-"))
    for each in chain["jobs"]:
        words = (each["status"], each["outcome"] or "-", each["ended_at"] or "-", each["mail"] and "mail")
        yield "  ".join((each["event"] or "-", "job", each["id"], each["kind"], *filter(None, words)))
    for each in chain["deliveries"]:
        yield "  ".join((each["event"], "delivery", each["webhook_id"], each["status"], each["ended_at"] or "-"))
    for kind, count in chain["not_kept"].items():
        if count:
            yield f"no longer kept: {count} {kind}"
    if chain["more"]:
        yield "There are more."


async def tell_lag(position: int, past: PastLog) -> None:
    """Say on the standard error up to where the index has read the log, if that is not its end."""
    from domain.log_position import position_text

    head = (await past.moment(None)).position
    if position < head:
        typer.echo(f"The index is at {position_text(position)}; the log ends at {position_text(head)}.", err=True)


def as_text(told: Any) -> str:
    """As JSON."""
    import json

    return json.dumps(told, ensure_ascii=False, indent=2)


def on_index(data: Path, look: Callable[[PastLog, Snapshots, RequestWorks], Awaitable[T]]) -> T:
    """The answer of `look` at the log and its read models; ends the program if it is refused."""
    import asyncio

    from pydantic_core import PydanticCustomError

    from domain.errors import NotFound
    from infrastructure.local.instance import settings_of
    from projections.query.snapshot import BeyondHead

    try:
        return asyncio.run(_looked(settings_of(data.absolute()), look))
    except (NotFound, BeyondHead, PydanticCustomError) as refused:
        fail(str(refused))


async def _looked(settings: Settings, look: Callable[[PastLog, Snapshots, RequestWorks], Awaitable[T]]) -> T:
    from infrastructure.database.engines import named_engine
    from infrastructure.database.row_pool import RowPool
    from infrastructure.ledger.past_log import PastLog
    from infrastructure.ledger.request_works import RequestWorks
    from projections.engine.positions import Positions
    from projections.query.snapshot import Snapshots

    assert settings.database is not None
    dsn = settings.database.dsn
    engine = named_engine(dsn, "daybook-audit")
    try:
        async with RowPool(dsn, size=1, patience=10) as rows:
            reads = Snapshots(engine, Positions(engine))
            return await look(PastLog(rows, settings.masters), reads, RequestWorks(rows))
    finally:
        await engine.dispose()
