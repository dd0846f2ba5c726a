"""Accounts and mail of a test: real rows, a mailbox in a folder, errands done when the test says so."""

from __future__ import annotations

import email
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

from application.errand import Means, carry_out
from infrastructure.credentials import Credentials
from infrastructure.errandrunner import ErrandRunner
from infrastructure.errands import Errands
from infrastructure.eventstore import EventStore
from infrastructure.letters import Letters
from infrastructure.mail import MailboxSender, Postman
from infrastructure.passwords import Passwords
from infrastructure.rowpool import RowPool
from infrastructure.tickets import Tickets
from infrastructure.verifications import Verifications

PASSWORD = "a ship in port is safe"
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.MULTILINE)


class People:
    """Over a store and its database's rows."""

    def __init__(self, store: EventStore, rows: RowPool, mailbox: Path) -> None:
        self.rows = rows
        self.mailbox = mailbox
        self.passwords = Passwords(b"pepper of the tests", cost=4)
        self.credentials = Credentials(rows, store.keyring)
        self.verifications = Verifications(rows, store.keyring)
        self.tickets = Tickets(rows)
        self.errands = Errands(rows, store.keyring)
        letters = Letters("https://daybook.test", "Daybook <no-reply@daybook.test>")
        postman = Postman(letters, MailboxSender(mailbox), rows, store.keyring)
        means = Means(store, postman, self.verifications, self.tickets)
        self._runner = ErrandRunner(self.errands, partial(carry_out, means))

    @property
    def ports(self) -> Mapping[str, Any]:
        """What the door needs."""
        return {
            "passwords": self.passwords,
            "credentials": self.credentials,
            "verifications": self.verifications,
            "errands": self.errands,
        }

    async def mails(self) -> list[EmailMessage]:
        """All that were put into the mailbox, the oldest first; what has been asked is done before."""
        while await self._runner.sweep():
            pass
        assert await self.rows.all("SELECT error FROM auth.errand") == []
        files = sorted(self.mailbox.glob("*.eml"))
        return [email.message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]

    async def last_mail(self) -> EmailMessage:
        """The newest."""
        return (await self.mails())[-1]


@asynccontextmanager
async def people_of(store: EventStore, dsn: str, mailbox: Path) -> AsyncIterator[People]:
    """Open from enter to exit."""
    async with RowPool(dsn, size=4) as rows:
        people = People(store, rows, mailbox)
        yield people
        people.passwords.close()


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
