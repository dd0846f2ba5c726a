"""Hold: a start that is reserved for a customer for a few minutes."""

from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from domain.booking.origin import OriginFields
from domain.booking.placement import Booking, BookingFields, Placed, PlacementFields
from domain.errors import Conflict, Gone
from domain.kernel import Aggregate, event


class HoldExpired(Gone):
    """This hold has ended."""


class HoldExtendedBefore(Conflict):
    """This hold has been extended before."""


class HoldUsed(Conflict):
    """This hold was used for an appointment."""


class HoldStatus(StrEnum):
    HELD = "held"
    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(Placed, Aggregate):
    """Occupies a provider's time for a customer until `expires_at`."""

    class Placed(OriginFields, PlacementFields, BookingFields, Aggregate.Created):
        expires_at: datetime

        def apply(self, hold: "Hold") -> None:
            hold.service_id, hold.customer_id = self.service_id, self.customer_id
            hold.placement, hold.expires_at = self.placed_with(self.provider_id), self.expires_at

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

    def __init__(self) -> None:
        self.service_id: UUID
        self.customer_id: UUID
        self.expires_at: datetime
        self.status = HoldStatus.HELD
        self.extended = False
        self.appointment_id: UUID | None = None

    @classmethod
    def place(cls, id: UUID, booking: Booking, expires_at: datetime, now: datetime) -> Self:
        """Hold the time of the booking until `expires_at`."""
        return cls._create(cls.Placed, id=id, **booking.fields(), expires_at=expires_at, timestamp=now)

    def check_live(self, now: datetime) -> None:
        """Raise HoldExpired unless the hold still occupies its time."""
        if self.status is HoldStatus.USED:
            raise HoldExpired("The hold was used for an appointment.", appointment_id=str(self.appointment_id))
        if self.status is HoldStatus.RELEASED:
            raise HoldExpired("The hold was released.")
        if self.status is HoldStatus.EXPIRED or self.expires_at <= now:
            raise HoldExpired(f"The hold ended at {self.expires_at:%Y-%m-%dT%H:%M:%SZ}.")

    def extend(self, by: UUID, expires_at: datetime, now: datetime) -> None:
        """Extend the hold, once; at most until its start."""
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
        """Release the time; already released or expired is not an error."""
        if self.status is HoldStatus.USED:
            raise HoldUsed(appointment_id=str(self.appointment_id))
        if self.status is HoldStatus.HELD:
            self._released(by=by, timestamp=now)

    @event(Released)
    def _released(self, by: UUID, timestamp: datetime) -> None:
        self.status = HoldStatus.RELEASED

    def expire(self, now: datetime) -> None:
        """Expire a hold whose time is over; otherwise do nothing."""
        if self.status is HoldStatus.HELD and self.expires_at <= now:
            self._expired(timestamp=now)

    @event(Expired)
    def _expired(self, timestamp: datetime) -> None:
        self.status = HoldStatus.EXPIRED

    def use(self, by: UUID, appointment_id: UUID, now: datetime) -> None:
        """Turn the hold into this appointment."""
        self.check_live(now)
        self._used(by=by, appointment_id=appointment_id, timestamp=now)

    @event(Used)
    def _used(self, by: UUID, appointment_id: UUID, timestamp: datetime) -> None:
        self.status = HoldStatus.USED
        self.appointment_id = appointment_id
