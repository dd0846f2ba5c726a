"""A server that was superseded in a failover with loss goes on answering: its events stay out of its successor."""

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.booking.appointment import Appointment
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.engine.apply import Fenced, apply
from projections.engine.event_feed import EventFeed
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.infrastructure.event_log.test_superseded import copy_log
from tests.projections.conftest import recorded
from tests.projections.story import an_appointment
from tests.support.sealed import CODEC


@pytest.fixture
def successor(new_database: Callable[[], Database]) -> Database:
    return new_database()


@pytest.fixture
async def new_engine(successor: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(successor.url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def book_on_successor(successor: Database) -> AsyncIterator[Callable[[Appointment], object]]:
    journal = PostgresJournal(successor.application)
    await journal.open()

    async def book(appointment: Appointment) -> int:
        return await recorded(journal, appointment)

    yield book
    await journal.close()


async def appointments(engine: AsyncEngine) -> set[object]:
    async with engine.begin() as connection:
        await connection.execute(text("SELECT set_config('app.scope', 'all', true)"))
        return set((await connection.execute(text("SELECT id FROM read_1.appointment"))).scalars())


async def test_a_page_of_a_superseded_server_is_not_written_to_its_successor(
    database, engine, write, successor, new_engine, book_on_successor
):
    """Both are at position 2, of other appointments; the connections of a pool may reach either."""
    both, lost, ours = an_appointment(), an_appointment(), an_appointment()
    await write(both)
    copy_log(database, successor)
    await Projector(new_engine, PROJECTIONS, CODEC).catch_up()
    await write(lost)
    await book_on_successor(ours)
    page = await EventFeed(engine, CODEC).after(1)
    assert [each.stream for each in page] == [lost.id]
    with pytest.raises(Fenced):
        async with new_engine.begin() as connection:
            await apply(connection, 1, PROJECTIONS, 1, page)
    await Projector(new_engine, PROJECTIONS, CODEC).catch_up()
    assert await appointments(new_engine) == {both.id, ours.id}


async def test_a_page_that_both_have_is(database, engine, write, successor, new_engine):
    appointment = an_appointment()
    await write(appointment)
    copy_log(database, successor)
    page = await EventFeed(engine, CODEC).after(0)
    async with new_engine.begin() as connection:
        await apply(connection, 1, PROJECTIONS, 0, page)
    assert await appointments(new_engine) == {appointment.id}
