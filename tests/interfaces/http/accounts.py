"""Accounts and mail of a test: real rows, a mailbox in a folder, errands done when the test says so."""

from __future__ import annotations

import email
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

from application.jobs.deferred import Means, carry_out
from application.people.erasure import ErasureServices, erase_again
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.services import IdentityServices
from infrastructure.jobs.deferred_runner import ErrandRunner
from infrastructure.jobs.deferred_tasks import Errands
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.mail.mailer import MailboxSender, MailService, SentMails
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import ObligationsReader
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.signing_secrets import SigningSecrets
from interfaces.http.framework.ports import AbusePorts, ErasurePorts, IdentityPorts, JobPorts, WebhookPorts
from projections.query.snapshot import Snapshots
from tests.support.signing import a_signing

PASSWORD = "a ship in port is safe"
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


class Noted(Errands):
    """Remembers what was asked."""

    asked_for: list[tuple[str, Mapping[str, Any]]]

    async def ask(self, kind: str, said: Mapping[str, Any], *, after: timedelta = timedelta()) -> None:
        self.asked_for.append((kind, dict(said)))
        await super().ask(kind, said, after=after)


class People:
    """Over a store and its database's rows."""

    def __init__(
        self,
        store: EventStore,
        reads: Snapshots,
        rows: RowPool,
        errands: Noted,
        opened: IdentityServices,
        home: Path,
    ) -> None:
        self.rows = rows
        self.mailbox = home / "mailbox"
        self.forgotten = ErasedPersonsFile(home / "forgotten")
        self.errands, self.opened, self.signing = errands, opened, opened.signing
        self.passwords, self.credentials = opened.signing.passwords, opened.signing.credentials
        self.tickets = opened.signing.tickets
        self.verifications = Verifications(rows, store.keyring)
        self.mails_sent = SentMails(rows, store.keyring)
        self.oblivion = ErasureServices(store, ObligationsReader(reads), AccountData(rows), self.forgotten, errands)
        self.subscriptions = DeliveryProgress(rows, store.journal)
        self.hooks = WebhookPorts(self.subscriptions, SigningSecrets(rows, store.keyring))
        letters = MessageBuilder("https://daybook.test", "Daybook <no-reply@daybook.test>")
        postman = MailService(letters, MailboxSender(self.mailbox), rows, store.keyring)
        means = Means(store, postman, self.verifications, self.signing.tickets, self.oblivion)
        self._runner = ErrandRunner(self.errands, partial(carry_out, means))

    @property
    def ports(self) -> Mapping[str, Any]:
        """What the door needs."""
        return {
            "identity": IdentityPorts(self.signing, self.opened.tokens, self.opened.holders, self.verifications),
            "abuse": AbusePorts(self.opened.limits, self.opened.denials),
            "erasure": ErasurePorts(self.oblivion),
            "webhooks": self.hooks,
            "jobs": JobPorts(JobQueue(self.rows).retry),
            "errands": self.errands,
            "mails": self.mails_sent,
        }

    async def erase_again(self) -> None:
        """As the API does when it starts."""
        await erase_again(self.oblivion)

    async def mails(self) -> list[EmailMessage]:
        """All that were put into the mailbox, the oldest first; what has been asked is done before."""
        while await self._runner.sweep():
            pass
        assert await self.rows.all("SELECT error FROM auth.errand WHERE error IS NOT NULL") == []
        files = sorted(self.mailbox.glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    async def last_mail(self) -> EmailMessage:
        """The newest."""
        return (await self.mails())[-1]


@asynccontextmanager
async def people_of(
    store: EventStore, reads: Snapshots, dsn: str, home: Path, redis_url: str, redis_prefix: str
) -> AsyncIterator[People]:
    """Open from enter to exit."""
    async with RowPool(dsn, size=4) as rows:
        errands = Noted(rows, store.keyring)
        errands.asked_for = []
        told = {"errands": errands, "redis_url": redis_url, "redis_prefix": redis_prefix}
        async with a_signing(dsn, store, **told) as opened:
            yield People(store, reads, rows, errands, opened, home)


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
