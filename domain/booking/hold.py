"""Hold: a time kept for a few minutes while somebody makes up their mind."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import Conflict, Gone
from domain.kernel import Aggregate, event


class HoldExpired(Gone):
    """This hold is over."""


class HoldExtendedBefore(Conflict):
    """A hold is extended once."""


class HoldUsed(Conflict):
    """This hold has become an appointment."""


class HoldStatus(StrEnum):
    HELD = "held"
    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(Aggregate):
    """A stretch of a provider's calendar, kept for a customer until `expires_at`."""

    class Placed(Aggregate.Created):
        by: UUID
        service_id: UUID
        provider_id: UUID
        customer_id: UUID
        starts_at: datetime
        duration: int
        buffer_before: int
        buffer_after: int
        timezone: str
        expires_at: datetime

    class Extended(Aggregate.Event):
        by: UUID
        expires_at: datetime

    class Released(Aggregate.Event):
        by: UUID

    class Expired(Aggregate.Event):
        pass

    class Used(Aggregate.Event):
        by: UUID
        appointment_id: UUID

    @event(Placed)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        service_id: UUID,
        provider_id: UUID,
        customer_id: UUID,
        starts_at: datetime,
        duration: int,
        buffer_before: int,
        buffer_after: int,
        timezone: str,
        expires_at: datetime,
        timestamp: datetime,
    ) -> None:
        self.service_id, self.provider_id, self.customer_id = service_id, provider_id, customer_id
        self.starts_at, self.ends_at = starts_at, starts_at + timedelta(minutes=duration)
        self.since = starts_at - timedelta(minutes=buffer_before)
        self.until = self.ends_at + timedelta(minutes=buffer_after)
        self.timezone, self.expires_at = timezone, expires_at
        self.status = HoldStatus.HELD
        self.extended = False
        self.appointment_id: UUID | None = None

    def check_live(self, now: datetime) -> None:
        """Raise HoldExpired unless it still keeps the time."""
        if self.status is HoldStatus.USED:
            raise HoldExpired("It was used for an appointment.", appointment_id=str(self.appointment_id))
        if self.status is HoldStatus.RELEASED:
            raise HoldExpired("It was given back.")
        if self.status is HoldStatus.EXPIRED or self.expires_at <= now:
            raise HoldExpired(f"It was kept until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}.")

    def extend(self, by: UUID, expires_at: datetime, now: datetime) -> None:
        """Keep it for longer, once; at most until its start."""
        self.check_live(now)
        if self.extended:
            raise HoldExtendedBefore
        until = max(min(expires_at, self.starts_at), self.expires_at)
        self._extended(by=by, expires_at=until, timestamp=now)

    @event(Extended)
    def _extended(self, by: UUID, expires_at: datetime, timestamp: datetime) -> None:
        self.expires_at = expires_at
        self.extended = True

    def release(self, by: UUID, now: datetime) -> None:
        """Give the time back; already given back or over is not an error."""
        if self.status is HoldStatus.USED:
            raise HoldUsed(appointment_id=str(self.appointment_id))
        if self.status is HoldStatus.HELD:
            self._released(by=by, timestamp=now)

    @event(Released)
    def _released(self, by: UUID, timestamp: datetime) -> None:
        self.status = HoldStatus.RELEASED

    def expire(self, now: datetime) -> None:
        """Its time is over; nothing happens unless it is."""
        if self.status is HoldStatus.HELD and self.expires_at <= now:
            self._expired(timestamp=now)

    @event(Expired)
    def _expired(self, timestamp: datetime) -> None:
        self.status = HoldStatus.EXPIRED

    def use(self, by: UUID, appointment_id: UUID, now: datetime) -> None:
        """It becomes this appointment."""
        self.check_live(now)
        self._used(by=by, appointment_id=appointment_id, timestamp=now)

    @event(Used)
    def _used(self, by: UUID, appointment_id: UUID, timestamp: datetime) -> None:
        self.status = HoldStatus.USED
        self.appointment_id = appointment_id
