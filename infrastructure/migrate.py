"""The migration of a database: the schema of the event log, and a generation of the read models."""

import asyncio
import contextlib
from collections.abc import Callable

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.address_streams import move_addresses
from infrastructure.database.engines import named_engine
from infrastructure.database.roles import APPLICATION, alchemy, migrate
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.rebuild_processes import processes_of_an_idle_machine, rebuild_parts
from infrastructure.settings import Settings
from projections.rebuild.generations import ensure, outdated
from projections.rebuild.rebuild import GRACE, Rebuild, RebuildRunning
from projections.registry import PROJECTIONS

Progress = Callable[[int, int], None]
"""Called with the position reached and the position to reach."""


def migrate_all(settings: Settings, progress: Progress | None = None, *, grace: float = GRACE) -> list[str]:
    """Migrate the database of the settings, as its owner. Safe to repeat, and to run in parallel.

    E-mail addresses that release 0.1.0 folded otherwise move to their own streams, by events.
    Read models whose tables another release made are rebuilt from the log, beside those in use. Returns the
    names of their projections. `grace`: seconds that queries under way have before the old tables are dropped.
    """
    database, owner = settings.database, settings.owner_database
    assert database is not None
    assert owner is not None
    alone = owner.user == database.user  # the owner is the application: no other role needs access
    role = database.user if alone else APPLICATION
    migrate(owner.dsn, None if alone else database.user)
    move_addresses(owner.dsn, settings.masters)
    engine = create_engine(alchemy(owner.dsn))
    with engine.begin() as connection:
        ensure(connection, role=role)
        old = outdated(connection)
    engine.dispose()
    if old:
        asyncio.run(_rebuild(settings, owner.dsn, role, progress, grace))
    return old


async def _rebuild(settings: Settings, dsn: str, role: str, progress: Progress | None, grace: float) -> None:
    """Rebuild, or wait for the rebuild that another process has begun."""
    codec, parts = EventCodec(settings.masters), rebuild_parts(settings, processes_of_an_idle_machine())
    engine = named_engine(dsn, "daybook-migrate", session="-c app.scope=all")
    try:
        while await _outdated(engine):
            with contextlib.suppress(RebuildRunning):
                await Rebuild(engine, PROJECTIONS, codec, progress, role=role, parts=parts).run(grace=grace)
                return
            await asyncio.sleep(1)
    finally:
        await engine.dispose()


async def _outdated(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return await connection.run_sync(outdated)
