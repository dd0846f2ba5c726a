"""`daybook admin`: accounts that run the platform, made by the operator of the server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path
    from uuid import UUID

    from infrastructure.identity.account_provisioning import NewAccount
    from infrastructure.settings import Settings

app = typer.Typer(help="Accounts that run the platform.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def admin() -> None:
    """Accounts that run the platform."""


@app.command()
def create(
    email: Annotated[str, typer.Option(help="The e-mail address to sign in with.")],
    name: Annotated[str, typer.Option(help="The name that people see.")] = "Admin",
    data: Data = HOME,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Create an admin account, the first or one more.

    Asks for the password twice and does not show it.
    """
    _check_address(email)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask()
    typer.echo(f"{email} is an admin: account {_create(data, email, name, password)}")


@app.command("reset-totp")
def reset_totp(
    email: Annotated[str, typer.Option(help="The e-mail address of the account.")],
    data: Data = HOME,
) -> None:
    """Switch off one-time codes for an account.

    For somebody who lost the device and the recovery codes. All its sessions end. Daybook mails the owner, and
    records it in the security log. Make sure first that the person is who they say.
    """
    import asyncio
    from contextlib import ExitStack

    from application.event_log import Unavailable
    from application.identity.totp import NoCodes
    from domain.errors import NotFound
    from infrastructure.identity.account_provisioning import reset_totp_of

    with ExitStack() as servers:
        settings = _migrated(data.absolute(), servers)
        try:
            asyncio.run(reset_totp_of(settings, email))
        except NotFound:
            fail(f"No account has the address {email}.")
        except NoCodes:
            fail(f"One-time codes are not on for {email}.")
        except Unavailable as refused:
            fail(str(refused))
    typer.echo(f"One-time codes are off for {email}. Its owner gets a mail.")


def _create(data: Path, email: str, name: str, password: str) -> UUID:
    """The id of the new account. Without a database, private servers run until it is made."""
    import asyncio
    from contextlib import ExitStack

    from application.access import Role
    from application.event_log import Unavailable
    from application.identity.credentials import WeakPassword
    from domain.kernel import new_id
    from domain.people.email_address import AddressTaken
    from infrastructure.identity.account_provisioning import NewAccount

    newcomer = NewAccount(new_id(), Role.ADMIN, email, name)
    with ExitStack() as servers:
        settings = _migrated(data.absolute(), servers)
        try:
            asyncio.run(_make(settings, newcomer, password))
        except (WeakPassword, AddressTaken, Unavailable, ValueError) as refused:
            fail(str(refused))
    return newcomer.account_id


def _migrated(data: Path, servers: ExitStack) -> Settings:
    from infrastructure.local.instance import NotRunning, settings_of, start_servers
    from infrastructure.migrate import migrate_all

    try:
        settings = settings_of(data)
    except NotRunning:
        settings = start_servers(data, servers)
    migrate_all(settings)
    return settings


async def _make(settings: Settings, newcomer: NewAccount, password: str) -> None:
    from infrastructure.identity.account_provisioning import registrar_of

    async with registrar_of(settings) as registrar:
        await registrar.make([newcomer], password)


def _check_address(email: str) -> None:
    from application.people.email_address import NotDeliverable, deliverable

    try:
        deliverable(email)
    except NotDeliverable as refused:
        fail(f"{email}: {refused} Use one such as ada@example.org.", 2)


def _ask() -> str:
    if not sys.stdin.isatty():
        fail("No terminal to ask on. Use --password-stdin.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
