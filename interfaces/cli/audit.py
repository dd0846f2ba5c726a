"""`daybook audit`: proof that the event log has not been changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, AsJson, Data
from interfaces.cli.progress import progress

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from infrastructure.ledger.checkpoint import SignedCheckpoint
    from infrastructure.ledger.verification import VerificationResult

T = TypeVar("T")
_KEY_FILE_HELP = "The signing key, PEM; made on first use. Default: audit_key.pem in the data folder."
KeyFile = Annotated[Path | None, typer.Option(help=_KEY_FILE_HELP)]

app = typer.Typer(help="Verify the event log and sign checkpoints of it.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def head(data: Data = HOME, as_json: AsJson = False) -> None:
    """Print position, hash and time of the last seal."""
    import json
    import sys

    from infrastructure.ledger.verification import head_of

    found = _on_log(data, head_of)
    at = found.at.isoformat() if found.at else None
    if as_json:
        typer.echo(json.dumps({"position": found.position, "hash": found.hash.hex() or None, "at": at}))
    elif sys.stdout.isatty():
        typer.echo(f"position {found.position}\nhash     {found.hash.hex() or '-'}\ntime     {at or '-'}")
    else:
        typer.echo(f"{found.position} {found.hash.hex() or '-'} {at or '-'}")


@app.command()
def checkpoint(data: Data = HOME, key_file: KeyFile = None) -> None:
    """Print the signed head of the log, to keep elsewhere."""
    from infrastructure.ledger.checkpoint import NoKey, public_text, sign, signing_key
    from infrastructure.ledger.verification import head_of

    try:
        key = signing_key(key_file or data / "audit_key.pem")
    except (NoKey, OSError) as wrong:
        fail(str(wrong))
    typer.echo(sign(_on_log(data, head_of), key))
    typer.echo(f"Signed with the key whose public half is {public_text(key)}", err=True)


@app.command("verify")
def verify_log(
    data: Data = HOME,
    checkpoint: Annotated[Path | None, typer.Option(help="Compare the log with this checkpoint too.")] = None,
    key: Annotated[str | None, typer.Option(help="The public key, base64, that must have signed it.")] = None,
) -> None:
    """Recompute every digest and seal of the log.

    Exit status 1 at the first one that is wrong, and names it.
    """
    from infrastructure.ledger.verification import verify

    signed = _signed(checkpoint, key) if checkpoint else None
    with progress("Verifying") as bar:

        async def run(connection: AsyncConnection) -> VerificationResult:
            return await verify(connection, checkpoint=signed.head if signed else None, progress=bar)

        verdict = _on_log(data, run)
    if verdict.broken:
        fail(f"FAILED: {verdict.broken}")
    typer.echo(f"OK: {verdict.upto} events, {verdict.seals} seals verified.")
    if signed:
        typer.echo(f"OK: the checkpoint at {signed.head.position}, signed with {signed.key}.")


def _signed(file: Path, key: str | None) -> SignedCheckpoint:
    from infrastructure.ledger.checkpoint import NotGenuine, read

    try:
        return read(file.read_text(encoding="utf-8"), key)
    except OSError as unreadable:
        why = (unreadable.strerror or str(unreadable)).lower().removesuffix(" or directory")
        fail(f"Cannot read checkpoint {file}: {why}.")
    except (NotGenuine, UnicodeDecodeError) as wrong:
        fail(f"{file}: {wrong}")


def _on_log(data: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    import asyncio

    from psycopg import AsyncConnection

    from infrastructure.local.instance import settings_of

    database = settings_of(data.absolute()).database
    assert database is not None

    async def run() -> T:
        async with await AsyncConnection.connect(
            database.dsn, autocommit=True, application_name="daybook-audit", connect_timeout=10
        ) as connection:
            return await work(connection)

    return asyncio.run(run())
