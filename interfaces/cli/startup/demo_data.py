"""The demo data of `daybook up` and `daybook seed`: a town, and an account for each role."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from uuid import UUID

from application.access import Role
from domain.kernel import derived_id
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.local.instance import kept
from infrastructure.settings import Settings
from interfaces.cli.progress import progress
from interfaces.demo import Town, seed
from projections.engine.event_feed import HEAD

ROLES = (Role.ADMIN, Role.PROVIDER, Role.CUSTOMER, Role.AUDITOR, Role.ANALYST)
ADDRESSES: Mapping[str, str] = {str(role): f"{role}@daybook.example" for role in ROLES}
"""The e-mail address that the account of each role signs in with."""


def build_town(settings: Settings, stop: Event | None = None) -> Town:
    """The demo town, built with a progress bar unless it is there already. Raises Interrupted after `stop`."""
    return asyncio.run(_build_town(settings, stop))


async def _build_town(settings: Settings, stop: Event | None) -> Town:
    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    rows = RowPool(settings.database.dsn, size=1)
    await rows.open()
    try:
        with progress("Building the demo data", visible=False, stop=stop) as bar:
            before = await _head(rows)
            town = await seed(store, progress=bar, now=store.now())
            if await _head(rows) > before:
                await Enrolment(rows).silence()
            return town
    finally:
        await rows.close()
        await store.close()


async def _head(rows: RowPool) -> int:
    found = await rows.one(f"SELECT {HEAD}")
    return int(found[0]) if found else 0


def make_accounts(settings: Settings, town: Town | None, data: Path) -> str:
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


def account_of(role: Role, town: Town | None) -> UUID:
    """The account of a role: in the demo town, one that has appointments or a business there."""
    known = {}
    if town is not None:
        known = {Role.ADMIN: town.admin_id, Role.PROVIDER: town.owner_id, Role.CUSTOMER: town.customer_id}
    return known.get(role, derived_id("account", role))
