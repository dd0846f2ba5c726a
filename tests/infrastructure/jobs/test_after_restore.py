"""After a restore, no mail goes out that may have been sent before; what is due later, and all other jobs, are done."""

from uuid import UUID, uuid4

import pytest

from application.jobs.dispatch import KINDS, MAILED
from application.jobs.job import JobRequest
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.after_restore import RESTORED, drop_due_mails
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.job_queue import JobQueue
from tests.infrastructure.jobs.test_job_queue import Plan, claimed, jobs, keyring, plan, rows

__all__ = ["jobs", "keyring", "plan", "rows"]


async def outcome(rows: RowPool, key: UUID) -> str | None:
    ((found,),) = await rows.all("SELECT outcome FROM work.job WHERE key = %s", [key])
    assert found is None or isinstance(found, str)
    return found


@pytest.mark.parametrize("kind", sorted(MAILED))
async def test_a_mail_that_was_due_is_not_sent(rows: RowPool, jobs: JobQueue, plan: Plan, kind: str) -> None:
    known = await plan(60, kind)
    assert [each.key for each in await claimed(jobs)] == [known]  # a worker had begun it
    unknown = await plan(30, kind)
    assert sum((await drop_due_mails(rows)).values()) in {1, 2}  # notices of before are not taken over at all
    assert await outcome(rows, known) == RESTORED
    await rows.all("UPDATE work.job SET leased_until = clock_timestamp() - interval '1 s' WHERE lease IS NOT NULL")
    assert unknown not in {each.key for each in await claimed(jobs)}
    assert await claimed(jobs) == []


async def test_a_mail_that_is_due_later_is_sent(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    key = await plan(-60, "remind")
    assert await drop_due_mails(rows) == {}
    await rows.all("UPDATE work.job SET due_at = clock_timestamp()")
    assert [each.key for each in await claimed(jobs)] == [key]


async def test_a_notice_of_a_later_event_is_sent(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    await drop_due_mails(rows)
    await rows.all("UPDATE work.enrolled SET silent_upto = (SELECT position FROM read.bookmark WHERE reader = 'job')")
    key = await plan(1, "notify")
    assert [each.key for each in await claimed(jobs)] == [key]


@pytest.mark.parametrize("kind", sorted({kind for kinds in KINDS.values() for kind in kinds} - MAILED - {"agenda"}))
async def test_other_jobs_are_done(rows: RowPool, jobs: JobQueue, plan: Plan, kind: str) -> None:
    key = await plan(60, kind)
    assert await drop_due_mails(rows) == {}
    assert [each.key for each in await claimed(jobs)] == [key]


async def test_an_agenda_goes_on_at_another_day(rows: RowPool, jobs: JobQueue, plan: Plan) -> None:
    key = await plan(60, "agenda")
    assert await drop_due_mails(rows) == {}
    assert await claimed(jobs) == []
    ((due, kept),) = await rows.all(
        "SELECT due_at - planned_at = interval '1 day', done_at IS NULL FROM work.job WHERE key = %s", [key]
    )
    assert due
    assert kept


async def test_the_payload_of_a_mail_that_is_not_sent_is_deleted(rows: RowPool, keyring: object) -> None:
    enqueuer = JobEnqueuer(rows, keyring)  # type: ignore[arg-type]
    await enqueuer.enqueue(JobRequest("register", {"email": "ada@example.org"}, uuid4()))
    assert await drop_due_mails(rows) == {"register": 1}
    assert await rows.all("SELECT payload FROM work.job") == [(None,)]
