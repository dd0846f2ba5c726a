"""Ports to mail: sending it, and reading the mails that were sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.jobs.job import Confirm


@dataclass(frozen=True, slots=True)
class CalendarInvite:
    """The calendar part of a mail. `method`: REQUEST or CANCEL; `text`: iCalendar."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class AgendaLine:
    """One appointment of an agenda."""

    starts_at: datetime
    ends_at: datetime
    service: str
    customer: str
    provider: str


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One mail. `id` and `at`, its Date, are the same when the mail is sent again.

    `said`: its facts as text. `moments`: those that the mail shows in the recipient's language and `timezone`.
    `provider`, `reply_to`: name and public e-mail address of the provider for whom Daybook sends it; empty if it comes
    from Daybook itself. `stop_link`: switches off mails of its kind. `account_id`: None without an account.
    `agenda`: the appointments that it lists.
    """

    id: UUID
    kind: str
    to: str
    language: str
    said: Mapping[str, str]
    account_id: UUID | None = None
    invite: CalendarInvite | None = None
    at: datetime = field(kw_only=True)
    moments: Mapping[str, datetime] = field(default_factory=dict, kw_only=True)
    timezone: str = field(default="", kw_only=True)
    provider: str = field(default="", kw_only=True)
    reply_to: str = field(default="", kw_only=True)
    stop_link: str = field(default="", kw_only=True)
    agenda: Sequence[AgendaLine] = field(default=(), kw_only=True)


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
