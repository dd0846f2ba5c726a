"""`daybook audit`: is the log still what was written?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import typer
from psycopg import AsyncConnection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infrastructure.ledger.checkpoint import (
    NoKey,
    NotGenuine,
    SignedCheckpoint,
    public_text,
    read,
    sign,
    signing_key,
)
from infrastructure.ledger.verification import VerificationResult, head_of, verify
from infrastructure.local.instance import settings_of
from infrastructure.local.servers import HOME

T = TypeVar("T")
Data = Annotated[Path, typer.Option(help="Where `daybook up` keeps its data, unless DB_HOST is set.")]
KeyFile = Annotated[Path | None, typer.Option(help="The signing key, PEM; made on first use.")]

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.command()
def head(data: Data = HOME) -> None:
    """Print position, hash and time of the log's last seal."""
    found = _on_log(data, head_of)
    typer.echo(f"{found.position} {found.hash.hex() or '-'} {found.at.isoformat() if found.at else '-'}")


@app.command()
def checkpoint(data: Data = HOME, key_file: KeyFile = None) -> None:
    """Print the signed head, to be kept by somebody outside."""
    try:
        key = signing_key(key_file or data / "audit_key.pem")
    except (NoKey, OSError) as wrong:
        raise _given_up(str(wrong)) from wrong
    typer.echo(sign(_on_log(data, head_of), key))
    typer.echo(f"Signed with the key whose public half is {public_text(key)}", err=True)


@app.command("verify")
def verify_log(
    data: Data = HOME,
    checkpoint: Annotated[Path | None, typer.Option(help="Hold the log against this checkpoint too.")] = None,
    key: Annotated[str | None, typer.Option(help="The public key that must have signed it.")] = None,
) -> None:
    """Recompute every digest and seal; exit status 1, naming the first thing that does not hold."""
    signed = _signed(checkpoint, key) if checkpoint else None
    columns = TextColumn("Verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("events", total=None)

        async def run(connection: AsyncConnection) -> VerificationResult:
            return await verify(
                connection,
                checkpoint=signed.head if signed else None,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )

        verdict = _on_log(data, run)
    if verdict.broken:
        raise _given_up(f"DOES NOT HOLD: {verdict.broken}")
    held = f", and the checkpoint at {signed.head.position} signed with {signed.key}" if signed else ""
    typer.echo(f"holds: {verdict.upto} events under {verdict.seals} seals{held}")


def _signed(file: Path, key: str | None) -> SignedCheckpoint:
    try:
        return read(file.read_text(), key)
    except (NotGenuine, OSError, UnicodeDecodeError) as wrong:
        raise _given_up(f"{file}: {wrong}") from wrong


def _on_log(data: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    database = settings_of(data.absolute()).database
    assert database is not None

    async def run() -> T:
        async with await AsyncConnection.connect(
            database.dsn, autocommit=True, application_name="daybook-audit", connect_timeout=10
        ) as connection:
            return await work(connection)

    try:
        return asyncio.run(run())
    except psycopg.Error as error:
        raise _given_up(f"The log can't be read: {error}") from error


def _given_up(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(1)
