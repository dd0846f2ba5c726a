"""Read your writes: a look is as new as was asked for, or it is refused."""

import asyncio

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from projections.engine import pg_notify
from projections.engine.positions import Positions, announcement
from projections.engine.projector import Projector
from projections.query.snapshot import EVERYTHING, Behind, BeyondHead, Snapshots
from projections.read_models.agenda.listed import ListedAppointment
from projections.read_models.appointment import get, owners
from projections.registry import PROJECTIONS
from tests.projections.story import an_appointment
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC
from tests.support.waiting import PATIENCE

_LEFT_OPEN = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()""")


async def test_a_look_tells_the_position_that_it_reflects(write, catch_up, look):
    async with look("agenda") as read:
        assert read.position == 0
    position = await write(an_appointment())
    await catch_up()
    async with look("agenda") as read:
        assert read.position == position


async def test_a_look_waits_for_its_reader(write, catch_up, reads):
    appointment = an_appointment()
    position = await write(appointment)

    async def book() -> ListedAppointment | None:
        async with reads.open("agenda", at_least=position, patience=10, sees=EVERYTHING) as read:
            assert read.position >= position
            return await get(read, appointment.id)

    waiting = asyncio.create_task(book())
    await catch_up()
    assert await waiting is not None


async def test_waiting_ends_when_the_reader_is_there_and_not_at_the_next_look(write, engine, positions, monkeypatch):
    monkeypatch.setattr(pg_notify, "POLL", 10 * PATIENCE)
    projector = Projector(engine, PROJECTIONS, CODEC)
    for _ in range(6):
        position = await write(an_appointment())
        waiting = asyncio.create_task(positions.wait("agenda", position, timeout=PATIENCE))
        await projector.catch_up()
        assert await waiting


async def test_a_look_that_would_be_stale_is_refused(write, reads):
    position = await write(an_appointment())
    with pytest.raises(Behind) as refused:
        async with reads.open("agenda", at_least=position, patience=0.1):
            pass
    assert refused.value.position == 0


async def test_a_reader_that_has_stopped_holds_back_its_own_looks_alone(write, catch_up, engine, reads):
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE read.checkpoint SET stopped_at = 1 WHERE reader = 'customer'"))
    position = await write(an_appointment())
    await catch_up()
    async with reads.open("agenda", at_least=position, sees=EVERYTHING) as read:
        assert read.position == position
    with pytest.raises(Behind):
        async with reads.open("customer", at_least=position, patience=0.1):
            pass


async def test_a_position_that_the_log_does_not_have_is_refused_at_once(write, reads):
    position = await write(an_appointment())
    with pytest.raises(BeyondHead) as refused:
        async with reads.open("agenda", at_least=position + 1, patience=60):
            pass
    assert refused.value.head == position


async def test_a_look_sees_one_moment_however_long_it_lasts(write, catch_up, look):
    first, second = an_appointment(), an_appointment()
    await write(first)
    await catch_up()
    async with look("agenda") as read:
        assert await get(read, first.id) is not None
        await write(second)
        await catch_up()
        assert await get(read, second.id) is None


async def test_a_look_changes_nothing(look):
    async with look("agenda") as read:
        with pytest.raises(DBAPIError, match="read-only"):
            await read.connection.execute(insert(owners.providers).values(provider_id=None, owner_id=None))


async def test_positions_are_known_again_after_the_connection_was_cut(write, engine, positions, catch_up):
    async def listening() -> object:
        async with engine.connect() as connection:
            query = "SELECT FROM pg_stat_activity WHERE application_name = 'daybook-positions' AND datname = "
            return (await connection.execute(text(f"{query} current_database()"))).all()

    await eventually(listening)
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'daybook-positions' AND datname = current_database()"
            )
        )
    position = await write(an_appointment())
    await catch_up()
    assert await positions.wait("agenda", position, timeout=PATIENCE)
    await eventually(listening)


async def test_who_gives_up_waiting_leaves_nothing_behind(engine):
    async with Positions(engine) as positions:
        assert not await positions.wait("agenda", 10**9, timeout=0.05)
        waiting = asyncio.create_task(positions.wait("agenda", 10**9, timeout=60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not positions._waiters


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ({}, "0"),
        ({"agenda": 7, "customer": 7}, "7"),
        ({"agenda": 7, "customer": 3, "directory": 7}, "7 customer=3"),
    ],
)
def test_an_announcement_names_the_head_and_who_is_not_there(positions, said):
    assert announcement(positions) == said


async def test_queries_that_are_cancelled_at_any_moment_leave_their_connections_behind(engine, positions):
    alone = create_async_engine(engine.url, pool_size=2, max_overflow=0)
    snapshots = Snapshots(alone, positions)

    async def query() -> None:
        async with snapshots.open("agenda", sees=EVERYTHING) as read:
            await read.connection.execute(text("SELECT 1"))

    for moment in range(200):
        asked = asyncio.create_task(query())
        await asyncio.sleep(moment * 0.00003)
        asked.cancel()
        await asyncio.wait([asked])
    assert alone.pool.checkedout() == 0
    async with engine.connect() as connection:
        assert (await connection.execute(_LEFT_OPEN)).scalar_one() == 0
    await asyncio.gather(query(), query(), query())
    await alone.dispose()
