"""`daybook admin`: an account that runs the platform, made by whoever has the server itself."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from application.access import Role
from application.event_log import Unavailable
from application.identity.credentials import WeakPassword
from domain.kernel import new_id
from domain.people.email_address import AddressTaken
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.local.instance import NotRunning, settings_of, start_servers
from infrastructure.local.servers import HOME
from infrastructure.migrate import migrate_all
from infrastructure.settings import Settings

app = typer.Typer(help="Accounts that run the platform.", no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Accounts that run the platform."""


@app.command()
def create(
    email: Annotated[str, typer.Option(help="Where mail reaches them; they sign in with it.")],
    name: Annotated[str, typer.Option(help="What people call them.")] = "Admin",
    data: Annotated[Path, typer.Option(help="Where `daybook up` keeps its data, unless DB_HOST is set.")] = HOME,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an admin, the first one or one more. The password is asked for twice, and not shown."""
    password = _read() if password_stdin else _ask()
    with ExitStack() as servers:
        try:
            settings = settings_of(data.absolute())
        except NotRunning:  # an empty system has no servers yet: ours will do for a while
            settings = start_servers(data.absolute(), servers)
        migrate_all(settings)
        try:
            newcomer = NewAccount(new_id(), Role.ADMIN, email, name)
            asyncio.run(_make(settings, newcomer, password))
        except (WeakPassword, AddressTaken, Unavailable, ValueError) as why:
            typer.echo(str(why), err=True)
            raise typer.Exit(1) from why
    typer.echo(f"{email} is an admin: account {newcomer.account_id}")


async def _make(settings: Settings, newcomer: NewAccount, password: str) -> None:
    async with registrar_of(settings) as registrar:
        await registrar.make([newcomer], password)


def _read() -> str:
    """One line, or what there is."""
    return sys.stdin.readline().rstrip("\r\n")


def _ask() -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
