"""The connections of the API to its database."""

from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.database.address import DatabaseAddress
from infrastructure.database.engines import named_engine, replace_closed
from infrastructure.database.pool_waits import MeasuredEnginePool
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.log_tail import LogTail
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.settings import Settings
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots


class OpenedDatabase(NamedTuple):
    """The event store, the rows beside the log, and the read models."""

    address: DatabaseAddress
    store: EventStore
    journal: PostgresJournal
    rows: RowPool
    engine: AsyncEngine
    reads: Snapshots
    positions: Positions


async def opened_database(settings: Settings, stack: AsyncExitStack) -> OpenedDatabase:
    """All of them, open until the stack ends."""
    address = settings.database
    assert address is not None
    size, patience = settings.db_pool_size, settings.db_pool_timeout
    cached = settings.api_cache_mb * 1_000_000
    store = postgres_store(address.dsn, settings.masters, cache_size=cached, pool_size=size, patience=patience)
    assert isinstance(store.journal, PostgresJournal)
    stack.push_async_callback(store.journal.close)
    await store.journal.open()
    pool: dict[str, Any] = {"poolclass": MeasuredEnginePool, "pool_size": size, "pool_timeout": patience}
    engine = named_engine(address.dsn, "daybook-reads", patience=patience, **pool)
    replace_closed(engine)
    stack.push_async_callback(engine.dispose)
    tail = await stack.enter_async_context(LogTail(store.journal, store.cache))
    positions = await stack.enter_async_context(Positions(engine, on_progress=tail.hear))
    reads = Snapshots(engine, positions)
    rows = await stack.enter_async_context(RowPool(address.dsn, size=size, patience=patience))
    return OpenedDatabase(address, store, store.journal, rows, engine, reads, positions)
