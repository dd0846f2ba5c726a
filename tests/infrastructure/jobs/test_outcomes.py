"""Each end of a job leaves one row without content, which outlives the job's own row."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.jobs.job import JobRequest
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.after_restore import RESTORED, drop_due_mails
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.outcomes import KEPT_FOR
from tests.conftest import Database
from tests.infrastructure.jobs.test_job_queue import (
    Plan,
    begun,
    claimed,
    jobs,
    keyring,
    make_due,
    plan,
    quick,
    rows,
)

__all__ = ["jobs", "keyring", "plan", "quick", "rows"]


async def outcomes(rows: RowPool, *names: str) -> list[Any]:
    return await rows.all(f"SELECT {', '.join(names or ('key', 'outcome'))} FROM work.outcome ORDER BY at, key")


async def test_a_done_job_leaves_its_outcome(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    key = await plan(kind="remind")
    held = await begun(jobs)
    assert await outcomes(rows) == []
    await jobs.done(held, "done")
    names = ("key", "position", "kind", "subject", "correlation", "outcome", "attempts")
    assert await outcomes(rows, *names) == [(key, 0, "remind", held.job.subject, "abc", "done", 1)]


async def test_an_enqueued_job_leaves_its_request_and_no_payload(rows: RowPool, jobs: JobQueue, keyring: Any) -> None:
    request = JobRequest("reset_password", {"email": "grace@example.org"})
    await JobEnqueuer(rows, keyring).enqueue(request, "the request")
    await jobs.done(await begun(jobs), "sent")
    assert await outcomes(rows, "key", "correlation", "outcome") == [(request.key, "the request", "sent")]
    assert "grace" not in str(await rows.all("SELECT o::text FROM work.outcome o"))


async def test_a_failure_leaves_none_until_the_job_is_dead_and_a_retry_takes_its_place(
    rows: RowPool, jobs: JobQueue, plan: Plan
) -> None:
    key = await plan()
    assert await jobs.failed(await begun(jobs), "TimeoutError") is False
    assert await outcomes(rows) == []
    await make_due(rows)
    assert await jobs.failed(await begun(jobs), "TimeoutError", hopeless=True) is True
    assert await outcomes(rows) == [(key, "dead")]
    assert await jobs.retry(key)
    await jobs.done(await begun(jobs), "done")
    assert await outcomes(rows) == [(key, "done")]


@pytest.mark.usefixtures("quick")
async def test_a_job_whose_workers_died_leaves_that_it_is_dead(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    key = await plan()
    for _ in range(jobs.attempts):
        await begun(jobs)
        await make_due(rows)
    assert await claimed(jobs) == []
    assert await outcomes(rows, "key", "outcome", "attempts") == [(key, "dead", jobs.attempts)]


async def test_a_job_that_is_no_longer_needed_leaves_that_it_was_dropped(
    rows: RowPool, jobs: JobQueue, plan: Plan
) -> None:
    key = await plan(ago=-60)
    assert await claimed(jobs) == []
    await rows.all("DELETE FROM read_1.job WHERE key = %s", [key])
    await make_due(rows)
    assert await claimed(jobs) == []
    assert await outcomes(rows) == [(key, "dropped")]


async def test_a_mail_that_a_restore_drops_leaves_that(rows: RowPool, plan: Plan) -> None:
    key = await plan(60, "offer")
    await drop_due_mails(rows)
    assert await outcomes(rows) == [(key, RESTORED)]


async def test_who_has_lost_the_lease_leaves_none(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    await plan()
    held = await begun(jobs)
    await rows.all("UPDATE work.job SET lease = gen_random_uuid()")
    assert await jobs.done(held, "done") is None
    assert await jobs.failed(held, "TimeoutError", hopeless=True) is None
    assert await outcomes(rows) == []


async def test_the_end_and_its_outcome_are_recorded_together(
    database: Database, rows: RowPool, jobs: JobQueue, plan: Plan
) -> None:
    """Without the right to the one, the other is not recorded either."""
    key = await plan()
    held = await begun(jobs)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("ALTER TABLE work.outcome ADD CONSTRAINT none CHECK (outcome <> 'done')")
        try:
            with pytest.raises(psycopg.errors.CheckViolation):
                await jobs.done(held, "done")
        finally:
            connection.execute("ALTER TABLE work.outcome DROP CONSTRAINT none")
    assert await rows.all("SELECT done_at FROM work.job WHERE key = %s", [key]) == [(None,)]


async def test_outcomes_are_kept_for_400_days(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    keys: list[UUID] = []
    for age in (KEPT_FOR + timedelta(hours=1), KEPT_FOR - timedelta(hours=1)):
        keys.append(await plan())
        await jobs.done(await begun(jobs), "done")
        await rows.all("UPDATE work.outcome SET at = clock_timestamp() - %s WHERE key = %s", [age, keys[-1]])
    await rows.all("UPDATE work.job SET done_at = clock_timestamp() - interval '100 days'")
    await jobs.forget()
    assert await outcomes(rows) == [(keys[1], "done")]
    assert await rows.all("SELECT key FROM work.job") == [], "the row of the job itself goes sooner"
