"""What the commands about the ledger open: the log, the files of checkpoints, and the signing key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from interfaces.cli.failures import fail

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from psycopg import AsyncConnection

    from infrastructure.ledger.checkpoint import SignedCheckpoint

T = TypeVar("T")
_KEY_FILE_HELP = "The signing key, PEM; made on first use. Default: audit_key.pem in the data folder."
KeyFile = Annotated[Path | None, typer.Option(help=_KEY_FILE_HELP)]
PublicKey = Annotated[str | None, typer.Option("--key", help="The public key, base64, that must have signed it.")]


def key_of(file: Path | None, data: Path) -> Ed25519PrivateKey:
    """The signing key, made on first use."""
    from infrastructure.ledger.checkpoint import NoKey, signing_key

    try:
        return signing_key(file or data / "audit_key.pem")
    except (NoKey, OSError) as wrong:
        fail(str(wrong))


def signed(file: Path, key: str | None) -> SignedCheckpoint:
    """The checkpoint in a file, which this public key must have signed, if it is given."""
    from infrastructure.ledger.checkpoint import NotGenuine, read

    try:
        return read(file.read_bytes(), key)
    except OSError as unreadable:
        why = (unreadable.strerror or str(unreadable)).lower().removesuffix(" or directory")
        fail(f"Cannot read checkpoint {file}: {why}.")
    except NotGenuine as wrong:
        fail(f"{file}: {wrong}")


def on_log(data: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Work on a connection to the log; a ledger that does not verify ends the command, with what is wrong."""
    import asyncio

    from application.ledger import LedgerBroken
    from infrastructure.ledger.reader import connected
    from infrastructure.local.instance import settings_of

    database = settings_of(data.absolute()).database
    assert database is not None

    async def run() -> T:
        async with connected(database.dsn, patience=10) as connection:
            return await work(connection)

    try:
        return asyncio.run(run())
    except LedgerBroken as found:
        fail(f"FAILED: {found}")
