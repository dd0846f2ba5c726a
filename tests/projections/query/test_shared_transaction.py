"""The queries of a page share a transaction: one instant, each seen by its own account, and never too old."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from projections.query.shared_transaction import SharedTransaction
from projections.query.snapshot import EVERYTHING, Behind, Snapshots
from projections.read_models.appointment import get
from tests.projections.story import a_customer, an_appointment


@pytest.fixture
async def shared(reads):
    shared = SharedTransaction(reads)
    yield shared
    await shared.close()


async def began(read):
    return (await read.connection.execute(text("SELECT pg_backend_pid(), transaction_timestamp()"))).one()


async def test_queries_one_after_the_other_are_of_one_transaction(write, catch_up, shared):
    first, second = an_appointment(), an_appointment()
    await write(first)
    await catch_up()
    async with shared.open("agenda", sees=EVERYTHING) as read:
        transaction = await began(read)
        assert await get(read, first.id) is not None
    await write(second)
    await catch_up()
    async with shared.open("customer", sees=EVERYTHING) as read:
        assert await began(read) == transaction
    async with shared.open("agenda", sees=EVERYTHING) as read:
        assert await began(read) == transaction
        assert await get(read, second.id) is None


async def test_what_must_be_newer_begins_a_new_transaction(write, catch_up, shared):
    async with shared.open("agenda", sees=EVERYTHING) as read:
        transaction = await began(read)
    appointment = an_appointment()
    position = await write(appointment)
    with pytest.raises(Behind):
        async with shared.open("agenda", position, patience=0.1, sees=EVERYTHING):
            pass
    await catch_up()
    async with shared.open("agenda", position, sees=EVERYTHING) as read:
        assert await began(read) != transaction
        assert read.position == position
        assert await get(read, appointment.id) is not None


async def test_each_query_sees_what_its_own_account_may(write, catch_up, shared):
    carl, dora = a_customer("Carl"), a_customer("Dora")
    await write(carl, dora)
    await catch_up()

    async def seen(sees) -> int:
        async with shared.open("customer", sees=sees) as read:
            return (await read.connection.execute(text("SELECT count(*) FROM read_1.customer"))).scalar_one()

    assert [await seen(each) for each in (EVERYTHING, carl.id, None, dora.id, EVERYTHING)] == [2, 1, 0, 1, 2]
    async with shared.open("agenda", sees=carl.id):
        pass
    assert await seen(None) == 0


async def test_a_query_within_another_has_a_transaction_of_its_own(shared):
    async with shared.open("agenda", sees=EVERYTHING) as outer, shared.open("agenda", sees=None) as inner:
        assert await began(inner) != await began(outer)
        assert (await outer.connection.execute(text("SELECT current_setting('app.scope')"))).scalar_one() == "all"


async def test_a_statement_that_fails_ends_the_transaction_for_nobody_else(shared):
    with pytest.raises(DBAPIError):
        async with shared.open("agenda") as read:
            await read.connection.execute(text("SELECT 1 / 0"))
    async with shared.open("agenda") as read:
        assert (await read.connection.execute(text("SELECT 1"))).scalar_one() == 1


@pytest.fixture
async def pool(engine, positions):
    """The engine of snapshots alone, with them: in the other one, positions are waited for too."""
    alone = create_async_engine(engine.url)
    yield alone.pool, Snapshots(alone, positions)
    await alone.dispose()


async def test_at_the_end_the_connection_is_given_back(pool):
    connections, snapshots = pool
    shared = SharedTransaction(snapshots)
    async with shared.open("agenda"):
        pass
    assert connections.checkedout() == 1
    await shared.close()
    assert connections.checkedout() == 0
    async with shared.open("agenda") as read:
        await began(read)
    assert connections.checkedout() == 0


async def test_a_page_that_is_cancelled_gives_the_connection_back(pool):
    connections, snapshots = pool
    reading = asyncio.Event()

    async def page() -> None:
        shared = SharedTransaction(snapshots)
        try:
            async with shared.open("agenda") as read:
                reading.set()
                await read.connection.execute(text("SELECT pg_sleep(60)"))
        finally:
            await shared.close()

    asked = asyncio.create_task(page())
    await reading.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert connections.checkedout() == 0
