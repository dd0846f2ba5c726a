"""`daybook analytics grant` and `revoke`: logins for people with SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data

if TYPE_CHECKING:
    from infrastructure.database.analysts import Granted

Login = Annotated[str, typer.Argument(help="The name of the login in PostgreSQL.")]


def grant(
    login: Login,
    organization: Annotated[UUID | None, typer.Option(help="Only the figures of this organization.")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="Holds its password, also of one that exists. Default: a random one."),
    ] = None,
    data: Data = HOME,
) -> None:
    """Let a login read the views of schema analysis, and nothing else. Makes it, unless it exists.

    Prints the password of a login that was made without a file. Repeat with another organization to add its figures.
    """
    import secrets

    from infrastructure.database.analysts import AnalystRefused
    from infrastructure.database.analysts import grant as grant_seat
    from infrastructure.local.instance import settings_of

    owner = settings_of(data.absolute()).owner_database
    assert owner is not None
    password = secrets.token_urlsafe(24) if password_file is None else password_file.read_text(encoding="utf-8").strip()
    try:
        granted = grant_seat(owner.dsn, login, organization, password, always=password_file is not None)
    except AnalystRefused as refused:
        fail(str(refused))
    whose = "all organizations" if organization is None else f"organization {organization}"
    typer.echo(f"{login} reads the figures of {whose}: schema analysis of {owner.name} at {owner.host}:{owner.port}.")
    _tell(granted if password_file is None else granted._replace(password=None))


def _tell(granted: Granted) -> None:
    if granted.password is not None:
        typer.echo(f"Password, shown once: {granted.password}")
    if granted.open:
        typer.echo(
            f"{len(granted.open)} functions (advisory locks, large objects) stay open to every login: only a superuser"
            " can take them away. Run this command with DB_SUPERUSER, or see docs/analysts.md.",
            err=True,
        )


def revoke(login: Login, data: Data = HOME) -> None:
    """Take the views from a login, and end its sessions. The login stays, with no right in this database."""
    from infrastructure.database.analysts import revoke as revoke_seat
    from infrastructure.local.instance import settings_of

    owner = settings_of(data.absolute()).owner_database
    assert owner is not None
    if not revoke_seat(owner.dsn, login):
        fail(f"{login} reads no figures.")
    typer.echo(f"{login} reads no figures any more.")
