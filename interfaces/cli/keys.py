"""`daybook keys`: the encryption keys of personal data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from infrastructure.settings import Settings

app = typer.Typer(help="Encryption keys for personal data.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def keys() -> None:
    """Encryption keys for personal data."""


@app.command()
def rotate(data: Data = HOME) -> None:
    """Encrypt every person's key with MASTER_KEY.

    Needs the key before it in MASTER_KEY_PREVIOUS. Safe while Daybook runs, if all its processes have both keys.
    An interrupted rotation continues at the next call.
    """
    import asyncio

    from infrastructure.local.instance import settings_of
    from infrastructure.privacy.master_keys import UnknownMasterKey

    settings = settings_of(data.absolute())
    with progress("Rotating keys") as bar:
        try:
            rotated = asyncio.run(_rotate(settings, bar))
        except UnknownMasterKey as unknown:
            fail(f"{unknown} Set MASTER_KEY_PREVIOUS to that one.")
    typer.echo(f"All keys use the current MASTER_KEY ({rotated} rotated). You can remove MASTER_KEY_PREVIOUS.")


async def _rotate(settings: Settings, progress: Callable[[int, int], None]) -> int:
    from infrastructure.event_log.postgres_journal import postgres_store

    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    try:
        return await store.keyring.rotate(progress)
    finally:
        await store.close()
