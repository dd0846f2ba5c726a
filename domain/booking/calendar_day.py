"""Day: the seats that are taken of one calendar on one UTC day. It guarantees that nothing is booked twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event


class SlotTaken(Conflict):
    """This time is no longer free."""


class Seat(NamedTuple):
    """The time [since, until), buffers included, that one taker occupies. `lane`: the number of its seat in a session.

    A seat with `expires_at` is free from then on, whether or not an event has recorded that.
    """

    taker: UUID
    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lane: int = 0
    expires_at: datetime | None = None

    def lapsed(self, now: datetime) -> bool:
        """Whether the seat has expired."""
        return self.expires_at is not None and self.expires_at <= now

    def clashes(self, other: "Seat") -> bool:
        """Whether the two overlap and are not seats of one group session (one start of one service)."""
        return (
            self.since < other.until
            and other.since < self.until
            and (self.service_id, self.starts_at) != (other.service_id, other.starts_at)
        )


@dataclass(frozen=True)
class _SeatFields:
    taker: UUID
    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lane: int

    def seat(self, expires_at: datetime | None = None) -> Seat:
        return Seat(self.taker, self.service_id, self.starts_at, self.since, self.until, self.lane, expires_at)


class Day(Aggregate):
    """The seats of one calendar (a provider's) on one UTC day."""

    class Opened(Aggregate.Created):
        calendar_id: UUID
        date: str

    class Reserved(_SeatFields, Aggregate.Event):
        def apply(self, day: "Day") -> None:
            day.occupy(self.seat())

    class Held(_SeatFields, Aggregate.Event):
        expires_at: datetime

        def apply(self, day: "Day") -> None:
            day.occupy(self.seat(self.expires_at))

    class Extended(Aggregate.Event):
        taker: UUID
        expires_at: datetime

    class Released(Aggregate.Event):
        """`since`, `until`: the time that is free again; None where release 0.1.0 recorded the event."""

        class_version = 2

        taker: UUID
        since: datetime | None
        until: datetime | None

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Version 1 named the taker alone."""
            state.update(since=None, until=None)

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
        fields = seat._asdict()
        if seat.expires_at is None:
            del fields["expires_at"]
            self.trigger_event(self.Reserved, **fields, timestamp=now)
        else:
            self.trigger_event(self.Held, **fields, timestamp=now)

    def occupy(self, seat: Seat) -> None:
        """Apply a recorded seat: it takes the place of the taker's seat before it."""
        self.seats = {**self.seats, seat.taker: seat}

    def extend(self, taker: UUID, expires_at: datetime, now: datetime) -> None:
        """Extend the taker's seat."""
        self._extended(taker=taker, expires_at=expires_at, timestamp=now)

    @event(Extended)
    def _extended(self, taker: UUID, expires_at: datetime, timestamp: datetime) -> None:
        self.seats = {**self.seats, taker: self.seats[taker]._replace(expires_at=expires_at)}

    def confirm(self, taker: UUID, now: datetime) -> None:
        """Make the taker's seat permanent."""
        self.give(self.seats[taker]._replace(expires_at=None), now)

    def release(self, taker: UUID, now: datetime) -> None:
        """Release the taker's seat; already released is not an error."""
        seat = self.seats.get(taker)
        if seat is not None:
            self._released(taker=taker, since=seat.since, until=seat.until, timestamp=now)

    @event(Released)
    def _released(self, taker: UUID, since: datetime | None, until: datetime | None, timestamp: datetime) -> None:
        self.seats = {k: seat for k, seat in self.seats.items() if k != taker}


_LEAST = timedelta(microseconds=1)


def days_touched(since: datetime, until: datetime) -> list[date]:
    """The UTC days that [since, until) touches, in order."""
    first, last = since.date(), (until - _LEAST).date()
    if first == last:
        return [first]
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def taken(days: Iterable[Day], since: datetime, until: datetime, now: datetime) -> list[Seat]:
    """The seats of the Days that overlap [since, until), each once though it may lie on two Days."""
    return [seat for seat in _there(days, since, until) if not seat.lapsed(now)]


def lapsed(days: Iterable[Day], since: datetime, until: datetime, now: datetime) -> list[Seat]:
    """As `taken`, but the expired seats: the command that takes the time releases them too."""
    return [seat for seat in _there(days, since, until) if seat.lapsed(now)]


def _there(days: Iterable[Day], since: datetime, until: datetime) -> Iterable[Seat]:
    return {
        taker: seat for day in days for taker, seat in day.seats.items() if seat.since < until and since < seat.until
    }.values()


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
