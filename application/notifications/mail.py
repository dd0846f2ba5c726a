"""Ports to mail: sending it, and reading the mails that were sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from application.jobs.job import Confirm


@dataclass(frozen=True, slots=True)
class CalendarInvite:
    """The calendar part of a mail. `method`: REQUEST or CANCEL; `text`: iCalendar."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One mail. `id`: the same when the mail is sent again; `account_id`: None if the recipient has no account."""

    id: UUID
    kind: str
    to: str
    language: str
    said: Mapping[str, str]
    account_id: UUID | None = None
    invite: CalendarInvite | None = None


class Mailer(Protocol):
    """Sends mail in the recipient's language, and stores a copy of each mail to an account."""

    async def send(self, letter: MailMessage, confirm: Confirm) -> None:
        """Send the mail; await `confirm` right before its text leaves. After an exception, the caller tries again."""
        ...


class SentMails(Protocol):
    """The mails that were sent to an account."""

    async def of(self, account_id: UUID) -> Sequence[Mapping[str, Any]]:
        """The oldest first: at, kind, to, subject, text."""
        ...

    async def latest(self, account_id: UUID, *, limit: int, before: UUID | None = None) -> Sequence[Mapping[str, Any]]:
        """The newest first, with their ids; those before the mail `before`."""
        ...
