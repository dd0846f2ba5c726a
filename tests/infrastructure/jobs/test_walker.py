"""A walk: what is due is done, several jobs at once, under one heartbeat; and whatever comes of a try is noted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from application.jobs.job import Job, JobHandlers, JobIdle, JobRequest, NotDueYet, PermanentFailure
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs import job_queue, walker
from infrastructure.jobs.background_walk import BackgroundWalk
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.walker import AT_ONCE, JobWalker
from projections.read_models.jobs.job_status import lateness
from tests.infrastructure.conftest import Open
from tests.support.instances import eventually
from tests.support.waiting import PATIENCE

SAID = {"email": "ada@example.org"}


@pytest.fixture
async def rows(database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application, patience=PATIENCE) as rows:
        yield rows


@pytest.fixture
async def keyring(database, open_store: Open) -> Any:
    return (await open_store(database.application)).keyring


@pytest.fixture
def jobs(rows: RowPool, keyring: Any) -> JobQueue:
    return JobQueue(rows, keyring)


@pytest.fixture
def enqueuer(rows: RowPool, keyring: Any) -> JobEnqueuer:
    return JobEnqueuer(rows, keyring)


@pytest.fixture
async def engine(database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url)
    yield engine
    await engine.dispose()


class Doer:
    """Does jobs, or fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.done: list[Job] = []

    async def __call__(self, job: Job, lease: Any) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(job)
        return "sent"

    @property
    def handlers(self) -> JobHandlers:
        return {"reset_password": self, "account_notice": self}


async def walk(jobs: JobQueue, handlers: JobHandlers) -> None:
    """As a worker does that has just been woken, to the end of all tries."""
    walker = JobWalker(jobs, handlers)
    while await walker.walk(lasting=5):
        pass
    await walker.close()


async def made(enqueuer: JobEnqueuer, count: int = 1, kind: str = "reset_password") -> None:
    for _ in range(count):
        await enqueuer.enqueue(JobRequest(kind, SAID))


async def make_due(rows: RowPool) -> None:
    await rows.all("UPDATE work.job SET due_at = clock_timestamp()")


async def test_what_is_due_is_done_with_what_it_says(jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool) -> None:
    doer = Doer()
    await made(enqueuer, 3 * AT_ONCE)
    await walk(jobs, doer.handlers)
    assert [job.said for job in doer.done] == [SAID] * 3 * AT_ONCE
    order = [job.key for job in doer.done]
    assert all(abs(order.index(key) - n) <= AT_ONCE for n, key in enumerate(sorted(order))), "the longest due first"
    found = await rows.all("SELECT DISTINCT outcome, attempts, payload FROM work.job")
    assert found == [("sent", 1, None)]


async def test_a_walk_takes_no_kind_that_it_has_no_handler_for(jobs: JobQueue, enqueuer: JobEnqueuer) -> None:
    doer = Doer()
    await made(enqueuer)
    await walk(jobs, {"account_notice": doer})
    assert doer.done == []


async def test_servers_that_never_answer_keep_their_own_queue_busy_and_no_other(
    jobs: JobQueue, enqueuer: JobEnqueuer
) -> None:
    """A process takes one wake-up after the other: a walk whose places are all taken ends, and the next one begins."""
    hanging, doer = asyncio.Event(), Doer()
    tries: list[Job] = []

    async def hang(job: Job, lease: Any) -> str:
        tries.append(job)
        await hanging.wait()
        return "sent"

    await made(enqueuer, AT_ONCE + 5)
    await made(enqueuer, kind="account_notice")
    webhooks, mail = JobWalker(jobs, {"reset_password": hang}), JobWalker(jobs, {"account_notice": doer})
    while len(tries) < AT_ONCE:
        assert await webhooks.walk(), "more is due"
    assert await webhooks.walk(), "and a walk ends though none of its tries does"
    await mail.walk()
    await eventually(lambda: asyncio.sleep(0, bool(doer.done)))
    assert len(tries) == AT_ONCE
    hanging.set()
    await webhooks.close()
    await mail.close()


async def test_what_fails_is_tried_later_and_the_error_says_nothing_personal(
    jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool
) -> None:
    class Refused(Exception):
        code = 550

    doer = Doer(Refused("ada@example.org is unknown"))
    await made(enqueuer)
    await walk(jobs, doer.handlers)
    found = await rows.all("SELECT error, attempts, due_at > clock_timestamp(), lease FROM work.job")
    assert found == [("Refused 550", 1, True, None)]
    await make_due(rows)
    await walk(jobs, doer.handlers)
    assert [job.attempts for job in doer.done] == [2]


async def test_one_that_fails_stops_no_other(jobs: JobQueue, enqueuer: JobEnqueuer) -> None:
    doer = Doer(RuntimeError())
    await made(enqueuer, AT_ONCE)
    await walk(jobs, doer.handlers)
    assert len(doer.done) == AT_ONCE - 1


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (PermanentFailure("no such mailbox"), (1, "no such mailbox", True)),
        (JobIdle(), (0, None, False)),
    ],
)
async def test_what_a_handler_raises_is_noted(
    jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool, raised: Exception, told: Any
) -> None:
    await made(enqueuer)
    await walk(jobs, Doer(raised).handlers)
    assert await rows.all("SELECT attempts, error, dead_at IS NOT NULL FROM work.job") == [told]


async def test_what_is_not_due_yet_is_no_attempt(
    jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool, open_store: Open, database
) -> None:
    until = (await open_store(database.application)).now() + timedelta(hours=1)
    await made(enqueuer)
    await walk(jobs, Doer(NotDueYet(until)).handlers)
    assert await rows.all("SELECT attempts, due_at, planned_at FROM work.job") == [(0, until, until)]


async def test_one_heartbeat_keeps_all_that_are_in_hand_and_the_lost_are_stopped(
    jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walker, "HEARTBEAT", 0.05)
    begun, stopped, go_on = asyncio.Event(), [], asyncio.Event()

    async def slow(job: Job, lease: Any) -> str:
        try:
            begun.set()
            await go_on.wait()
        except asyncio.CancelledError:
            stopped.append(job.key)
            raise
        return "sent"

    await made(enqueuer, 3)
    walking = JobWalker(jobs, {"reset_password": slow})
    await walking.walk()
    await begun.wait()
    ((taken, before),) = await rows.all(
        """UPDATE work.job SET lease = gen_random_uuid()
        WHERE key = (SELECT key FROM work.job ORDER BY key LIMIT 1) RETURNING key, lease"""
    )

    async def renewed() -> bool:
        found = await rows.all("SELECT key FROM work.job WHERE leased_until > clock_timestamp() + interval '2 seconds'")
        return bool(stopped) and len(found) >= 2

    await eventually(renewed)
    go_on.set()
    await walking.close()
    assert stopped == [taken]
    found = await rows.all("SELECT key, outcome, lease FROM work.job ORDER BY key")
    assert [(key, lease) for key, outcome, lease in found if outcome is None] == [(taken, before)]
    assert [outcome for _, outcome, _ in found] == [None, "sent", "sent"]


async def test_the_api_does_its_own_at_once_and_others_soon(jobs: JobQueue, rows: RowPool, keyring: Any) -> None:
    woken = asyncio.Event()
    here, elsewhere, doer = JobEnqueuer(rows, keyring, woken.set), JobEnqueuer(rows, keyring), Doer()

    async def all_done() -> bool:
        return len(doer.done) == 2 * AT_ONCE

    async with BackgroundWalk(JobWalker(jobs, doer.handlers), woken, Enrolment(rows).enrol):
        await made(here, AT_ONCE)
        await made(elsewhere, AT_ONCE)
        await eventually(all_done)


@pytest.mark.parametrize("turns", range(5))
async def test_it_ends_though_it_is_woken_at_that_moment(jobs: JobQueue, turns: int) -> None:
    woken, prepared = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        prepared.set()

    async with asyncio.timeout(PATIENCE), BackgroundWalk(JobWalker(jobs, Doer().handlers), woken, prepare):
        while woken.is_set() or not prepared.is_set():  # noqa: ASYNC110  it waits for the event that is set below
            await asyncio.sleep(0.2)
        woken.set()
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_at_the_end_what_is_in_hand_is_finished(jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool) -> None:
    begun = asyncio.Event()

    async def slow(job: Job, lease: Any) -> str:
        begun.set()
        await asyncio.sleep(0.1)
        return "sent"

    await made(enqueuer)
    async with BackgroundWalk(JobWalker(jobs, {"reset_password": slow}), asyncio.Event(), Enrolment(rows).enrol):
        await begun.wait()
    assert await rows.all("SELECT outcome FROM work.job") == [("sent",)]


class TestLateness:
    async def late(self, engine: AsyncEngine) -> dict[str, tuple[int, bool]]:
        async with engine.connect() as connection:
            found = {each.kind: each.facts() for each in await lateness(connection, 1)}
        return {kind: (facts["late"], facts["stuck"]) for kind, facts in found.items()}

    async def test_counts_from_when_a_job_was_first_due_however_often_it_is_claimed(
        self, jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A claim that moved the due time let readiness say `late 59 s` for ever."""
        monkeypatch.setattr(job_queue, "RUNNING", timedelta())
        await made(enqueuer)
        await rows.all("UPDATE work.job SET due_at = clock_timestamp() - interval '2 minutes'")
        for _ in range(3):
            assert len((await jobs.claim(["reset_password"], 1)).held) == 1
            ((seconds, stuck),) = (await self.late(engine)).values()
            assert seconds >= 120
            assert stuck

    async def test_is_told_by_kind_and_a_kind_without_progress_by_name(
        self, jobs: JobQueue, enqueuer: JobEnqueuer, rows: RowPool, engine: AsyncEngine
    ) -> None:
        await made(enqueuer, 2)
        await made(enqueuer, 1, "account_notice")
        await rows.all("UPDATE work.job SET due_at = clock_timestamp() - interval '90 seconds'")
        await walk(jobs, {"account_notice": Doer()})
        await made(enqueuer, 1, "account_notice")
        found = await self.late(engine)
        assert set(found) == {"reset_password", "account_notice"}
        assert found["reset_password"][0] >= 90
        assert found["reset_password"][1]
        assert found["account_notice"][0] < 60
        assert not found["account_notice"][1]

    async def test_what_waits_for_its_next_try_is_not_late(
        self, jobs: JobQueue, enqueuer: JobEnqueuer, engine: AsyncEngine
    ) -> None:
        await made(enqueuer)
        await walk(jobs, Doer(OSError()).handlers)
        assert await self.late(engine) == {}

    async def test_counts_what_no_sweep_has_taken_over(self, rows: RowPool, engine: AsyncEngine) -> None:
        await rows.all(
            """INSERT INTO read_1.job (subject, slot, key, kind, due_at, said, correlation, position)
            VALUES (%s, 'slot', %s, 'complete', clock_timestamp() - interval '2 minutes', '{}', '', 1)""",
            [new_id(), new_id()],
        )
        found = await self.late(engine)
        assert found["complete"][0] >= 120
