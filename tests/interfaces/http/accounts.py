"""Accounts and mail of a test: real rows, a mailbox in a folder, jobs done when the test says so."""

from __future__ import annotations

import email
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from application.booking.ending_jobs import ending_handlers
from application.ending import EndingServices
from application.identity.account_mail import AccountMailServices, account_handlers
from application.orphans.hours_check import HoursCheckServices, hours_check_handlers
from application.people.erasure import ErasureServices, erase_again, erasure_handlers
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.services import IdentityServices
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.payload import unseal_payload
from infrastructure.jobs.walker import JobWalker
from infrastructure.mail.mailer import MailboxSender, MailService, SentMails
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import AheadReader, ObligationsReader
from infrastructure.upcoming import UpcomingReader
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.signing_secrets import SigningSecrets
from infrastructure.webhooks.targets import WebhookTargets
from interfaces.http.framework.ports import AbusePorts, ErasurePorts, IdentityPorts, JobPorts, WebhookPorts
from projections.query.snapshot import Snapshots
from tests.support.signing import a_signing
from tests.support.waiting import PATIENCE

PASSWORD = "a ship in port is safe"
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


async def nothing() -> None:
    """Until the test says how its readers catch up."""


class People:
    """Over a store and its database's rows."""

    def __init__(
        self,
        store: EventStore,
        reads: Snapshots,
        rows: RowPool,
        opened: IdentityServices,
        home: Path,
    ) -> None:
        self.rows = rows
        self.catch_up: Callable[[], Awaitable[None]] = nothing
        self.mailbox = home / "mailbox"
        self.forgotten = ErasedPersonsFile(home / "forgotten")
        self.opened, self.signing, self.store = opened, opened.signing, store
        self.passwords, self.credentials = opened.signing.passwords, opened.signing.credentials
        self.tickets = opened.signing.tickets
        self.verifications = Verifications(rows, store.keyring)
        self.mails_sent = SentMails(rows, store.keyring)
        self.oblivion = ErasureServices(store, ObligationsReader(reads), AccountData(rows), self.forgotten)
        self.subscriptions = DeliveryProgress(rows, store.journal)
        self.hooks = WebhookPorts(self.subscriptions, SigningSecrets(rows, store.keyring), WebhookTargets())
        letters = MessageBuilder("https://daybook.test", "Daybook <no-reply@daybook.test>")
        postman = MailService(letters, MailboxSender(self.mailbox), rows, store.keyring)
        services = AccountMailServices(store, postman, self.verifications, self.signing.tickets)
        self.jobs = JobQueue(rows, store.keyring)
        endings = EndingServices(store, AheadReader(reads))
        checks = hours_check_handlers(HoursCheckServices(store, UpcomingReader(reads)))
        handlers = {
            **account_handlers(services),
            **erasure_handlers(self.oblivion),
            **ending_handlers(endings),
            **checks,
        }
        self.walker = JobWalker(self.jobs, handlers)

    @property
    def ports(self) -> Mapping[str, Any]:
        """What the door needs."""
        return {
            "identity": IdentityPorts(self.signing, self.opened.tokens, self.opened.holders, self.verifications),
            "abuse": AbusePorts(self.opened.limits, self.opened.denials),
            "erasure": ErasurePorts(self.oblivion),
            "webhooks": self.hooks,
            "jobs": JobPorts(self.jobs.retry, JobEnqueuer(self.rows, self.store.keyring)),
            "mails": self.mails_sent,
        }

    async def erase_again(self) -> None:
        """As the API does when it starts."""
        await erase_again(self.oblivion)

    async def work(self) -> None:
        """Do all account jobs that are due, after the readers have caught up."""
        await self.catch_up()
        await Enrolment(self.rows).enrol()
        while sum((await self.jobs.due(self.walker.kinds, 1)).values()):
            await self.walker.walk(lasting=5)
            await self.walker.finish()

    async def enqueued(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Kind and payload of the jobs that were enqueued and are not done, in order."""
        found = await self.rows.all("SELECT kind, key, payload FROM work.job WHERE payload IS NOT NULL ORDER BY key")
        return [(kind, await unseal_payload(self.store.keyring, key, bytes(sealed))) for kind, key, sealed in found]

    async def mails(self) -> list[EmailMessage]:
        """All that were put into the mailbox, the oldest first; what has been asked is done before."""
        await self.work()
        assert await self.rows.all("SELECT error FROM work.job WHERE error IS NOT NULL") == []
        files = sorted(self.mailbox.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        return [email.message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    async def last_mail(self, kind: str = "") -> EmailMessage:
        """The newest, or the newest of a kind: mails of one moment are sent in any order."""
        return [mail for mail in await self.mails() if kind in ("", mail["X-Daybook-Kind"])][-1]


@asynccontextmanager
async def people_of(
    store: EventStore, reads: Snapshots, dsn: str, home: Path, redis_url: str, redis_prefix: str
) -> AsyncIterator[People]:
    """Open from enter to exit."""
    async with RowPool(dsn, size=4, patience=PATIENCE) as rows:
        told = {"rows": rows, "redis_url": redis_url, "redis_prefix": redis_prefix}
        async with a_signing(dsn, store, **told) as opened:
            yield People(store, reads, rows, opened, home)


def text_of(mail: EmailMessage) -> str:
    """What it says in plain text."""
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content()).replace("\r\n", "\n")


def token_of(mail: EmailMessage) -> str:
    """The code in it."""
    found = TOKEN.search(text_of(mail))
    assert found is not None, text_of(mail)
    return found[0]
