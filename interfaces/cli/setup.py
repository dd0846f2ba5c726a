"""`daybook migrate`, `seed`, `token`, `openapi`, `restored`: what one runs before, or beside, the roles."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrastructure.settings import Settings


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


def seed(
    year: Annotated[bool, typer.Option("--year", help="A year of history of three organizations too.")] = False,
    data: Data = HOME,
) -> None:
    """Build the demo data, unless it is there already. An interrupted run is continued.

    The year is for reports and analysts. Not in PROD.
    """
    import json

    from infrastructure.local.instance import settings_of
    from infrastructure.settings import Mode
    from interfaces.cli.progress import progress
    from interfaces.cli.startup.demo_data import build_town, build_year

    settings = settings_of(data.absolute())
    if year and settings.mode is Mode.PROD:
        fail("A year of demo history is written in DEV and TEST only.")
    with progress("Building the demo data", visible=False) as bar:
        town = build_town(settings, bar)
    if year:
        with progress("Writing a year of demo history", visible=False) as bar:
            build_year(settings, bar)
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


def restored(data: Data = HOME) -> None:
    """Prepare a restored database for use.

    Erases again whom FORGOTTEN_FILE names, and drops the mails that are due: they may have been sent before the
    database was lost. Run it once, as docker/restore does, while no API process and no worker runs, and the read
    models are up to date.
    """
    import asyncio

    from infrastructure.local.instance import settings_of
    from infrastructure.observability.logger import configure_logs

    settings = settings_of(data.absolute())
    configure_logs(settings.log_level, "restored")
    erased, dropped = asyncio.run(_settle(settings))
    mails = ", ".join(f"{count} {kind}" for kind, count in dropped.items())
    typer.echo(f"Erased persons: {erased}. Mails that are not sent: {mails or 'none'}.")


async def _settle(settings: Settings) -> tuple[int, Mapping[str, int]]:
    from application.people.erasure import ErasureServices, erase_again
    from infrastructure.database.engines import named_engine
    from infrastructure.database.row_pool import RowPool
    from infrastructure.event_log.postgres_journal import postgres_store
    from infrastructure.jobs.after_restore import drop_due_mails
    from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
    from infrastructure.privacy.obligations import ObligationsReader
    from projections.engine.positions import Positions
    from projections.query.snapshot import Snapshots

    assert settings.database is not None
    dsn, erased = settings.database.dsn, ErasedPersonsFile(settings.forgotten_file)
    engine = named_engine(dsn, "daybook-reads", pool_size=1)
    store = postgres_store(dsn, settings.masters, pool_size=2, patience=settings.db_pool_timeout)
    try:
        async with RowPool(dsn, size=2) as rows, Positions(engine) as positions:
            await store.open()
            obligations = ObligationsReader(Snapshots(engine, positions))
            await erase_again(ErasureServices(store, obligations, AccountData(rows), erased))
            return len(erased.read()), await drop_due_mails(rows)
    finally:
        await store.close()
        await engine.dispose()


COMMANDS = (migrate, seed, token, openapi, restored)
