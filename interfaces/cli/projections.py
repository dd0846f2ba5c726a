"""`daybook projections` and `daybook rebuild`: the lag of the read models, and rebuilding them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from projections.engine.states import ProjectionState
    from projections.rebuild.rebuild import Rebuilt

T = TypeVar("T")
OLD_NAME = "readers"
PROCESSES = "Processes that fill the read models. Default: one for two processors, at most 4."

app = typer.Typer(
    help="List the read models with their lag; resume one that stopped.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def listing(context: typer.Context, data: Data = HOME, as_json: AsJson = False) -> None:
    """List the read models with their lag; resume one that stopped.

    Exit status 1 if one has stopped, or is ahead of the log.
    """
    if context.info_name == OLD_NAME:
        typer.echo("`daybook readers` is now `daybook projections`; the old name still works.", err=True)
    if context.invoked_subcommand is not None:
        return
    states = _states(data)
    _print_json(states) if as_json else _print_table(states)
    stopped = [each for each in states if each.stopped_at is not None]
    for each in stopped:
        typer.echo(f"{each.name} stopped at position {each.stopped_at}: {each.error}", err=True)
        typer.echo(f"Fix the cause, then run `daybook projections resume {each.name}`.", err=True)
    ahead = [each for each in states if each.behind < 0]
    for each in ahead:
        typer.echo(f"{each.name} is ahead of the log. Run `daybook audit verify`, then `daybook rebuild`.", err=True)
    if stopped or ahead:
        raise typer.Exit(1)


def _states(data: Path) -> Sequence[ProjectionState]:
    import psycopg

    from infrastructure.local.instance import settings_of
    from infrastructure.observability.system_status import projection_states

    database = settings_of(data.absolute()).database
    assert database is not None
    with psycopg.connect(database.dsn, application_name="daybook-status", connect_timeout=10) as connection:
        return projection_states(connection)


def _print_json(states: Sequence[ProjectionState]) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps([asdict(each) for each in states]))


def _print_table(states: Sequence[ProjectionState]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("projection", "generation", "position", "behind", "seconds")
    for each in states:
        table.add_row(each.name, str(each.generation), str(each.position), str(each.behind), f"{each.seconds:.1f}")
    Console(soft_wrap=True).print(table)


@app.command(short_help="Resume a projection that stopped on a bad event.")
def resume(
    name: Annotated[str | None, typer.Argument(help="The projection's name. Default: all that stopped.")] = None,
    data: Data = HOME,
) -> None:
    """Resume a projection that stopped on a bad event, or all of them, once the cause is fixed."""
    from projections.registry import PROJECTIONS

    names = [reader.name for reader in PROJECTIONS]
    if name is not None and name not in names:
        fail(f"There is no projection {name}. Projections: {', '.join(names)}.", 2)
    resumed = _resumed(data, names if name is None else [name])
    for each in sorted(resumed):
        typer.echo(f"{each} has resumed.")
    if not resumed:
        typer.echo(f"{name or 'Each projection'} is running; nothing to resume.")


def rebuild(
    data: Data = HOME,
    check: Annotated[bool, typer.Option(help="Compare only. Exit status 1 at a difference.")] = False,
    grace: Annotated[float | None, typer.Option(help="Seconds until the old tables are dropped. Default: 10.")] = None,
    processes: Annotated[int | None, typer.Option(help=PROCESSES, min=1)] = None,
) -> None:
    """Rebuild the read models from the event log.

    The read models in use answer until the new ones take over.
    """
    rebuilt = _rebuilt(data, check=check, grace=grace, processes=processes)
    _show_differences(rebuilt)
    outcome = "No difference" if check else f"Generation {rebuilt.generation} is in use"
    typer.echo(f"{outcome}, at position {rebuilt.position}.")


def _rebuilt(data: Path, *, check: bool, grace: float | None, processes: int | None) -> Rebuilt:
    """The next generation, in use or compared; a refusal ends the command."""
    from infrastructure.event_log.event_codec import EventCodec
    from infrastructure.local.instance import settings_of
    from infrastructure.rebuild_processes import processes_beside_a_service, rebuild_parts
    from projections.rebuild.parts import RebuildFailed
    from projections.rebuild.rebuild import GRACE, Rebuild, RebuildRunning, UndecodableEvents
    from projections.registry import PROJECTIONS

    settings = settings_of(data.absolute())
    codec = EventCodec(settings.masters)
    parts = rebuild_parts(settings, processes or processes_beside_a_service())
    with progress("Rebuilding") as bar:

        async def run(engine: AsyncEngine) -> Rebuilt:
            made = Rebuild(engine, PROJECTIONS, codec, bar, parts=parts)
            return await (made.check() if check else made.run(grace=GRACE if grace is None else grace))

        try:
            return _with_engine(data, run)
        except (RebuildRunning, RebuildFailed, UndecodableEvents) as refused:
            fail(str(refused))


def _show_differences(rebuilt: Rebuilt) -> None:
    """Exit with status 1 if there is any."""
    for difference in rebuilt.differences:
        typer.echo(f"{difference.table}:\n  in use  {difference.live}\n  rebuilt {difference.rebuilt}")
    if rebuilt.differences:
        raise typer.Exit(1)


def _resumed(data: Path, names: Sequence[str]) -> Sequence[str]:
    """Those of the projections that had stopped."""
    import psycopg

    from infrastructure.local.instance import settings_of
    from projections.engine.states import RESUME

    owner = settings_of(data.absolute()).owner_database
    assert owner is not None
    with psycopg.connect(owner.dsn, application_name="daybook-projections", connect_timeout=10) as connection:
        return [each for (each,) in connection.execute(RESUME.encode(), [list(names)])]


def _with_engine(data: Path, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    import asyncio

    from infrastructure.database.engines import named_engine
    from infrastructure.local.instance import settings_of

    owner = settings_of(data.absolute()).owner_database
    assert owner is not None

    async def run() -> T:
        engine = named_engine(owner.dsn, "daybook-rebuild", session="-c app.scope=all")
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())
