"""A reader gets every event once, in order, whatever the writers and the projectors go through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from time import monotonic

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import new_id
from infrastructure.event_log.journal import Appended
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.engine.projector import Projector
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.gate import shut_gate
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC
from tests.support.waiting import BUSY
from tests.system.torture.following import Follower, Followers
from tests.system.torture.hearing import Ear
from tests.system.torture.hearing import ear as reader
from tests.system.torture.writing import Writing, writing

EVENTS = 200_000
QUICK_EVENTS = 10_000
DELAY = 2.0  # seconds by which a cut may put off the delivery
PATIENCE = 300.0  # seconds for what takes a while on a machine that does other things
_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'daybook-projector-listen' AND datname = current_database()"""


@pytest.fixture
def events(minutes: float) -> int:
    return EVENTS if minutes else QUICK_EVENTS


@pytest.fixture
async def projector(engine: AsyncEngine, ear: Ear) -> AsyncIterator[None]:
    """One in this process."""
    async with _running(Projector(engine, [reader], CODEC)):
        yield


@asynccontextmanager
async def _running(projector: Projector) -> AsyncIterator[None]:
    task = asyncio.create_task(projector.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def assert_all_heard(ear: Ear, written: Writing, least: int) -> None:
    """What was delivered, in its order, is the log; and what was acknowledged is the log too."""
    await written.end()
    await eventually(ear.is_at_the_head, within=PATIENCE)
    stored, heard = ear.stored(), ear.heard()
    assert len(stored) >= least
    assert [event.position for event in stored] == list(range(1, len(stored) + 1))
    assert set(stored) - set(heard) == set(), "never delivered"
    assert heard == stored, "delivered in another order"
    assert written.acknowledged() == stored


async def test_a_reader_that_follows_sixty_four_writers_in_two_processes_gets_every_event_in_order(
    database: Database, ear: Ear, projector: None, events: int, chance: Random, tmp_path: Path
) -> None:
    with writing(database.application, events, chance, tmp_path) as written:
        await assert_all_heard(ear, written, events)


@pytest.mark.fault(13)
async def test_a_cut_listening_connection_delays_an_event_by_two_seconds_at_most(
    database: Database, ear: Ear, projector: None, minutes: float, chance: Random
) -> None:
    journal = PostgresJournal(database.application)
    await journal.open()
    took = []
    for _ in range(40 if minutes else 6):
        await asyncio.sleep(chance.uniform(0, 1))  # at any moment of the reader's second
        position = await _write_unheard(database, journal, cuts=chance.randint(1, 3))
        began = monotonic()

        async def there(position: int = position) -> bool:
            return ear.position() >= position

        await eventually(there, within=60 * DELAY)
        took.append(monotonic() - began)
    await journal.close()
    assert max(took) < DELAY * BUSY, took
    assert ear.heard() == ear.stored()


async def _write_unheard(database: Database, journal: PostgresJournal, cuts: int) -> int:
    """The position of an event that is committed while nobody listens: the connection has just been cut."""
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as connection:

        async def cut() -> int:
            return (await connection.execute(_LISTENERS)).rowcount

        async with shut_gate(database.owner) as gate:
            queued = asyncio.create_task(journal.append(entry(new_id())))
            await gate.wait_for(1)
            for _ in range(cuts):
                await eventually(cut, within=PATIENCE)
            await gate.open()
        said = await queued
    assert isinstance(said, Appended)
    return said.position


@pytest.mark.fault(12)
async def test_a_leader_paused_in_a_page_or_between_two_loses_the_lead_and_does_no_harm_when_it_wakes(
    database: Database,
    ear: Ear,
    followers: Followers,
    minutes: float,
    chance: Random,
    tmp_path: Path,
) -> None:
    leader, other = followers.start(), followers.start()
    events = 60_000 if minutes else 20_000
    with writing(database.application, events, chance, tmp_path) as written:
        await eventually(_one_leads(leader, other))
        for n in range(6 if minutes else 2):
            if not await leader.leads():
                leader, other = other, leader
            await _usurp(ear, leader, other, in_a_page=n % 2 == 1)
        await assert_all_heard(ear, written, events)
    assert await other.leads() != await leader.leads(), "one leads, and one alone"


async def _usurp(ear: Ear, leader: Follower, other: Follower, *, in_a_page: bool) -> None:
    """Another goes on while the leader is paused: with a page in hand, or between two."""

    async def paused() -> bool:
        return await leader.is_paused(in_a_page=in_a_page) or await ear.is_at_the_head()

    await eventually(paused, within=PATIENCE)
    leader.pause()
    await eventually(other.leads, within=60)
    before = ear.position()

    async def goes_on() -> bool:
        return ear.position() > before or await ear.is_at_the_head()

    await eventually(goes_on, within=60)
    leader.wake()
    knows = leader.said.count("projector is on standby")

    async def stands_by() -> bool:
        return leader.said.count("projector is on standby") > knows or not await leader.leads()

    await eventually(stands_by, within=60)


def _one_leads(*followers: Follower) -> Callable[[], Awaitable[bool]]:
    async def one_leads() -> bool:
        return any([await follower.leads() for follower in followers])

    return one_leads
