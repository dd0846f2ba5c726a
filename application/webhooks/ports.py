"""Ports of webhook delivery: checkpoints, signing secrets, HTTP. Rows beside the log, not events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.webhooks.payload import WebhookEvent, WebhookMessage
from domain.errors import Invalid


class WebhookTargetRefused(Invalid):
    """Webhooks go to public addresses only."""

    def __init__(self) -> None:
        super().__init__(
            "This URL leads to an address that is not public. The operator of Daybook can allow its network with "
            "WEBHOOK_ALLOW_PRIVATE.",
            "/url",
        )


class WebhookTargets(Protocol):
    """Where webhooks may go."""

    async def check(self, url: str) -> None:
        """Raise WebhookTargetRefused if deliveries to the URL would be refused."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryCheckpoint:
    """The position that a webhook has reached, and the last position that may concern it.

    `redeliveries`: how often somebody asked for events again. A delivery from before does not count for them.
    """

    position: int
    wanted: int
    redeliveries: int = 0
    failures: int = 0
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingEvents:
    """The events that concern a webhook up to a position, in order."""

    happenings: Sequence[WebhookEvent]
    until: int


@dataclass(frozen=True, slots=True)
class SendResult:
    """The server's answer. `error`: a word, empty if the server accepted; `retry_after`: seconds, if it sent any."""

    status: int | None
    error: str
    took_ms: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt to send one message."""

    webhook_id: UUID
    position: int
    message_id: str
    type: str
    attempt: int
    sent: SendResult


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A stored attempt. `error`: empty if the server accepted."""

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
    """The number of failed attempts in a row, and the time since the first one."""

    failures: int
    lasting: timedelta


@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """The progress of a webhook. `behind`: the number of known events that wait."""

    position: int
    behind: int
    failing_since: datetime | None


class DeliveryProgress(Protocol):
    """Checkpoints of webhooks, moved by compare-and-set; their pending events; and the log of attempts."""

    async def mark(self, webhook_id: UUID) -> DeliveryCheckpoint | None: ...

    async def ahead(self, webhook_id: UUID, after: int, until: int, most: int) -> PendingEvents:
        """The next events that concern it, `most` at most, in (after, until] or the beginning of that range."""
        ...

    async def pass_over(self, webhook_id: UUID, since: DeliveryCheckpoint, to: int) -> bool:
        """Move the checkpoint over events that do not concern it; whether it was still `since`."""
        ...

    async def delivered(self, attempt: DeliveryAttempt, since: DeliveryCheckpoint) -> bool:
        """Log an accepted attempt and move the checkpoint over it; whether it was still `since`."""
        ...

    async def failed(self, attempt: DeliveryAttempt, since: datetime | None) -> FailureStreak:
        """Log a failed attempt. Failures before `since` are not counted."""
        ...

    async def drop(self, webhook_id: UUID) -> None:
        """Delete all rows of a deleted webhook."""
        ...


class DeliveryReports(Protocol):
    """Reports on deliveries, and redelivery."""

    async def standing(self, ids: Collection[UUID]) -> Mapping[UUID, WebhookProgress]:
        """The progress of webhooks with a checkpoint; the others are at the position of their subscription."""
        ...

    async def go_back(self, webhook_id: UUID, after: int, since: int) -> None:
        """Send all events after a position again. `since`: the position of the subscription."""
        ...

    async def sent(self, webhook_id: UUID, limit: int, before: int | None = None) -> Sequence[LoggedDelivery]:
        """Attempts with ids lower than `before`, the newest first."""
        ...


class SigningSecrets(Protocol):
    """Signing secrets `whsec_...`, stored encrypted; a replaced secret stays valid for a day beside the new one."""

    async def renew(self, webhook_id: UUID) -> str:
        """Make a new secret, which can't be shown again."""
        ...

    async def current(self, webhook_id: UUID) -> Sequence[str]:
        """The valid secrets, the newest first."""
        ...


class WebhookSender(Protocol):
    """HTTP to servers on the Internet, never to private networks."""

    async def send(self, url: str, message: WebhookMessage, secrets: Sequence[str]) -> SendResult:
        """Send once. A failure of the server is a result, not an exception."""
        ...
