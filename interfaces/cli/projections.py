"""`daybook readers` and `daybook rebuild`: how far the read models are, and making them anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure.database.roles import alchemy
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.local.instance import settings_of
from infrastructure.local.servers import HOME
from projections.rebuild.rebuild import GRACE, Rebuild, RebuildRunning, Rebuilt, UndecodableEvents
from projections.registry import PROJECTIONS

T = TypeVar("T")
Data = Annotated[Path, typer.Option(help="Where `daybook up` keeps its data, unless DB_HOST is set.")]

_STATE = text("""
    SELECT b.reader, b.generation, b.position, h.head - b.position AS behind, b.stopped_at, b.error,
           coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT recorded_at FROM log.stored_events WHERE notification_id > b.position
               ORDER BY notification_id LIMIT 1)), 0)::float AS seconds
    FROM read.live JOIN read.bookmark b USING (generation),
         (SELECT coalesce(max(notification_id), 0) AS head FROM log.stored_events) h
    ORDER BY b.reader""")
_RESUME = text("""
    UPDATE read.bookmark b SET stopped_at = NULL, error = NULL FROM read.live
    WHERE b.generation = live.generation AND b.reader = :reader AND b.stopped_at IS NOT NULL""")

app = typer.Typer(help="How far the read models are; resume one that has stopped.", invoke_without_command=True)


@app.callback()
def listing(context: typer.Context, data: Data = HOME) -> None:
    """List the readers with their lag; exit status 1 if one has stopped."""
    if context.invoked_subcommand is not None:
        return

    async def look(engine: AsyncEngine) -> list[tuple[object, ...]]:
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(_STATE)]

    rows = _with_engine(data, look)
    table = Table("reader", "generation", "position", "behind", "seconds")
    for reader, generation, position, behind, _, _, seconds in rows:
        table.add_row(*map(str, (reader, generation, position, behind, f"{seconds:.1f}")))
    Console(soft_wrap=True).print(table)
    stopped = [row for row in rows if row[4] is not None]
    for reader, _, _, _, stopped_at, error, _ in stopped:
        typer.echo(f"{reader} has stopped at position {stopped_at}: {error}", err=True)
    if stopped:
        raise typer.Exit(1)


@app.command()
def resume(name: str, data: Data = HOME) -> None:
    """Let a reader that an event has stopped try that event again, after the mend."""

    async def free(engine: AsyncEngine) -> int:
        async with engine.begin() as connection:
            return (await connection.execute(_RESUME, {"reader": name})).rowcount

    if not _with_engine(data, free):
        typer.echo(f"No reader {name} has stopped.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{name} goes on.")


def rebuild(
    data: Data = HOME,
    check: Annotated[bool, typer.Option(help="Only compare with those in use; exit status 1 if they differ.")] = False,
    grace: Annotated[float, typer.Option(help="Seconds until the old tables are dropped.")] = GRACE,
) -> None:
    """Make the read models anew from the log; those in use answer until the new ones take over."""
    columns = TextColumn("Rebuilding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("events", total=None)

        async def run(engine: AsyncEngine) -> Rebuilt:
            codec = EventCodec(settings_of(data.absolute()).masters)
            made = Rebuild(
                engine, PROJECTIONS, codec, lambda done, total: bar.update(task, completed=done, total=total)
            )
            return await (made.check() if check else made.run(grace=grace))

        try:
            rebuilt = _with_engine(data, run)
        except (RebuildRunning, UndecodableEvents) as why:
            typer.echo(str(why), err=True)
            raise typer.Exit(1) from why
    for difference in rebuilt.differences:
        typer.echo(f"{difference.table}:\n  in use  {difference.live}\n  rebuilt {difference.rebuilt}")
    if rebuilt.differences:
        raise typer.Exit(1)
    what = "no difference" if check else f"generation {rebuilt.generation} is in use"
    typer.echo(f"{what}, at position {rebuilt.position}")


def _with_engine(data: Path, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    owner = settings_of(data.absolute()).owner_database
    assert owner is not None

    async def run() -> T:
        engine = create_async_engine(alchemy(owner.dsn), connect_args={"options": "-c app.scope=all"})
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())
