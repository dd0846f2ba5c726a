"""`daybook migrate`, `seed`, `token`, `openapi`: what one runs before, or beside, the roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data


def migrate(data: Data = HOME) -> None:
    """Bring the database to the current schema. Safe to repeat.

    Read models that another release made are rebuilt from the log, beside those in use.
    """
    from infrastructure.local.instance import settings_of
    from infrastructure.migrate import migrate_all
    from interfaces.cli.progress import progress
    from interfaces.cli.reporting import start_reporting

    settings = settings_of(data.absolute())
    start_reporting(settings, "migrate")
    with progress("Rebuilding the read models", visible=False) as bar:
        rebuilt = migrate_all(settings, bar)
    typer.echo(f"The schema is current. Rebuilt read models: {', '.join(rebuilt) or 'none'}.")


def seed(data: Data = HOME) -> None:
    """Build the demo data, unless it is there already."""
    import json

    from infrastructure.local.instance import settings_of
    from interfaces.cli.progress import progress
    from interfaces.cli.startup.demo_data import build_town

    with progress("Building the demo data", visible=False) as bar:
        town = build_town(settings_of(data.absolute()), bar)
    typer.echo(json.dumps(town.written()))


def token(
    role: Annotated[str, typer.Option(help="admin, provider, customer, auditor or analyst.")],
    sub: Annotated[UUID | None, typer.Option(help="The account's id. Default: a new one.")] = None,
    minutes: Annotated[int, typer.Option(min=1, help="Minutes that it is valid.")] = 24 * 60,
    data: Data = HOME,
) -> None:
    """Print an access token. Not in PROD: people sign in there."""
    from uuid import uuid4

    from application.access import Role
    from infrastructure.identity.access_tokens import AccessTokens
    from infrastructure.local.instance import settings_of
    from infrastructure.settings import Mode

    roles = [str(each) for each in Role if each is not Role.ANONYMOUS]
    if role not in roles:
        fail(f"Unknown role {role}. Roles: {', '.join(roles)}.", 2)
    settings = settings_of(data.absolute())
    if settings.mode is Mode.PROD:
        fail("Tokens are printed in DEV and TEST only. In PROD, sign in: POST /v1/auth/token.")
    tokens = AccessTokens(settings.secret_key.get_secret_value(), algorithm=settings.algorithm)
    typer.echo(tokens.issue(sub or uuid4(), Role(role), timedelta(minutes=minutes)))


def openapi() -> None:
    """Print the OpenAPI document, as docs/openapi.json keeps it."""
    import json

    from interfaces.http.app import document

    typer.echo(json.dumps(document(), indent=2, ensure_ascii=False))


COMMANDS = (migrate, seed, token, openapi)
