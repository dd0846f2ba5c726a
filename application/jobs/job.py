"""What is to be done because its time has come: jobs, and what may come of one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.booking.waitlist_line import WaitlistLine
from application.event_log import EventStore
from application.notifications.mail import Mailer
from application.notifications.notice import Channel
from application.notifications.quiet_hours import QuietHours
from application.rate_limit import RateLimits
from application.webhooks.delivery import DeliveryServices


class LeaseLost(Exception):
    """Somebody else has this job now."""


class NotDueYet(Exception):
    """Not yet: due again at `until`, which is no failure."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class JobIdle(Exception):
    """Nothing to do until `until`, or until it is woken; what failed before is forgotten."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__(until.isoformat() if until else "")
        self.until = until


class RetryAfter(Exception):
    """The other side asks to be left alone for a while."""

    def __init__(self, retry_after: float) -> None:
        """`retry_after`: seconds."""
        super().__init__(f"in {retry_after:.0f} s")
        self.retry_after = retry_after


class PermanentFailure(Exception):
    """Trying again would change nothing; says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one is about. `key`: the same however often it is tried; `said`: nothing personal."""

    key: UUID
    kind: str
    subject: UUID
    slot: str
    due_at: datetime
    said: Mapping[str, Any]
    correlation: str
    attempts: int

    def moment(self, name: str) -> datetime | None:
        """An instant of what is said; None if nothing is."""
        told = self.said.get(name)
        return None if told is None else datetime.fromisoformat(told)


class JobLease(Protocol):
    """The right to do a job, which ends when whoever has it stops for a few seconds."""

    async def hold(self) -> None:
        """Raises LeaseLost unless the job is still ours: to be asked before what can't be undone."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """With what jobs are done. `channels`: whoever is told, is so by the first that reaches them."""

    store: EventStore
    mail: Mailer
    channels: Sequence[Channel] = field(default=(), kw_only=True)
    quiet: QuietHours | None = field(default=None, kw_only=True)
    line: WaitlistLine | None = field(default=None, kw_only=True)
    courier: DeliveryServices | None = field(default=None, kw_only=True)
    limits: RateLimits | None = field(default=None, kw_only=True)


Handler = Callable[[Job, JobLease, Means], Awaitable[str]]
"""Does one, and says in a word what came of it. Raises Later, Idle, Busy, Hopeless, LeaseLost.

After anything else that it raises it is tried again.
"""
