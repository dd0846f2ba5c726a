"""The demo data of `daybook up` and `daybook seed`: a town, and an account for each role."""

from __future__ import annotations

import asyncio
from pathlib import Path

from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.local.instance import kept
from infrastructure.settings import Settings
from interfaces.cli.startup.accounts import ADDRESSES, ROLES, account_of
from interfaces.cli.startup.preparation import Progress
from interfaces.demo.first_booking import FirstBooking
from interfaces.demo.town import seed
from projections.engine.event_feed import HEAD


def build_town(settings: Settings, progress: Progress) -> FirstBooking:
    """Build the demo town unless it is there already; a first booking to try there."""
    return asyncio.run(_build_town(settings, progress))


async def _build_town(settings: Settings, progress: Progress) -> FirstBooking:
    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    rows = RowPool(settings.database.dsn, size=1)
    await rows.open()
    try:
        before = await _head(rows)
        town = await seed(store, progress=progress, now=store.now())
        if await _head(rows) > before:
            await Enrolment(rows).silence()
        return town
    finally:
        await rows.close()
        await store.close()


async def _head(rows: RowPool) -> int:
    found = await rows.one(f"SELECT {HEAD}")
    return int(found[0]) if found else 0


def make_accounts(settings: Settings, town: FirstBooking | None, data: Path) -> str:
    """Make the account of each role that is missing. Their password, kept in the data folder."""
    password = kept(data / "demo_password", 18)
    newcomers = [
        NewAccount(account_of(role, town), role, ADDRESSES[str(role)], str(role).capitalize()) for role in ROLES
    ]

    async def make() -> None:
        async with registrar_of(settings) as registrar:
            await registrar.settle(newcomers, password)

    asyncio.run(make())
    return password
