"""Waiting: an entry in the waitlist of a service, and the offer that is made to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Self, TypedDict
from uuid import UUID

from domain.errors import Conflict, Gone
from domain.kernel import Aggregate, event
from domain.scheduling.opening_hours import DAY
from domain.scheduling.wallclock import local_date, zone

LAPSES = 3
"""Offers that a customer may let lapse: after that, an entry ends."""


class NothingOffered(Conflict):
    """There is no offer for this waitlist entry right now."""


class NotWaiting(Conflict):
    """This waitlist entry does not wait: it has an offer, or has ended."""


class OfferedBefore(Conflict):
    """This start was offered to this waitlist entry before, and not accepted."""


class OfferLapsed(Gone):
    """This offer was not accepted in time."""


class WaitingStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    LEFT = "left"


class Offer(NamedTuple):
    """A start that is held for a waitlist entry."""

    hold_id: UUID
    provider_id: UUID
    starts_at: datetime
    expires_at: datetime

    @property
    def start(self) -> tuple[UUID, datetime]:
        """The provider and start: they are not offered again once the offer has lapsed."""
        return self.provider_id, self.starts_at


class Wish(NamedTuple):
    """The wish of a waitlist entry.

    `hours`: minutes of the local day, none for any hour; `lapsed`: the starts offered before, which are not offered
    again.
    """

    waiting_id: UUID
    customer_id: UUID
    service_id: UUID
    provider_id: UUID | None
    first: date
    last: date
    hours: Sequence[Sequence[int]]
    timezone: str
    lapsed: frozenset[tuple[UUID, datetime]]

    def fits(self, provider_id: UUID, start: datetime) -> bool:
        """Whether the entry wants this start with this provider."""
        if self.provider_id not in (None, provider_id) or (provider_id, start) in self.lapsed:
            return False
        tz = zone(self.timezone)
        local = start.astimezone(tz)
        minute = local.hour * 60 + local.minute
        if not self.first <= local_date(start, tz) <= self.last:
            return False
        minutes = (minute, minute + DAY)  # hours may run past midnight
        return not self.hours or any(begin <= m < end for begin, end in self.hours for m in minutes)


WaitlistDates = TypedDict("WaitlistDates", {"from": str, "to": str})
"""The first and the last date, both included, in ISO format."""


@dataclass(frozen=True)
class WaitlistRequest:
    """The wish of a customer, as the event records it. `provider_id`: None for any provider of the service.

    `hours`: [[begin, end], ...] in minutes of the local day, none for any hour; `timezone`: of dates and hours.
    """

    customer_id: UUID
    service_id: UUID
    provider_id: UUID | None
    dates: WaitlistDates
    hours: list[list[int]]
    timezone: str


@dataclass(frozen=True)
class _ByFields:
    by: UUID


class Waiting(Aggregate):
    """One customer's entry in the waitlist."""

    class Joined(WaitlistRequest, _ByFields, Aggregate.Created):
        def apply(self, waiting: "Waiting") -> None:
            waiting.customer_id, waiting.service_id = self.customer_id, self.service_id
            waiting.provider_id = self.provider_id
            waiting.dates, waiting.hours, waiting.timezone = self.dates, self.hours, self.timezone

    class Offered(Aggregate.Event):
        hold_id: UUID
        provider_id: UUID
        starts_at: datetime
        expires_at: datetime

    class Lapsed(Aggregate.Event):
        hold_id: UUID

    class Accepted(Aggregate.Event):
        by: UUID
        appointment_id: UUID

    class Left(Aggregate.Event):
        by: UUID

    def __init__(self) -> None:
        self.customer_id: UUID
        self.service_id: UUID
        self.provider_id: UUID | None
        self.dates: WaitlistDates
        self.hours: list[list[int]]
        self.timezone: str
        self.status = WaitingStatus.WAITING
        self.offer: Offer | None = None
        self.lapsed: frozenset[tuple[UUID, datetime]] = frozenset()
        self.appointment_id: UUID | None = None

    @classmethod
    def join(cls, id: UUID, by: UUID, entry: WaitlistRequest, now: datetime) -> Self:
        """A new entry, at the end of the line."""
        return cls._create(cls.Joined, id=id, by=by, **vars(entry), timestamp=now)

    def check_waiting(self) -> None:
        """Raise NotWaiting once there is an offer, or the entry has ended."""
        if self.status is not WaitingStatus.WAITING:
            raise NotWaiting(f"Its status is `{self.status}`.")

    @property
    def wish(self) -> Wish:
        """What the customer wants."""
        days = date.fromisoformat(self.dates["from"]), date.fromisoformat(self.dates["to"])
        what = self.id, self.customer_id, self.service_id, self.provider_id
        return Wish(*what, *days, self.hours, self.timezone, self.lapsed)

    def offer_place(self, offer: Offer, now: datetime) -> None:
        """Offer a held start. Raises NotWaiting, OfferedBefore."""
        self.check_waiting()
        if offer.start in self.lapsed:
            raise OfferedBefore
        self._offered(**offer._asdict(), timestamp=now)

    @event(Offered)
    def _offered(
        self, hold_id: UUID, provider_id: UUID, starts_at: datetime, expires_at: datetime, timestamp: datetime
    ) -> None:
        self.status, self.offer = WaitingStatus.OFFERED, Offer(hold_id, provider_id, starts_at, expires_at)

    def standing_offer(self) -> Offer:
        """The offer that can be accepted; raises NothingOffered."""
        if self.offer is None:
            raise NothingOffered(f"Its status is `{self.status}`.")
        return self.offer

    def lapse(self, by: UUID, now: datetime) -> None:
        """End the offer: the entry waits again, at the end of the line. After LAPSES of them it ends."""
        self._lapsed(hold_id=self.standing_offer().hold_id, timestamp=now)
        if len(self.lapsed) >= LAPSES:
            self.leave(by, now)

    @event(Lapsed)
    def _lapsed(self, hold_id: UUID, timestamp: datetime) -> None:
        self.lapsed = self.lapsed.union(_starts(self.offer))
        self.status, self.offer = WaitingStatus.WAITING, None

    def accept(self, by: UUID, appointment_id: UUID, now: datetime) -> None:
        """Record that the offer was booked."""
        self.standing_offer()
        self._accepted(by=by, appointment_id=appointment_id, timestamp=now)

    @event(Accepted)
    def _accepted(self, by: UUID, appointment_id: UUID, timestamp: datetime) -> None:
        self.status, self.offer = WaitingStatus.ACCEPTED, None
        self.appointment_id = appointment_id

    def leave(self, by: UUID, now: datetime) -> None:
        """Leave the waitlist; already left or accepted is not an error."""
        if self.status in {WaitingStatus.WAITING, WaitingStatus.OFFERED}:
            self._left(by=by, timestamp=now)

    @event(Left)
    def _left(self, by: UUID, timestamp: datetime) -> None:
        self.status, self.offer = WaitingStatus.LEFT, None


def _starts(offer: Offer | None) -> Sequence[tuple[UUID, datetime]]:
    return () if offer is None else (offer.start,)
