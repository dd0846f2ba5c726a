"""Day: who occupies one calendar on one UTC day. Here lives the promise of no double booking."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event


class SlotTaken(Conflict):
    """This time is no longer free."""


class Seat(NamedTuple):
    """One taker's stretch of a calendar: [since, until) with buffers. `lane`: which seat of its session.

    With `expires_at` it is kept until then, and free from then on, whether or not anybody has recorded it.
    """

    taker: UUID
    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lane: int = 0
    expires_at: datetime | None = None

    def lapsed(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def clashes(self, other: "Seat") -> bool:
        """Overlapping, and not seats of one session (one start of one service)."""
        return (
            self.since < other.until
            and other.since < self.until
            and (self.service_id, self.starts_at) != (other.service_id, other.starts_at)
        )


class Day(Aggregate):
    """Who occupies one calendar (a provider, later a room) on one UTC day."""

    class Opened(Aggregate.Created):
        calendar_id: UUID
        date: str

    class Reserved(Aggregate.Event):
        taker: UUID
        service_id: UUID
        starts_at: datetime
        since: datetime
        until: datetime
        lane: int

    class Held(Aggregate.Event):
        taker: UUID
        service_id: UUID
        starts_at: datetime
        since: datetime
        until: datetime
        lane: int
        expires_at: datetime

    class Extended(Aggregate.Event):
        taker: UUID
        expires_at: datetime

    class Released(Aggregate.Event):
        taker: UUID

    @staticmethod
    def id_of(calendar_id: UUID, day: date) -> UUID:
        return derived_id("day", calendar_id, day)

    @event(Opened)
    def __init__(self, id: UUID, calendar_id: UUID, date: str, timestamp: datetime) -> None:
        self.calendar_id = calendar_id
        self.date = date
        self.seats: Mapping[UUID, Seat] = {}

    def give(self, seat: Seat, now: datetime) -> None:
        """Record a seat that `reserve` has found to be free on every Day it touches."""
        if seat.expires_at is None:
            self._reserved(*seat[:-1], timestamp=now)
        else:
            self._held(**seat._asdict(), timestamp=now)

    @event(Reserved)
    def _reserved(
        self,
        taker: UUID,
        service_id: UUID,
        starts_at: datetime,
        since: datetime,
        until: datetime,
        lane: int,
        timestamp: datetime,
    ) -> None:
        self.seats = {**self.seats, taker: Seat(taker, service_id, starts_at, since, until, lane)}

    @event(Held)
    def _held(
        self,
        taker: UUID,
        service_id: UUID,
        starts_at: datetime,
        since: datetime,
        until: datetime,
        lane: int,
        expires_at: datetime,
        timestamp: datetime,
    ) -> None:
        seat = Seat(taker, service_id, starts_at, since, until, lane, expires_at)
        self.seats = {**self.seats, taker: seat}

    def extend(self, taker: UUID, expires_at: datetime, now: datetime) -> None:
        """Keep the taker's seat for longer."""
        self._extended(taker=taker, expires_at=expires_at, timestamp=now)

    @event(Extended)
    def _extended(self, taker: UUID, expires_at: datetime, timestamp: datetime) -> None:
        self.seats = {**self.seats, taker: self.seats[taker]._replace(expires_at=expires_at)}

    def confirm(self, taker: UUID, now: datetime) -> None:
        """What was kept for a while is the taker's for good."""
        self.give(self.seats[taker]._replace(expires_at=None), now)

    def release(self, taker: UUID, now: datetime) -> None:
        """Free what the taker has; already free is not an error."""
        if taker in self.seats:
            self._released(taker=taker, timestamp=now)

    @event(Released)
    def _released(self, taker: UUID, timestamp: datetime) -> None:
        self.seats = {k: seat for k, seat in self.seats.items() if k != taker}


def days_touched(since: datetime, until: datetime) -> list[date]:
    """The UTC days on which [since, until) lies, in order."""
    first, last = since.date(), (until - timedelta(microseconds=1)).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def taken(days: Iterable[Day], since: datetime, until: datetime, now: datetime) -> list[Seat]:
    """The seats of the Days that touch [since, until), each once though it may lie on two of them."""
    return [seat for seat in _there(days, since, until) if not seat.lapsed(now)]


def lapsed(days: Iterable[Day], since: datetime, until: datetime, now: datetime) -> list[Seat]:
    """As `taken`, those whose time is over: whoever takes the stretch releases them with it."""
    return [seat for seat in _there(days, since, until) if seat.lapsed(now)]


def _there(days: Iterable[Day], since: datetime, until: datetime) -> Iterable[Seat]:
    seats: dict[UUID, Seat] = {}
    for day in days:
        seats |= {k: seat for k, seat in day.seats.items() if seat.since < until and since < seat.until}
    return seats.values()


def reserve(days: Sequence[Day], seat: Seat, capacity: int, now: datetime) -> None:
    """Occupy the seat on every Day it touches, all or nothing; raises SlotTaken.

    Seats of one session get different lanes, below `capacity`.
    """
    others = [other for other in taken(days, seat.since, seat.until, now) if other.taker != seat.taker]
    if any(seat.clashes(other) for other in others):
        raise SlotTaken
    lanes = {other.lane for other in others}  # all of the same session
    lane = next((n for n in range(capacity) if n not in lanes), None)
    if lane is None or len(lanes) >= capacity:
        raise SlotTaken
    for day in days:
        day.give(seat._replace(lane=lane), now)
