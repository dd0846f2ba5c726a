"""A log to write to, readers that catch up with it, and looks at what they keep."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.kernel import Aggregate
from infrastructure.event_log.journal import Appended, LogEntry
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.engine.positions import Positions
from projections.engine.projector import Projector
from projections.query.snapshot import EVERYTHING, Snapshot, Snapshots
from projections.registry import PROJECTIONS
from tests.support.sealed import CODEC, rows_of
from tests.support.waiting import PATIENCE

Write = Callable[..., Awaitable[int]]
CatchUp = Callable[[], Awaitable[None]]
Look = Callable[[str], AbstractAsyncContextManager[Snapshot]]


@pytest.fixture
async def engine(database) -> AsyncIterator[AsyncEngine]:
    """As the application's role."""
    engine = create_async_engine(database.url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def write(database) -> AsyncIterator[Write]:
    """Record the pending events of aggregates as one command; answers the position of the last."""
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()

    yield partial(recorded, journal)
    await journal.close()


async def recorded(journal: PostgresJournal, *aggregates: Aggregate) -> int:
    pending = [event for aggregate in aggregates for event in aggregate.collect_events()]
    rows = await rows_of(journal, pending, '{"actor":"somebody"}')
    answer = aggregates[0].id, aggregates[0].version
    result = await journal.append(LogEntry(secrets.token_bytes(32), b"", answer, {}, rows))
    assert isinstance(result, Appended)
    return result.position


@pytest.fixture
def catch_up(engine: AsyncEngine) -> CatchUp:
    """All readers, up to the log's head."""
    return Projector(engine, PROJECTIONS, CODEC).catch_up


@pytest.fixture
async def positions(engine: AsyncEngine) -> AsyncIterator[Positions]:
    async with Positions(engine) as following:
        yield following


@pytest.fixture
def reads(engine: AsyncEngine, positions: Positions) -> Snapshots:
    return Snapshots(engine, positions)


@pytest.fixture
def look(reads: Snapshots) -> Look:
    """A look at all of a reader's tables, as they are."""
    return partial(reads.open, sees=EVERYTHING)
