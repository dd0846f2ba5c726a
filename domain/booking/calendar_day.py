"""Day: the seats that are taken of one calendar on one UTC day. It guarantees that nothing is booked twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking.seat import Place, Seat, SeatGroup, united
from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event


class SlotTaken(Conflict):
    """This time is no longer free."""


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
        self.groups: Mapping[Place, SeatGroup] = {}

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
        self._vacate(seat.taker)
        self.seats = self.put(self.seats, seat.taker, seat)
        group = self.groups.get(seat.place)
        self.groups = self.put(self.groups, seat.place, SeatGroup.of(seat) if group is None else group.having(seat))

    def extend(self, taker: UUID, expires_at: datetime, now: datetime) -> None:
        """Extend the taker's seat."""
        self._extended(taker=taker, expires_at=expires_at, timestamp=now)

    @event(Extended)
    def _extended(self, taker: UUID, expires_at: datetime, timestamp: datetime) -> None:
        self.occupy(self.seats[taker]._replace(expires_at=expires_at))

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
        self._vacate(taker)

    def _vacate(self, taker: UUID) -> None:
        seat = self.seats.get(taker)
        if seat is None:
            return
        self.seats = self.drop(self.seats, taker)
        rest = self.groups[seat.place].lacking(seat, self.seats)
        self.groups = self.put(self.groups, seat.place, rest) if rest else self.drop(self.groups, seat.place)


_LEAST = timedelta(microseconds=1)


def days_touched(since: datetime, until: datetime) -> list[date]:
    """The UTC days that [since, until) touches, in order."""
    first, last = since.date(), (until - _LEAST).date()
    if first == last:
        return [first]
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def near(days: Sequence[Day], since: datetime, until: datetime, but: UUID | None = None) -> list[SeatGroup]:
    """The seats of the Days that overlap [since, until), by start, expired ones included. `but`: a taker left out."""
    found: Mapping[Place, SeatGroup] = {}
    for day in days:
        groups = day.groups if but is None else _without(day, but)
        found = united(groups, found) if found else groups
    return [group for group in found.values() if group.since < until and since < group.until]


def _without(day: Day, taker: UUID) -> Mapping[Place, SeatGroup]:
    """The groups of the Day without this taker's seat."""
    if taker not in day.seats:
        return day.groups
    copy = day.own_copy()
    copy._vacate(taker)  # noqa: SLF001  of a copy that nobody else sees
    return copy.groups


def lapsed(days: Sequence[Day], since: datetime, until: datetime, now: datetime) -> list[Seat]:
    """The expired seats that overlap [since, until), each once: the command that takes the time releases them too."""
    return [seat for group in near(days, since, until) for seat in group.limited if seat.lapsed(now)]


def reserve(days: Sequence[Day], seat: Seat, capacity: int, now: datetime) -> None:
    """Occupy the seat on every Day it touches, all or nothing; raises SlotTaken.

    Seats of one session (one start of one service) get different lanes, below `capacity`.
    """
    lanes = 0
    for group in near(days, seat.since, seat.until, but=seat.taker):
        live = group.live(now) if group.limited else ()
        if not group.permanent and not live:
            continue
        if (group.service_id, group.starts_at) != (seat.service_id, seat.starts_at):
            raise SlotTaken
        lanes |= group.lanes
        for other in live:
            lanes |= 1 << other.lane
    lane = (~lanes & (lanes + 1)).bit_length() - 1  # the lowest bit that is not set
    if lane >= capacity or lanes.bit_count() >= capacity:
        raise SlotTaken
    for day in days:
        day.give(seat._replace(lane=lane), now)
