"""A drill on two servers: the standby takes over without the last commits, and the old primary still answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from application.booking.appointment import CancelAppointment, book_appointment, cancel_appointment
from application.event_log import CommandResult, Unavailable
from application.jobs.job import JobRequest
from domain.booking.appointment import Appointment
from domain.errors import Conflict, NotFound
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import InvalidationPublisher, connect
from projections.availability.queries import Availability
from projections.engine.positions import Positions
from projections.engine.projector import Projector
from projections.query.snapshot import Snapshots
from projections.registry import PROJECTIONS
from tests.projections.clinic import Clinic, open_clinic
from tests.support.checker import Acknowledged, check
from tests.support.sealed import CODEC, MASTERS
from tests.support.waiting import eventually
from tests.system.faults.replica import NAME, Pair, a_pair, application

KIND = "account_notice"
END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'daybook-writer'"
LED = """
    SELECT FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE application_name = 'daybook-projector-lead' AND locktype = 'advisory' AND granted"""


Another = Callable[[str], Awaitable[EventStore]]


@pytest.fixture
async def another_process() -> AsyncIterator[Another]:
    async with AsyncExitStack() as stack:

        async def connected(dsn: str) -> EventStore:
            store = postgres_store(dsn, MASTERS)
            assert isinstance(store.journal, PostgresJournal)
            await store.journal.open()
            stack.push_async_callback(store.journal.close)
            return store

        yield connected


@dataclass
class Town:
    """What a Daybook does: decides, reads, answers from caches, and has jobs; all by one way to the database."""

    pair: Pair
    clinic: Clinic
    cache: AvailabilityCache
    jobs: JobQueue
    enqueuer: JobEnqueuer

    @property
    def availability(self) -> Availability:
        return self.clinic.cached(self.cache)

    @property
    def epoch(self) -> bytes | None:
        """In which the process keeps answers."""
        return self.cache._process.epoch

    async def answered(self, position: int) -> Sequence[str]:
        """The free times, by whoever names a position; and the same without a cache."""
        cached = await self.clinic.free(self.availability, at_least=position)
        assert cached == await self.clinic.free(at_least=position)
        return cached

    async def enqueue(self) -> UUID:
        """The key of a job that is due; asked for again where connections went to the server that is gone."""
        job = JobRequest(KIND, {}, subject=new_id())

        async def enqueued() -> bool:
            with suppress(Unavailable, psycopg.OperationalError):
                await self.enqueuer.enqueue(job)
                return True
            return False

        await eventually(enqueued)
        return job.key

    async def claimed(self) -> Sequence[HeldJob]:
        """The next jobs, as soon as there are some."""
        found: list[HeldJob] = []

        async def claimed() -> bool:
            with suppress(psycopg.OperationalError):
                found.extend((await self.jobs.claim([KIND], 10)).held)
            return bool(found)

        await eventually(claimed)
        return found


@pytest.fixture
async def town(servers: Any) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(a_pair())
        redis = await stack.enter_async_context(connect(servers.redis_url))
        engine = create_async_engine(pair.door.dsn.replace("postgresql://", "postgresql+psycopg://", 1))
        stack.push_async_callback(engine.dispose)
        prefix = f"test-{secrets.token_hex(4)}:"
        publisher = InvalidationPublisher(redis, prefix, engine)
        reads = Snapshots(engine, await stack.enter_async_context(Positions(engine)))
        clinic = await stack.enter_async_context(open_clinic(pair.door.dsn, engine, reads, publisher))
        cache = await stack.enter_async_context(AvailabilityCache(redis, prefix))
        rows = await stack.enter_async_context(RowPool(pair.door.dsn))
        await stack.enter_async_context(projecting(clinic))
        keyring = clinic.store.keyring
        yield Town(pair, clinic, cache, JobQueue(rows, keyring), JobEnqueuer(rows, keyring))


@asynccontextmanager
async def projecting(clinic: Clinic) -> AsyncIterator[None]:
    running = asyncio.create_task(Projector(clinic.engine, PROJECTIONS, CODEC, clinic.publisher).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def lost_in_the_failover(town: Town) -> tuple[UUID, int]:
    """An appointment that the old primary has, and a position that it has; both are known and cached everywhere."""
    await town.clinic.book("09:00")
    await town.pair.replicated()
    town.pair.part()
    lost, _ = await town.clinic.book("10:00")
    _, position = await town.clinic.book("11:00")

    async def shown() -> bool:
        answer = await town.clinic.answer(town.availability)
        return bool(answer["position"] >= position)

    await eventually(shown)
    return lost, position


def acknowledged(done: CommandResult[Appointment]) -> Acknowledged:
    return Acknowledged(new_id(), None, done.position, done.aggregate.id, done.aggregate.version)


async def nothing_but_the_new(town: Town) -> None:
    """The old primary is gone, a projector leads on the new one, and the caches have noticed."""
    before = town.epoch
    town.pair.old.stop()

    async def led() -> bool:
        with psycopg.connect(town.pair.new.dsn(NAME), autocommit=True) as new:
            return bool(new.execute(LED).rowcount) and town.epoch not in {None, before}

    await eventually(led)


async def test_what_the_new_primary_lacks_is_decided_and_shown_no_more(town: Town, another_process: Another) -> None:
    lost, position = await lost_in_the_failover(town)
    pair, clinic = town.pair, town.clinic
    pair.promote()
    other = await another_process(application(pair.new))
    others = [await book_appointment(clinic.week.booking(clock), other) for clock in ("10:00", "13:00")]
    assert others[-1].position <= position, "the new log gives the same positions to other events"
    with psycopg.connect(pair.old.dsn(NAME), autocommit=True) as old:
        old.execute(END)  # the appends reach the new one from now on, and reads the old one
    with pytest.raises(Conflict):  # in its cache, 13:00 is free, and the day has as many events as on the new one
        await clinic.book("13:00")
    cancelling = CancelAppointment(by=clinic.week.owner, appointment_id=lost, reason="ill")
    with pytest.raises(NotFound):
        await cancel_appointment(cancelling, clinic.store)
    own = await book_appointment(clinic.week.booking("12:00"), clinic.store)
    await nothing_but_the_new(town)
    books = await asyncio.to_thread(check, pair.new.dsn(NAME), map(acknowledged, [*others, own]))
    assert lost not in {event.stream for event in books.events}
    for done in (*others, own):
        free = await town.answered(done.position)
        assert {"09:00", "10:00", "12:00", "13:00"}.isdisjoint(free)
        assert "11:00" in free


async def test_jobs_go_on_though_the_new_primary_lacks_their_claims(town: Town) -> None:
    pair, key = town.pair, await town.enqueue()
    await pair.replicated()
    pair.part()
    (lost,) = await town.claimed()
    assert (lost.key, lost.job.attempts) == (key, 1)
    pair.promote()
    pair.old.stop()
    (found,) = await town.claimed()
    assert (found.key, found.job.attempts) == (key, 1)
    assert await town.jobs.done(lost, "done") is None, "the worker of before has lost its lease"
    assert await town.jobs.done(found, "done") is not None
    following = await town.enqueue()
    assert [each.key for each in await town.claimed()] == [following]
