"""Placement: which provider's time an appointment or a hold takes, and the fields in which events record it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.booking.origin import Origin, Override, host_alone
from domain.scheduling.interval import Interval


class Placement(NamedTuple):
    """A start with a provider. Duration and buffers in minutes; `timezone`: the provider's."""

    provider_id: UUID
    starts_at: datetime
    duration: int
    buffer_before: int
    buffer_after: int
    timezone: str

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.duration)

    @property
    def stretch(self) -> Interval:
        """The time that is occupied, buffers included."""
        before, after = timedelta(minutes=self.buffer_before), timedelta(minutes=self.buffer_after)
        return Interval(self.starts_at - before, self.ends_at + after)


class Booking(NamedTuple):
    """A service for a customer, and its placement. `by`: the account that asks."""

    by: UUID
    service_id: UUID
    customer_id: UUID
    placement: Placement
    origin: Origin = Origin()
    override: Override | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of BookingFields, PlacementFields and OriginFields."""
        return {
            "by": self.by,
            "service_id": self.service_id,
            "customer_id": self.customer_id,
            **placement_fields(self.placement, self.origin, self.override),
        }


class Move(NamedTuple):
    """The new placement of an appointment, how the move came about, and why, in words that Daybook encrypts."""

    placement: Placement
    origin: Origin = Origin()
    override: Override | None = None
    reason: str = ""


def placement_fields(placement: Placement, origin: Origin, override: Override | None = None) -> dict[str, Any]:
    """The fields of PlacementFields and OriginFields."""
    place = host_alone(placement.provider_id, placement.duration)
    return {
        **placement._asdict(),
        "placement": {**place, "overridden": override.names} if override else place,
        **origin._asdict(),
        "override_reason": override.reason if override else None,
    }


# Events inherit these fields. Python orders the fields of dataclasses from the last base to the first, and the
# order is part of the recorded bytes: the bases of an event stand in the reverse order of its fields.
@dataclass(frozen=True)
class BookingFields:
    """The parties of an event that takes time."""

    by: UUID
    service_id: UUID
    provider_id: UUID
    customer_id: UUID


@dataclass(frozen=True)
class PlacementFields:
    """The time of an event that takes time."""

    starts_at: datetime
    duration: int
    buffer_before: int
    buffer_after: int
    timezone: str

    def placed_with(self, provider_id: UUID) -> Placement:
        return Placement(
            provider_id, self.starts_at, self.duration, self.buffer_before, self.buffer_after, self.timezone
        )


class Placed:
    """The placement's fields as properties of its aggregate: an appointment or a hold."""

    placement: Placement

    @property
    def provider_id(self) -> UUID:
        return self.placement.provider_id

    @property
    def starts_at(self) -> datetime:
        return self.placement.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.placement.ends_at

    @property
    def since(self) -> datetime:
        """When the occupied time begins: the start, less the buffer before it."""
        return self.placement.stretch.start

    @property
    def until(self) -> datetime:
        """When the occupied time ends: the end, and the buffer after it."""
        return self.placement.stretch.end

    @property
    def timezone(self) -> str:
        return self.placement.timezone
