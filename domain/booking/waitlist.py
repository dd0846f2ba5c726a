"""Waiting: a customer who wants a time that is not free, and what is offered to them."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from domain.errors import Conflict, Gone
from domain.kernel import Aggregate, event
from domain.scheduling.opening_hours import DAY
from domain.scheduling.wallclock import local_date, zone


class NothingOffered(Conflict):
    """Nothing is offered to this entry of the waitlist now."""


class OfferLapsed(Gone):
    """This offer was not accepted in time."""


class WaitingStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    LEFT = "left"


class Offer(NamedTuple):
    """What is kept for somebody who waits."""

    hold_id: UUID
    provider_id: UUID
    starts_at: datetime
    expires_at: datetime

    @property
    def start(self) -> tuple[UUID, datetime]:
        """What is not offered again once it has lapsed."""
        return self.provider_id, self.starts_at


class Wish(NamedTuple):
    """What somebody waits for.

    `hours`: minutes of the local day, none for any; `lapsed`: what was offered before, not to be again.
    """

    waiting_id: UUID
    service_id: UUID
    provider_id: UUID | None
    first: date
    last: date
    hours: Sequence[Sequence[int]]
    timezone: str
    lapsed: frozenset[tuple[UUID, datetime]]

    def fits(self, provider_id: UUID, start: datetime) -> bool:
        """Whether this is what they wait for."""
        if self.provider_id not in (None, provider_id) or (provider_id, start) in self.lapsed:
            return False
        tz = zone(self.timezone)
        local = start.astimezone(tz)
        minute = local.hour * 60 + local.minute
        if not self.first <= local_date(start, tz) <= self.last:
            return False
        minutes = (minute, minute + DAY)  # hours may run past midnight
        return not self.hours or any(begin <= m < end for begin, end in self.hours for m in minutes)


class Waiting(Aggregate):
    """One customer's place in the line."""

    class Joined(Aggregate.Created):
        by: UUID
        customer_id: UUID
        service_id: UUID
        provider_id: UUID | None
        dates: dict[str, str]
        hours: list[list[int]]
        timezone: str

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

    @event(Joined)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        customer_id: UUID,
        service_id: UUID,
        provider_id: UUID | None,
        dates: dict[str, str],
        hours: list[list[int]],
        timezone: str,
        timestamp: datetime,
    ) -> None:
        self.customer_id, self.service_id, self.provider_id = customer_id, service_id, provider_id
        self.dates, self.hours, self.timezone = dates, hours, timezone
        self.status = WaitingStatus.WAITING
        self.offer: Offer | None = None
        self.lapsed: frozenset[tuple[UUID, datetime]] = frozenset()
        self.appointment_id: UUID | None = None

    def offer_place(self, offer: Offer, now: datetime) -> None:
        """A place is kept for them; whoever does not wait is offered nothing."""
        if self.status is not WaitingStatus.WAITING or offer.start in self.lapsed:
            raise NothingOffered
        self._offered(**offer._asdict(), timestamp=now)

    @event(Offered)
    def _offered(
        self, hold_id: UUID, provider_id: UUID, starts_at: datetime, expires_at: datetime, timestamp: datetime
    ) -> None:
        self.status, self.offer = WaitingStatus.OFFERED, Offer(hold_id, provider_id, starts_at, expires_at)

    def standing_offer(self) -> Offer:
        """What can be accepted; raises NothingOffered."""
        if self.offer is None:
            raise NothingOffered(f"It is {self.status}.")
        return self.offer

    def lapse(self, now: datetime) -> None:
        """The offer is over: back in line, at the same place."""
        self._lapsed(hold_id=self.standing_offer().hold_id, timestamp=now)

    @event(Lapsed)
    def _lapsed(self, hold_id: UUID, timestamp: datetime) -> None:
        self.lapsed = self.lapsed.union(_starts(self.offer))
        self.status, self.offer = WaitingStatus.WAITING, None

    def accept(self, by: UUID, appointment_id: UUID, now: datetime) -> None:
        """What was offered is booked."""
        self.standing_offer()
        self._accepted(by=by, appointment_id=appointment_id, timestamp=now)

    @event(Accepted)
    def _accepted(self, by: UUID, appointment_id: UUID, timestamp: datetime) -> None:
        self.status, self.offer = WaitingStatus.ACCEPTED, None
        self.appointment_id = appointment_id

    def leave(self, by: UUID, now: datetime) -> None:
        """Wait no longer; who does not wait any more stays as they are."""
        if self.status in {WaitingStatus.WAITING, WaitingStatus.OFFERED}:
            self._left(by=by, timestamp=now)

    @event(Left)
    def _left(self, by: UUID, timestamp: datetime) -> None:
        self.status, self.offer = WaitingStatus.LEFT, None


def _starts(offer: Offer | None) -> Sequence[tuple[UUID, datetime]]:
    return () if offer is None else (offer.start,)
