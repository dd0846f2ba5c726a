"""Composition root of `daybook keys`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.local.instance import settings_of
from infrastructure.local.servers import HOME
from infrastructure.privacy.field_encryption import UnknownMasterKey
from infrastructure.settings import Settings

Data = Annotated[Path, typer.Option(help="Where `daybook up` keeps its data, unless DB_HOST is set.")]

app = typer.Typer(help="The keys by which what is personal is sealed.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """A group, though it has one command."""


@app.command()
def rotate(data: Data = HOME) -> None:
    """Seal every person's key by MASTER_KEY; until it is done, MASTER_KEY_PREVIOUS must be the one before.

    Safe while Daybook runs, if it knows both. Cut short, it goes on where it was.
    """
    settings = settings_of(data.absolute())
    columns = TextColumn("Rotating keys"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("keys", total=None)
        try:
            rotated = asyncio.run(_rotate(settings, lambda done, total: bar.update(task, completed=done, total=total)))
        except UnknownMasterKey as why:
            typer.echo(f"{why} Set MASTER_KEY_PREVIOUS to that one.", err=True)
            raise typer.Exit(1) from why
    typer.echo(f"{rotated} keys rotated; MASTER_KEY_PREVIOUS is needed no more.")


async def _rotate(settings: Settings, progress: Callable[[int, int], None]) -> int:
    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    try:
        return await store.keyring.rotate(progress)
    finally:
        await store.close()
