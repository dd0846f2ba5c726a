"""How it goes with jobs: each is begun by one, who must show signs of life, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from application.jobs.job import LeaseLost
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs import job_queue
from infrastructure.jobs.job_queue import ClaimedJob, HeldJob, JobQueue
from tests.conftest import Database

Plan = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def rows(database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application) as rows:
        yield rows


@pytest.fixture
def jobs(rows: RowPool) -> JobQueue:
    return JobQueue(rows, attempts=3)


@pytest.fixture
def plan(rows: RowPool) -> Plan:
    """As the reader does: a job, due so many seconds ago; its key."""

    async def plan(ago: float = 1, kind: str = "complete") -> UUID:
        key = uuid4()
        await rows.all(
            """WITH read AS (UPDATE read.bookmark SET position = position + 1 WHERE reader = 'job'
                RETURNING position)
            INSERT INTO read_1.job (subject, slot, key, kind, due_at, said, correlation, position)
            SELECT %s, 'slot', %s, %s, clock_timestamp() - make_interval(secs => %s), '{}', 'abc', position
            FROM read""",
            [uuid4(), key, kind, ago],
        )
        return key

    return plan


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases end soon."""
    monkeypatch.setattr(job_queue, "RUNNING", timedelta(seconds=0.2))
    monkeypatch.setattr(job_queue, "QUEUED", timedelta(seconds=0.2))


async def claimed(jobs: JobQueue) -> list[ClaimedJob]:
    await jobs.enrol()
    return list(await jobs.claim())


async def begun(jobs: JobQueue) -> HeldJob:
    """The only one that is due."""
    (one,) = await claimed(jobs)
    found = await jobs.begin(one.key, one.lease)
    assert found is not None
    return found[1]


async def state(rows: RowPool, key: UUID) -> dict[str, Any]:
    names = "attempts", "done_at", "outcome", "dead_at", "error", "due_at", "lease"
    (row,) = await rows.all(f"SELECT {', '.join(names)} FROM work.job WHERE key = %s", [key])
    return dict(zip(names, row, strict=True))


async def make_due(rows: RowPool) -> None:
    """As if all pauses and leases were over."""
    await rows.all("UPDATE work.job SET due_at = clock_timestamp() - interval '1 second'")


async def test_what_is_due_is_done_once(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    key = await plan(ago=5)
    held = await begun(jobs)
    late = await jobs.done(held, "sent")
    assert late is not None
    assert late >= 5
    assert (await state(rows, key))["outcome"] == "sent"
    await make_due(rows)
    assert await claimed(jobs) == []


async def test_what_is_not_due_waits(jobs: JobQueue, plan: Plan) -> None:
    await plan(ago=-60)
    assert await claimed(jobs) == []


async def test_a_job_carries_what_it_needs_and_the_id_of_the_request(jobs: JobQueue, plan: Plan) -> None:
    key = await plan(kind="remind")
    (one,) = await claimed(jobs)
    assert (one.key, one.kind) == (key, "remind")
    found = await jobs.begin(one.key, one.lease)
    assert found is not None
    job = found[0]
    assert (job.key, job.kind, job.correlation, job.attempts) == (key, "remind", "abc", 1)


async def test_many_sweeps_at_once_claim_each_job_once(jobs: JobQueue, plan: Plan) -> None:
    keys = {await plan() for _ in range(40)}
    found = await asyncio.gather(*(claimed(jobs) for _ in range(8)))
    assert sorted(each.key for part in found for each in part) == sorted(keys)


async def test_no_more_are_claimed_than_the_queues_have_room_for(
    jobs: JobQueue, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "OUTSTANDING", 3)
    for _ in range(5):
        await plan()
    first = await claimed(jobs)
    assert len(first) == 3
    assert await claimed(jobs) == []
    found = await jobs.begin(first[0].key, first[0].lease)
    assert found is not None
    await jobs.done(found[1], "done")
    assert len(await claimed(jobs)) == 1


async def test_a_message_that_comes_twice_begins_nothing_more(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    (one,) = await claimed(jobs)
    found = await asyncio.gather(*(jobs.begin(one.key, one.lease) for _ in range(10)))
    assert sum(each is not None for each in found) == 1
    (held,) = [each[1] for each in found if each is not None]
    await jobs.done(held, "done")
    assert await jobs.begin(one.key, one.lease) is None


@pytest.mark.usefixtures("quick")
async def test_a_message_lost_in_the_broker_is_sent_again_and_the_old_one_is_void(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    (old,) = await claimed(jobs)
    assert await claimed(jobs) == []
    await asyncio.sleep(0.3)
    (new,) = await claimed(jobs)
    assert await jobs.begin(old.key, old.lease) is None
    assert await jobs.begin(new.key, new.lease) is not None


@pytest.mark.usefixtures("quick")
async def test_whoever_stops_longer_than_the_lease_finds_the_job_is_anothers(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    paused = await begun(jobs)
    await asyncio.sleep(0.3)
    other = await begun(jobs)
    with pytest.raises(LeaseLost):
        await paused.hold()
    assert await jobs.done(paused, "late") is None
    assert await jobs.failed(paused, "late") is None
    assert await jobs.done(other, "sent") is not None


@pytest.mark.usefixtures("quick")
async def test_signs_of_life_keep_a_job(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    held = await begun(jobs)
    for _ in range(5):
        await asyncio.sleep(0.1)
        await held.hold()
        assert await claimed(jobs) == []


async def test_a_failure_is_tried_again_after_longer_and_longer_pauses_then_given_up(
    jobs: JobQueue, rows: RowPool, plan: Plan
) -> None:
    key = await plan()
    pauses = []
    for attempt in range(3):
        held = await begun(jobs)
        assert await jobs.failed(held, "OSError") is (attempt == 2)
        told = await state(rows, key)
        pauses.append((told["due_at"] - datetime.now(UTC)).total_seconds())
        assert (told["attempts"], told["error"]) == (attempt + 1, "OSError")
        await make_due(rows)
    assert 3 < pauses[0] < 7 < pauses[1] < 14 < pauses[2]
    assert (await state(rows, key))["dead_at"] is not None
    assert await claimed(jobs) == []


async def test_the_other_sides_wish_for_a_pause_is_heard(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    key = await plan()
    await jobs.failed(await begun(jobs), "429", pause=600)
    assert (await state(rows, key))["due_at"] > datetime.now(UTC) + timedelta(seconds=590)


async def test_what_is_hopeless_is_given_up_at_once(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    assert await jobs.failed(await begun(jobs), "no such place", hopeless=True) is True


async def test_later_is_no_attempt(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    key, until = await plan(), datetime.now(UTC) + timedelta(hours=8)
    await jobs.later(await begun(jobs), until)
    told = await state(rows, key)
    assert (told["attempts"], told["due_at"], told["lease"]) == (0, until, None)


async def test_what_was_given_up_is_tried_again_when_asked(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    key = await plan()
    await jobs.failed(await begun(jobs), "OSError", hopeless=True)
    assert await jobs.retry(key) is True
    await jobs.done(await begun(jobs), "sent")
    told = await state(rows, key)
    assert (told["attempts"], told["outcome"], told["error"]) == (1, "sent", None)


async def test_what_is_done_or_in_hand_or_not_yet_due_is_not_tried_again(jobs: JobQueue, plan: Plan) -> None:
    assert await jobs.retry(uuid4()) is False
    assert await jobs.retry(await plan(ago=-60)) is False
    key = await plan()
    held = await begun(jobs)
    assert await jobs.retry(key) is False
    await jobs.done(held, "sent")
    assert await jobs.retry(key) is False


async def test_what_is_no_longer_wanted_is_not_claimed_and_leaves_nothing(
    jobs: JobQueue, rows: RowPool, plan: Plan
) -> None:
    await plan()
    await jobs.enrol()
    await rows.all("DELETE FROM read_1.job")
    assert await jobs.claim() == []
    assert await rows.all("SELECT * FROM work.job") == []


async def test_what_is_dropped_between_claim_and_begin_is_not_begun(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    await plan()
    (one,) = await claimed(jobs)
    await rows.all("DELETE FROM read_1.job")
    assert await jobs.begin(one.key, one.lease) is None
    assert await rows.all("SELECT * FROM work.job") == []


async def test_jobs_are_taken_over_once_though_the_read_model_is_built_anew(
    jobs: JobQueue, rows: RowPool, plan: Plan
) -> None:
    await plan()
    await jobs.done(await begun(jobs), "sent")
    await rows.all("UPDATE work.job SET done_at = done_at - interval '100 days'")
    await jobs.forget()
    assert await rows.all("SELECT * FROM work.job") == []
    assert await claimed(jobs) == []  # its row is there still, and so would it be after a rebuild


async def test_old_news_is_not_told_but_old_work_is_done(jobs: JobQueue, plan: Plan) -> None:
    day = 24 * 3600
    await plan(ago=2 * day, kind="notify")
    await plan(ago=2 * day, kind="remind")
    work = await plan(ago=2 * day)
    assert [each.key for each in await claimed(jobs)] == [work]


async def test_of_what_happened_before_the_silence_nobody_is_told(
    jobs: JobQueue, rows: RowPool, plan: Plan, database
) -> None:
    async with RowPool(database.owner) as owner:
        await owner.all("UPDATE work.enrolled SET silent_upto = 1")
    await plan(kind="notify")
    later = await plan(kind="notify")
    assert [each.key for each in await claimed(jobs)] == [later]


async def test_a_sweep_knows_how_long_ago_the_last_was(jobs: JobQueue) -> None:
    assert await jobs.swept() == 0
    await asyncio.sleep(0.6)
    pause = await jobs.swept()
    assert pause is not None
    assert 0.6 <= pause < 60


async def test_of_many_sweeps_at_once_one_is_made(jobs: JobQueue) -> None:
    found = await asyncio.gather(*(jobs.swept() for _ in range(10)))
    assert [each for each in found if each is not None] == [0]


async def test_after_the_clock_was_set_back_sweeps_are_made_again(jobs: JobQueue, rows: RowPool) -> None:
    await rows.all("UPDATE work.enrolled SET swept_at = clock_timestamp() + interval '1 hour'")
    assert await jobs.swept() is not None


async def test_one_kind_that_can_t_be_done_does_not_take_the_place_of_the_others(
    jobs: JobQueue, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "OUTSTANDING", 3)
    for _ in range(5):
        await plan(ago=60, kind="remind")
    assert len(await claimed(jobs)) == 3
    key = await plan()
    assert [each.key for each in await claimed(jobs)] == [key]


@pytest.mark.usefixtures("quick")
async def test_one_that_was_late_but_is_still_nobody_else_s_goes_on(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    (one,) = await claimed(jobs)
    await asyncio.sleep(0.3)
    found = await jobs.begin(one.key, one.lease)
    assert found is not None
    await asyncio.sleep(0.3)
    await found[1].hold()
    assert await claimed(jobs) == []


async def test_what_is_done_is_noted_once_the_database_is_back(
    jobs: JobQueue, rows: RowPool, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await plan()
    held = await begun(jobs)
    answers, real = iter([psycopg.OperationalError(), PoolTimeout()]), rows.all

    async def away(statement: str, values: Any = ()) -> Any:
        for error in answers:
            raise error
        return await real(statement, values)

    monkeypatch.setattr(rows, "all", away)
    assert await jobs.done(held, "sent") is not None
    assert (await state(rows, key))["outcome"] == "sent"


async def test_whoever_looks_at_replaced_read_models_drops_nothing(
    jobs: JobQueue, rows: RowPool, plan: Plan, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RowPool(database.owner) as owner:
        for statement in (
            "CREATE SCHEMA read_2",
            "CREATE TABLE read_2.job (LIKE read_1.job INCLUDING ALL)",
            "GRANT USAGE ON SCHEMA read_2 TO PUBLIC",
            "GRANT SELECT ON read_2.job TO PUBLIC",
        ):
            await owner.all(statement)
        key = await plan()
        await jobs.enrol()
        await owner.all("INSERT INTO read_2.job SELECT * FROM read_1.job")
        await owner.all("DELETE FROM read_1.job")
        await owner.all("UPDATE read.live SET generation = 2")
    monkeypatch.setattr(job_queue, "_LIVE", "SELECT 1")
    assert await jobs.claim() == []
    monkeypatch.undo()
    (one,) = await jobs.claim()
    assert one.key == key
    monkeypatch.setattr(job_queue, "_LIVE", "SELECT 1")
    assert await jobs.begin(one.key, one.lease) is None
    monkeypatch.undo()
    assert await jobs.begin(one.key, one.lease) is not None
