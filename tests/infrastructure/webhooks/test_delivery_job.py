"""The job by which a webhook is delivered: idle, woken, asleep, over; and the notice of its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from application.access import Caller, Role
from application.jobs.job import Job, JobIdle, NotDueYet
from application.notifications.notice_jobs import NoticeServices, notify
from application.webhooks.delivery import DeliveryResult, deliver
from application.webhooks.subscription import (
    DeleteWebhook,
    ResumeWebhook,
    delete_webhook,
    resume_webhook,
)
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from tests.infrastructure.webhooks.office import (
    Office,
    an_office,
    starts,
)
from tests.infrastructure.webhooks.receiver import a_receiver, status
from tests.support.builders import a_provider, a_service
from tests.support.signing import an_account


async def began(office: Office, jobs: JobQueue) -> list[tuple[Job, Any]]:
    """The deliveries that are due, begun after a sweep."""
    await office.sweep()
    await Enrolment(office.rows).enrol()
    return [(each.job, each) for each in (await jobs.claim(["deliver"], 100)).held]


async def test_its_job_is_idle_until_something_concerns_it(office: Office) -> None:
    jobs = JobQueue(office.rows, office.store.keyring)

    async def begun() -> tuple[Job, Any]:
        (found,) = await began(office, jobs)
        return found

    async def rested(job: Job, held: Any) -> datetime | None:
        with pytest.raises(JobIdle) as idle:
            await deliver(job, held, office.courier)
        await jobs.idle(held, idle.value.until)
        return idle.value.until

    async with a_receiver() as receiver:
        id = await office.subscribed(receiver)
        job, held = await begun()
        assert (job.key, job.kind, job.subject) == (id, "deliver", id)
        assert await rested(job, held) is None
        assert await office.sweep() == 0
        assert await began(office, jobs) == []
        await office.book("09:00")
        assert await rested(*await begun()) is None
        await office.book("10:00")
        job, held = await begun()
        assert await rested(job, held) is None
        await office.book("11:00")
        job, held = await begun()
        await office.book("12:00")
        assert await office.sweep() == 0, "it is at work"
        receiver.answers = [status(500)]
        with pytest.raises(NotDueYet) as later:
            await deliver(job, held, office.courier)
        assert later.value.until > office.store.now()
        await jobs.idle(held, None)  # as if its last look had been a moment before the news
        assert await office.sweep() == 1
        assert await rested(*await begun()) is None
    assert starts(receiver) == ["09:00", "10:00", "11:00", "12:00"]
    assert await office.rows.all("SELECT attempts, error, done_at FROM work.job WHERE kind = 'deliver'") == [
        (0, None, None)
    ]


async def test_the_job_of_one_that_is_disabled_sleeps_and_of_one_deleted_ends(office: Office) -> None:
    jobs = JobQueue(office.rows, office.store.keyring)

    async def outcome() -> str:
        ((job, held),) = await began(office, jobs)
        try:
            said = await deliver(job, held, office.courier)
        except JobIdle as idle:
            await jobs.idle(held, idle.until)
            return "idle"
        await jobs.done(held, said)
        return said

    async with a_receiver(status(410)) as receiver:
        id = await office.subscribed(receiver)
        await office.book("09:00")
        assert await outcome() == "idle"
        await office.book("10:00")
        assert await office.sweep() == 0
        resume = ResumeWebhook(by=office.week.owner, webhook_id=id)
        await resume_webhook(resume, office.store)
        assert await outcome() == "idle"
        assert starts(receiver) == ["09:00", "10:00"]
        await delete_webhook(DeleteWebhook(by=office.week.owner, webhook_id=id), office.store)
        assert await outcome() == "gone"
        assert await office.sweep() == 0


class Told:
    """application.notifications.notice.Channel: remembers."""

    def __init__(self) -> None:
        self.notices: list[Any] = []

    def reaches(self, recipient: Any) -> bool:
        return True

    async def send(self, notice: Any, recipient: Any, confirm: Any) -> None:
        self.notices.append((notice, recipient))


async def test_whoever_subscribed_is_told_that_it_is_disabled(database, opened) -> None:
    channel, store = Told(), opened.signing.store
    owner = Caller(await an_account(opened.signing, "ada@example.org", role=Role.PROVIDER), Role.PROVIDER)
    async with an_office(database, store) as there, a_receiver(always=status(410)) as receiver:
        provider_id = await a_provider(store, owner)
        service_id = await a_service(store, owner, provider_id)
        week = replace(there.week, owner=owner, provider_id=provider_id, service_id=service_id)
        office = replace(there, week=week)
        jobs, id = JobQueue(office.rows, office.store.keyring), await office.subscribed(receiver)
        await office.book("09:00")
        assert await office.deliver(id) == DeliveryResult("disabled")
        await office.sweep()
        await Enrolment(office.rows).enrol()
        for each in (await jobs.claim(["notify"], 100)).held:
            if each.job.subject == id:
                assert await notify(each.job, each, NoticeServices(store, channels=[channel])) == "done"
    ((notice, recipient),) = channel.notices
    assert (notice.kind, notice.about, notice.facts["url"]) == ("webhook-disabled", id, receiver.url)
    assert recipient.email == "ada@example.org"
