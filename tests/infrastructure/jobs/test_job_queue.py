"""How it goes with jobs: each is begun by one, who must show signs of life, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from application.jobs.dispatch import KINDS
from application.jobs.job import JobRequest, LeaseLost
from infrastructure.database.pool_waits import INDEX_PLANS
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs import enrolment, job_statements
from infrastructure.jobs import job_queue as module
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from infrastructure.privacy.master_keys import UnknownMasterKey
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.support.waiting import PATIENCE, eventually

Plan = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def rows(database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application, patience=PATIENCE) as rows:
        yield rows


@pytest.fixture
async def keyring(database, open_store: Open) -> Any:
    return (await open_store(database.application)).keyring


@pytest.fixture
def jobs(rows: RowPool, keyring: Any) -> JobQueue:
    return JobQueue(rows, keyring, attempts=3)


@pytest.fixture
def enrolled(rows: RowPool) -> Enrolment:
    return Enrolment(rows)


@pytest.fixture
def plan(rows: RowPool) -> Plan:
    """As the reader does: a job, due so many seconds ago; its key."""

    async def plan(ago: float = 1, kind: str = "complete") -> UUID:
        key = uuid4()
        await rows.all(
            """WITH read AS (UPDATE read.checkpoint SET position = position + 1 WHERE reader = 'job'
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
    monkeypatch.setattr(module, "RUNNING", timedelta(seconds=0.2))


EVERY = [kind for kinds in KINDS.values() for kind in kinds]


async def claimed(jobs: JobQueue, kinds: list[str] = EVERY, most: int = 1_000) -> list[HeldJob]:
    await Enrolment(jobs.rows).enrol()
    return list((await jobs.claim(kinds, most)).held)


async def begun(jobs: JobQueue) -> HeldJob:
    """The only one that is due."""
    (one,) = await claimed(jobs)
    return one


async def state(rows: RowPool, key: UUID) -> dict[str, Any]:
    names = "attempts", "done_at", "outcome", "dead_at", "error", "due_at", "lease", "leased_until", "payload"
    (row,) = await rows.all(f"SELECT {', '.join(names)} FROM work.job WHERE key = %s", [key])
    return dict(zip(names, row, strict=True))


async def make_due(rows: RowPool) -> None:
    """As if all pauses and leases were over."""
    await rows.all("""UPDATE work.job SET due_at = clock_timestamp() - interval '1 second',
        leased_until = least(leased_until, clock_timestamp())""")


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
    job = await jobs.open(await begun(jobs))
    assert (job.key, job.kind, job.correlation, job.attempts) == (key, "remind", "abc", 1)


async def test_many_sweeps_at_once_claim_each_job_once(jobs: JobQueue, plan: Plan) -> None:
    keys = {await plan() for _ in range(40)}
    found = await asyncio.gather(*(claimed(jobs) for _ in range(8)))
    assert sorted(each.key for part in found for each in part) == sorted(keys)


async def test_no_more_are_claimed_than_there_is_room_for_and_those_first_due_first(jobs: JobQueue, plan: Plan) -> None:
    keys = [await plan(ago=ago) for ago in (30, 10, 50, 20, 40)]
    first, second, third = keys[2], keys[4], keys[0]
    assert [each.key for each in await claimed(jobs, most=2)] == [first, second]
    assert [each.key for each in await claimed(jobs, most=1)] == [third]


async def test_kinds_take_turns(jobs: JobQueue, plan: Plan) -> None:
    """A backlog of one kind, however much longer it waits, leaves the others their share."""
    for _ in range(20):
        await plan(ago=3600, kind="complete")
    for kind in ("expire_hold", "lapse"):
        for _ in range(2):
            await plan(ago=1, kind=kind)
    taken = [each.job.kind for each in await claimed(jobs, most=6)]
    assert sorted(taken) == sorted(["complete", "expire_hold", "lapse"] * 2)


async def test_what_is_claimed_is_not_claimed_again(jobs: JobQueue, plan: Plan) -> None:
    """So a wake-up that comes late or twice does nothing."""
    await plan()
    found = await asyncio.gather(*(claimed(jobs) for _ in range(10)))
    assert sum(map(len, found)) == 1
    (held,) = [each for some in found for each in some]
    await jobs.done(held, "done")
    assert await claimed(jobs) == []


async def test_a_claim_leaves_the_due_time_as_it_is(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    """Lateness counts from when a job was first due, however often its worker dies."""
    key = await plan(ago=100)
    await jobs.rows.all("SELECT 1")
    before = None
    for _ in range(2):
        await begun(jobs)
        told = await state(rows, key)
        assert before in (None, told["due_at"])
        before = told["due_at"]
        await rows.all("UPDATE work.job SET leased_until = clock_timestamp()")


async def test_a_job_that_kills_its_worker_each_time_is_dead_at_last(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    key = await plan()
    for attempt in range(3):
        held = await begun(jobs)
        assert (held.job.attempts, held.lapsed) == (attempt + 1, attempt > 0)
        await make_due(rows)
    claim = await jobs.claim(EVERY, 10)
    assert (claim.held, claim.dead) == ([], [(key, "complete")])
    assert (await state(rows, key))["dead_at"] is not None
    assert (await jobs.claim(EVERY, 10)).seen == 0


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
async def test_of_two_attempts_that_end_at_once_the_one_with_the_lease_counts(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    paused = await begun(jobs)
    await asyncio.sleep(0.3)
    other = await begun(jobs)
    late = await asyncio.gather(jobs.done(paused, "late"), jobs.done(other, "sent"))
    assert [each is None for each in late] == [True, False]


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
    jobs: JobQueue, rows: RowPool, plan: Plan, enrolled: Enrolment
) -> None:
    await plan()
    await enrolled.enrol()
    await rows.all("DELETE FROM read_1.job")
    claim = await jobs.claim(EVERY, 10)
    assert (claim.held, claim.seen) == ([], 1)
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


async def test_a_match_is_due_though_the_log_is_ahead_of_the_clock(jobs: JobQueue, plan: Plan) -> None:
    day = 24 * 3600
    await plan(ago=-day)
    match = await plan(ago=-day, kind="match")
    assert [each.key for each in await claimed(jobs)] == [match]


async def test_of_what_happened_before_the_silence_nobody_is_told(
    jobs: JobQueue, rows: RowPool, plan: Plan, database
) -> None:
    async with RowPool(database.owner, patience=PATIENCE) as owner:
        await owner.all("UPDATE work.enrolled SET silent_upto = 1")
    await plan(kind="notify")
    later = await plan(kind="notify")
    assert [each.key for each in await claimed(jobs)] == [later]


async def test_account_notices_that_release_0_1_0_asked_for_itself_are_not_sent_again_but_erasures_are_done(
    jobs: JobQueue, plan: Plan, database
) -> None:
    async with RowPool(database.owner, patience=PATIENCE) as owner:
        await owner.all("UPDATE work.enrolled SET errands_upto = 2")
    await plan(kind="account_notice")
    erasure = await plan(kind="forget")
    later = await plan(kind="account_notice")
    assert {each.key for each in await claimed(jobs)} == {erasure, later}


async def test_a_sweep_knows_how_long_ago_the_last_was(enrolled: Enrolment) -> None:
    assert await enrolled.swept() == 0
    await asyncio.sleep(0.6)
    pause = await enrolled.swept()
    assert pause is not None
    assert 0.6 <= pause < 10


async def test_of_many_sweeps_at_once_one_is_made(enrolled: Enrolment) -> None:
    found = await asyncio.gather(*(enrolled.swept() for _ in range(10)))
    assert [each for each in found if each is not None] == [0]


@pytest.mark.fault(16)
async def test_after_the_clock_was_set_back_sweeps_are_made_again(enrolled: Enrolment, rows: RowPool) -> None:
    await rows.all("UPDATE work.enrolled SET swept_at = clock_timestamp() + interval '1 hour'")
    assert await enrolled.swept() is not None


@pytest.mark.usefixtures("quick")
async def test_a_lease_that_is_over_counts_until_somebody_else_has_the_job(jobs: JobQueue, plan: Plan) -> None:
    await plan()
    held = await begun(jobs)
    await asyncio.sleep(0.3)
    await held.hold()
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
    jobs: JobQueue,
    rows: RowPool,
    plan: Plan,
    enrolled: Enrolment,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with RowPool(database.owner, patience=PATIENCE) as owner:
        for statement in (
            "CREATE SCHEMA read_2",
            "CREATE TABLE read_2.job (LIKE read_1.job INCLUDING ALL)",
            "GRANT USAGE ON SCHEMA read_2 TO PUBLIC",
            "GRANT SELECT ON read_2.job TO PUBLIC",
        ):
            await owner.all(statement)
        key = await plan()
        await enrolled.enrol()
        await owner.all("INSERT INTO read_2.job SELECT * FROM read_1.job")
        await owner.all("DELETE FROM read_1.job")
        await owner.all("UPDATE read.live SET generation = 2")
    monkeypatch.setattr(enrolment, "_LIVE", "SELECT 1")
    assert (await jobs.claim(EVERY, 10)).seen == 0
    monkeypatch.undo()
    assert [each.key for each in (await jobs.claim(EVERY, 10)).held] == [key]


class TestEnqueued:
    """Jobs that no event makes: in the transaction of the rows that want them."""

    REQUEST = JobRequest("reset_password", {"email": "ada@example.org"})

    async def given_up(self, rows: RowPool, enqueuer: JobEnqueuer) -> None:
        async with rows.transaction():
            await enqueuer.enqueue(self.REQUEST)
            raise RuntimeError

    @pytest.fixture
    def enqueuer(self, rows: RowPool, keyring: Any) -> JobEnqueuer:
        return JobEnqueuer(rows, keyring)

    async def test_carries_its_payload_sealed_until_it_is_done(
        self, jobs: JobQueue, rows: RowPool, enqueuer: JobEnqueuer
    ) -> None:
        await enqueuer.enqueue(self.REQUEST, "a-request")
        sealed = (await state(rows, self.REQUEST.key))["payload"]
        assert b"ada" not in bytes(sealed)
        held = await begun(jobs)
        job = await jobs.open(held)
        assert (job.key, job.kind, job.said, job.correlation) == (
            self.REQUEST.key,
            "reset_password",
            {"email": "ada@example.org"},
            "a-request",
        )
        await jobs.failed(held, "OSError")
        assert (await state(rows, self.REQUEST.key))["payload"] is not None
        await make_due(rows)
        await jobs.done(await begun(jobs), "sent")
        told = await state(rows, self.REQUEST.key)
        assert (told["outcome"], told["payload"]) == ("sent", None)

    async def test_is_there_with_what_wants_it_or_not_at_all(
        self, jobs: JobQueue, rows: RowPool, enqueuer: JobEnqueuer
    ) -> None:
        with pytest.raises(RuntimeError):
            await self.given_up(rows, enqueuer)
        assert await claimed(jobs) == []
        async with rows.transaction():
            await enqueuer.enqueue(self.REQUEST)
            assert await rows.all("SELECT kind FROM work.job") == [("reset_password",)]
        assert [each.key for each in await claimed(jobs)] == [self.REQUEST.key]

    async def test_is_told_of_once_it_is_committed(self, rows: RowPool, keyring: Any) -> None:
        told: list[str] = []
        enqueuer = JobEnqueuer(rows, keyring, lambda: told.append("told"))
        with pytest.raises(RuntimeError):
            await self.given_up(rows, enqueuer)
        assert told == []
        async with rows.transaction():
            await enqueuer.enqueue(self.REQUEST)
            assert told == []
        assert told == ["told"]

    async def test_whose_payload_can_not_be_moved_to_another(
        self, jobs: JobQueue, rows: RowPool, enqueuer: JobEnqueuer
    ) -> None:
        other = JobRequest("reset_password", {"email": "eve@example.org"})
        await enqueuer.enqueue(self.REQUEST)
        await enqueuer.enqueue(other)
        await rows.all(
            "UPDATE work.job SET payload = (SELECT payload FROM work.job WHERE key = %s) WHERE key = %s",
            [self.REQUEST.key, other.key],
        )
        (moved,) = [each for each in await claimed(jobs) if each.key == other.key]
        with pytest.raises(UnknownMasterKey):
            await jobs.open(moved)

    async def test_a_dead_one_is_tried_again_when_asked_and_not_kept_for_ever(
        self, jobs: JobQueue, rows: RowPool, enqueuer: JobEnqueuer
    ) -> None:
        await enqueuer.enqueue(self.REQUEST)
        await jobs.failed(await begun(jobs), "no such mailbox", hopeless=True)
        assert await jobs.retry(self.REQUEST.key) is True
        await jobs.failed(await begun(jobs), "no such mailbox", hopeless=True)
        await rows.all("UPDATE work.job SET dead_at = dead_at - interval '31 days'")
        await jobs.forget()
        assert await rows.all("SELECT key FROM work.job") == []


_UPDATES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'work.job'::regclass"


async def test_claims_and_signs_of_life_touch_no_index(jobs: JobQueue, rows: RowPool, plan: Plan) -> None:
    """Updates that find room on their page (HOT) leave neither index entries nor a table that grows."""

    async def updates() -> tuple[int, int]:
        found = await rows.one(_UPDATES)
        assert found is not None
        return found[0], found[1]

    for _ in range(200):
        await plan()
    before = await updates()
    held = await claimed(jobs)
    for _ in range(30):
        assert len(await jobs.renew(held)) == 200
    expected = before[0] + 200 * 31

    async def counted() -> bool:  # each connection reports its counts within a second
        await rows.all("SELECT pg_stat_force_next_flush()")
        return (await updates())[0] >= expected

    await eventually(counted)
    now = await updates()
    hot, every = now[1] - before[1], now[0] - before[0]
    assert hot > 0.95 * every, f"{hot} of {every}"


def _read_of_tables(node: dict[str, Any]) -> list[int]:
    """The rows that each node of a plan has read of a table named job."""
    own = [round(node["Actual Rows"] * node["Actual Loops"])] if node.get("Relation Name") == "job" else []
    return own + [each for below in node.get("Plans", []) for each in _read_of_tables(below)]


async def test_a_claim_reads_no_more_jobs_than_it_claims(database: Database, plan: Plan) -> None:
    """By the plan that a worker's session keeps, which may have been made when the tables were small."""
    for _ in range(300):
        await plan(ago=-3_600)
    for _ in range(20):
        await plan()
    values = {"kinds": EVERY, "most": 10, "lease": uuid4(), "running": module.RUNNING, "attempts": 3}
    async with RowPool(database.application, patience=PATIENCE, session=INDEX_PLANS) as rows:
        await Enrolment(rows).enrol()
        claim = f"EXPLAIN (ANALYZE, FORMAT JSON) {job_statements.CLAIM}".format(generation=1, schema="read_1")
        read = [_read_of_tables((await rows.all(claim, values))[0][0][0]["Plan"]) for _ in range(2)]
    assert max(max(each) for each in read) <= 10
