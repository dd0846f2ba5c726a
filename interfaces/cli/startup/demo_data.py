"""The demo data of `daybook up` and `daybook seed`: a town, a year of history, and an account for each role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.local.instance import kept
from infrastructure.settings import Settings
from interfaces.cli.startup.accounts import ADDRESSES, ROLES, account_of
from interfaces.cli.startup.preparation import Progress
from interfaces.demo.first_booking import FirstBooking
from interfaces.demo.play import IN_FLIGHT
from interfaces.demo.town import seed
from interfaces.demo.year import has_year, seed_year
from projections.engine.event_feed import HEAD


def build_town(settings: Settings, progress: Progress) -> FirstBooking:
    """Build the demo town unless it is there already; a first booking to try there."""
    return asyncio.run(_build_town(settings, progress))


async def _build_town(settings: Settings, progress: Progress) -> FirstBooking:
    assert settings.database is not None
    async with _store(settings) as store, RowPool(settings.database.dsn, size=1) as rows:
        before = await _head(rows)
        town = await seed(store, progress=progress, now=store.now())
        if await _head(rows) > before:
            await Enrolment(rows).silence()
        return town


def build_year(settings: Settings, progress: Progress, in_flight: int = IN_FLIGHT) -> None:
    """Write the year of demo history unless it is there already. `in_flight`: commands at once."""

    async def build() -> None:
        async with _store(settings) as store:
            await seed_year(store, progress=progress, now=store.now(), in_flight=in_flight)

    asyncio.run(build())


def lacks_year(settings: Settings) -> bool:
    """Whether the year of demo history is missing, in whole or in part."""

    async def look() -> bool:
        async with _store(settings) as store:
            return not await has_year(store)

    return asyncio.run(look())


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[EventStore]:
    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    try:
        yield store
    finally:
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
