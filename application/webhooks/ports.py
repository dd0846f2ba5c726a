"""What delivering to webhooks needs from outside: their bookmarks and secrets, HTTP. Rows, not history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.webhooks.payload import WebhookEvent, WebhookMessage


@dataclass(frozen=True, slots=True)
class DeliveryCheckpoint:
    """How far a webhook has got, and up to where there may be something for it."""

    position: int
    wanted: int
    failures: int = 0
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingEvents:
    """What concerns a webhook up to a position: in order, and nothing else."""

    happenings: Sequence[WebhookEvent]
    until: int


@dataclass(frozen=True, slots=True)
class SendResult:
    """What came of it. `error`: a word, empty when it was taken. `retry_after`: seconds, if told."""

    status: int | None
    error: str
    took_ms: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One message sent once."""

    webhook_id: UUID
    position: int
    message_id: str
    type: str
    attempt: int
    sent: SendResult


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """An attempt as it was noted. `error`: empty when it was taken."""

    id: int
    position: int
    message_id: str
    type: str
    attempt: int
    at: datetime
    status_code: int | None
    error: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class FailureStreak:
    """How often in a row, and for how long, nothing has been taken."""

    failures: int
    lasting: timedelta


@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """Where a webhook stands. `behind`: how many events wait, of those that were looked through."""

    position: int
    behind: int
    failing_since: datetime | None


class DeliveryProgress(Protocol):
    """Bookmarks of webhooks, moved by compare and set; what they have yet to be told; and what was tried."""

    async def mark(self, webhook_id: UUID) -> DeliveryCheckpoint | None: ...

    async def ahead(self, webhook_id: UUID, after: int, until: int, most: int) -> PendingEvents:
        """The next that concerns it, `most` at most, in (after, until] or the beginning of that."""
        ...

    async def pass_over(self, webhook_id: UUID, since: int, to: int) -> bool:
        """Move the bookmark over what does not concern it; whether it was still at `since`."""
        ...

    async def delivered(self, attempt: DeliveryAttempt, since: int) -> bool:
        """The same, over what was taken."""
        ...

    async def failed(self, attempt: DeliveryAttempt, since: datetime | None) -> FailureStreak:
        """How it goes. What was before `since` counts no more."""
        ...

    async def drop(self, webhook_id: UUID) -> None:
        """All of it, of one that is deleted."""
        ...


class DeliveryReports(Protocol):
    """What is shown of all this."""

    async def standing(self, ids: Collection[UUID]) -> Mapping[UUID, WebhookProgress]:
        """Of those that have begun: the others are where they were subscribed."""
        ...

    async def go_back(self, webhook_id: UUID, after: int, since: int) -> None:
        """Tell again what comes after a position, leaving nothing out. `since`: where it was subscribed."""
        ...

    async def sent(self, webhook_id: UUID, limit: int, before: int | None = None) -> Sequence[LoggedDelivery]:
        """Attempts, the newest first, those before an id."""
        ...


class SigningSecrets(Protocol):
    """What webhooks sign with: `whsec_...`, kept sealed, the one before for a day beside the new one."""

    async def renew(self, webhook_id: UUID) -> str:
        """A new one, the first perhaps: it can't be shown again."""
        ...

    async def current(self, webhook_id: UUID) -> Sequence[str]:
        """Those in force, the newest first."""
        ...


class WebhookSender(Protocol):
    """HTTP to servers on the Internet, and to no other."""

    async def send(self, url: str, message: WebhookMessage, secrets: Sequence[str]) -> SendResult:
        """Once; never raises for what the server does."""
        ...
