"""A worker that is frozen in the middle of a mail, as by SIGSTOP, while another one does the job."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from application.jobs.job import Job, JobLease, JobRequest
from application.notifications.notice_jobs import NoticeServices, send
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.job_queue import RUNNING, JobQueue
from infrastructure.jobs.walker import JobWalker
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.mailer import MailService, SmtpSender
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.mail.test_email_channel import LINKS, a_notice, a_recipient
from tests.infrastructure.mail.test_mailer import LETTERS, Inbox, smtp  # noqa: F401  a fixture
from tests.support.waiting import PATIENCE

FROZEN = RUNNING.total_seconds() * 2


@pytest.fixture
async def rows(database: Database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application, patience=PATIENCE) as rows:
        yield rows


class Freezing(Inbox):
    """At the first recipient, it freezes the process of the sender, and answers meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop, self.done = loop, False

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        if not self.done:
            self.done = True
            self.loop.call_soon_threadsafe(time.sleep, FROZEN)
            await asyncio.sleep(0.2)
        return "250 OK"


async def still_true() -> str:
    return ""


async def _walk(database: Database, place: str, keyring: Any, seconds: float) -> None:
    """A worker process, with connections of its own."""
    async with RowPool(database.application, size=2, patience=PATIENCE) as rows:
        mail = MailService(LETTERS, SmtpSender(f"smtp://{place}"), rows, keyring)
        services = NoticeServices(None, channels=[EmailChannel(LETTERS, mail, LINKS)])  # type: ignore[arg-type]

        async def handle(job: Job, lease: JobLease) -> str:
            return await send(a_notice(), a_recipient(account_id=None), lease, services, still_true)

        walker = JobWalker(JobQueue(rows, keyring), {"account_notice": handle})
        until = time.monotonic() + seconds
        while time.monotonic() < until and not await walker.walk():
            await asyncio.sleep(0.1)
            if walker._tries:
                break
        await walker.close()


async def test_whoever_was_frozen_past_the_lease_sends_nothing_when_it_wakes(
    database: Database,
    rows: RowPool,
    open_store: Open,
    smtp: Any,  # noqa: F811
) -> None:
    keyring = (await open_store(database.application)).keyring
    await JobEnqueuer(rows, keyring).enqueue(JobRequest("account_notice", {}, subject=new_id()))
    place, inbox = smtp(inbox=Freezing(asyncio.get_running_loop()))

    def second() -> None:
        time.sleep(1)
        until = time.monotonic() + 2 * FROZEN
        while time.monotonic() < until and not inbox.taken:
            asyncio.run(_walk(database, place, keyring, 1))

    other = threading.Thread(target=second)
    other.start()
    await _walk(database, place, keyring, 1)
    await asyncio.to_thread(other.join)
    assert len(inbox.taken) == 1
    assert await rows.all("SELECT attempts, outcome FROM work.job", []) == [(2, "done")]
