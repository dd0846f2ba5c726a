"""`daybook audit`: is the log still what was written?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from psycopg import AsyncConnection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infrastructure.checkpoint import NotGenuine, public_text, read, sign, signing_key
from infrastructure.instance import settings_of
from infrastructure.ledger import Head, Verdict, head_of, verify
from infrastructure.local import HOME

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
    key = signing_key(key_file or data / "audit_key.pem")
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("events", total=None)

        async def run(connection: AsyncConnection) -> Verdict:
            return await verify(
                connection,
                checkpoint=signed,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )

        verdict = _on_log(data, run)
    if verdict.broken:
        typer.echo(f"DOES NOT HOLD: {verdict.broken}", err=True)
        raise typer.Exit(1)
    held = f", and the checkpoint at {signed.position}" if signed else ""
    typer.echo(f"holds: {verdict.upto} events under {verdict.seals} seals{held}")


def _signed(file: Path, key: str | None) -> Head:
    try:
        return read(file.read_text(), key)
    except (NotGenuine, OSError) as wrong:
        typer.echo(f"{file}: {wrong}", err=True)
        raise typer.Exit(1) from wrong


def _on_log(data: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    database = settings_of(data.absolute()).database
    assert database is not None

    async def run() -> T:
        async with await AsyncConnection.connect(
            database.dsn, application_name="daybook-audit"
        ) as connection:
            return await work(connection)

    return asyncio.run(run())
