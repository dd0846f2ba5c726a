"""What the log comes to, folded anew: hours, terms, Days and appointments at every position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.appointment import Appointment
from domain.day import Day
from domain.hours import Hours, Window, openings
from domain.interval import Interval, merge
from domain.provider import Provider
from domain.schedule import Schedule
from domain.service import Service
from infrastructure.encoding import decode

MARKS: Mapping[type, str] = {
    Appointment.CheckedIn: "checked_in",
    Appointment.Completed: "completed",
    Appointment.NoShow: "no_show",
    Appointment.NoShowUndone: "booked",
}


class Row(Protocol):
    """A stored event."""

    @property
    def position(self) -> int: ...
    @property
    def stream(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def state(self) -> bytes: ...


class Change(NamedTuple):
    """An event at its position."""

    position: int
    stream: UUID
    version: int
    event: Any


class Agenda(NamedTuple):
    """An appointment, as its read model shows it."""

    id: UUID
    version: int
    status: str
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: datetime
    ends_at: datetime
    price: int
    currency: str


class Placed(NamedTuple):
    """Who occupies a stretch of a calendar, buffers included, around which start of which service."""

    taker: UUID
    service_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime
    lane: int = 0

    @property
    def session(self) -> tuple[UUID, datetime]:
        return self.service_id, self.starts_at

    def overlaps(self, other: Placed) -> bool:
        return self.since < other.until and other.since < self.until


@dataclass
class Opening:
    """A calendar's rules, and whether it takes bookings."""

    timezone: str
    weekly: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    time_off: dict[UUID, Interval] = field(default_factory=dict)

    def allows(self, wanted: Interval, service_hours: Mapping[str, Any] | None) -> bool:
        """Whether all of it lies inside the hours."""
        hours = Hours(
            self.timezone,
            {int(day): _windows(each) for day, each in self.weekly.items()},
            {date.fromisoformat(day): _windows(each) for day, each in self.overrides.items()},
            tuple(self.time_off.values()),
        )
        theirs = {int(day): _windows(each) for day, each in (service_hours or {}).items()}
        pieces = merge(openings(hours, wanted, theirs or None))
        return any(piece.start <= wanted.start and wanted.end <= piece.end for piece in pieces)


def changes(rows: Iterable[Row]) -> Iterator[Change]:
    """The events, decoded."""
    for row in rows:
        yield Change(
            row.position, row.stream, row.version, decode(row.topic, row.state, row.stream, row.version)
        )


class Book:
    """Takes every change in order and says which promise it breaks."""

    def __init__(self) -> None:
        self._openings: dict[UUID, Opening] = {}
        self._calendar_of: dict[UUID, UUID] = {}
        self._inactive: set[UUID] = set()
        self._terms: dict[UUID, dict[str, Any]] = {}
        self._withdrawn: set[UUID] = set()
        self._days: dict[UUID, tuple[UUID, date]] = {}
        self._seats: dict[UUID, dict[UUID, Placed]] = defaultdict(dict)  # by Day's stream, then taker
        self._rows: dict[UUID, Agenda] = {}
        self._placed: dict[UUID, dict[UUID, Placed]] = defaultdict(dict)  # by provider, then appointment

    def take(self, change: Change) -> Iterator[str]:
        """What this change breaks, in sentences; then it is taken."""
        match change.event:
            case Appointment.Event():
                yield from self._appointment(change)
            case Day.Opened() as it:
                self._days[change.stream] = it.calendar_id, date.fromisoformat(it.date)
            case Day.Reserved() | Day.Released():
                yield from self._day(change)
            case Schedule.Event() as it:
                self._schedule(change.stream, it)
            case Service.Offered() | Service.Changed() as it:
                self._terms[change.stream] = it.terms
            case Service.Withdrawn():
                self._withdrawn.add(change.stream)
            case Provider.Deactivated():
                self._inactive.add(change.stream)
            case _:
                pass

    def at_the_end(self) -> Iterator[str]:
        """Where Days and appointments do not agree."""
        streams = {place: stream for stream, place in self._days.items()}
        due: set[tuple[UUID | None, Placed]] = {
            (streams.get((provider, day)), each._replace(lane=0))
            for provider, placed in self._placed.items()
            for each in placed.values()
            for day in _dates(each)
        }
        there: set[tuple[UUID | None, Placed]] = {
            (stream, seat._replace(lane=0)) for stream, seat in self.seats_by_day()
        }
        for place, each in there - due:
            yield f"Day {place} keeps a seat without an appointment: {each}"
        for place, each in due - there:
            yield f"Day {place} has no seat for the appointment {each}"

    def agenda(self) -> Iterable[Agenda]:
        """All appointments."""
        return self._rows.values()

    def seats_by_day(self) -> Iterator[tuple[UUID, Placed]]:
        """Each Day's stream with each of its seats; one across midnight is on two."""
        return ((stream, seat) for stream, seats in self._seats.items() for seat in seats.values())

    def seats(self) -> Iterator[tuple[UUID, Placed]]:
        """Each calendar with each of its seats."""
        return ((self._days[stream][0], seat) for stream, seat in self.seats_by_day())

    def _day(self, change: Change) -> Iterator[str]:
        it = change.event
        if isinstance(it, Day.Released):
            del self._seats[change.stream][it.taker]
            return
        seat = Placed(it.taker, it.service_id, it.starts_at, it.since, it.until, it.lane)
        calendar = self._days[change.stream][0]
        others = {other for of, other in self.seats() if of == calendar and other.taker != seat.taker}
        for other in others:
            if seat.overlaps(other) and (seat.session != other.session or seat.lane == other.lane):
                yield f"{change.position}: the Days of {calendar} give {seat} what {other} has"
        if not 0 <= seat.lane < self._terms[it.service_id]["capacity"]:
            yield f"{change.position}: there is no such seat: {seat}"
        self._seats[change.stream][it.taker] = seat

    def _appointment(self, change: Change) -> Iterator[str]:
        it, id = change.event, change.stream
        match it:
            case Appointment.Booked():
                row = Agenda(id, 1, "booked", it.service_id, it.provider_id, it.customer_id, *_when(it))
                yield from self._place(change, row)
            case Appointment.Rescheduled():
                old = self._rows[id]
                del self._placed[old.provider_id][id]
                row = Agenda(
                    id,
                    change.version,
                    old.status,
                    old.service_id,
                    it.provider_id,
                    old.customer_id,
                    *_when(it),
                )
                yield from self._place(change, row)
            case Appointment.Cancelled():
                row = self._rows[id]
                del self._placed[row.provider_id][id]
                self._rows[id] = row._replace(status="cancelled", version=change.version)
            case _:
                row = self._rows[id]
                self._rows[id] = row._replace(status=MARKS.get(type(it), row.status), version=change.version)

    def _place(self, change: Change, row: Agenda) -> Iterator[str]:
        it = change.event
        before, after = timedelta(minutes=it.buffer_before), timedelta(minutes=it.buffer_after)
        place = Placed(row.id, row.service_id, row.starts_at, row.starts_at - before, row.ends_at + after)
        theirs = self._placed[row.provider_id]
        together = 1
        for other in theirs.values():
            if place.session == other.session:
                together += 1
            elif place.overlaps(other):
                yield f"{change.position}: {place} is booked with {row.provider_id} over {other}"
        theirs[row.id] = place
        self._rows[row.id] = row
        yield from (f"{change.position}: {why}: {row}" for why in self._against(row, it, together))

    def _against(self, row: Agenda, it: Any, together: int) -> Iterator[str]:
        """What the rules of this moment have against it."""
        terms, opening = self._terms[row.service_id], self._openings[row.provider_id]
        if together > terms["capacity"]:
            yield f"more than {terms['capacity']} share a start"
        if not opening.allows(Interval(row.starts_at, row.ends_at), terms.get("hours")):
            yield "booked outside the hours"
        if row.service_id in self._withdrawn or row.provider_id in self._inactive:
            yield "booked though it is offered no longer"
        if any(getattr(it, name) != terms[name] for name in ("duration", "buffer_before", "buffer_after")):
            yield "booked on other terms than the service's"

    def _schedule(self, stream: UUID, it: Any) -> None:
        if isinstance(it, Schedule.Opened):
            self._calendar_of[stream] = it.calendar_id
            self._openings[it.calendar_id] = Opening(it.timezone)
            return
        opening = self._openings[self._calendar_of[stream]]
        match it:
            case Schedule.WeeklySet():
                opening.timezone, opening.weekly = it.timezone, it.weekly
            case Schedule.Overridden():
                opening.overrides[it.date] = it.hours
            case Schedule.OverrideLifted():
                del opening.overrides[it.date]
            case Schedule.TimeOffTaken() | Schedule.TimeOffChanged():
                opening.time_off[it.time_off_id] = Interval(it.start, it.end)
            case Schedule.TimeOffCancelled():
                del opening.time_off[it.time_off_id]
            case _:
                pass


def _when(it: Appointment.Booked | Appointment.Rescheduled) -> tuple[datetime, datetime, int, str]:
    return it.starts_at, it.starts_at + timedelta(minutes=it.duration), it.price, it.currency


def _dates(placed: Placed) -> Iterator[date]:
    day = placed.since.date()
    while datetime(day.year, day.month, day.day, tzinfo=placed.since.tzinfo) < placed.until:
        yield day
        day += timedelta(days=1)


def _windows(pairs: Iterable[Iterable[int]]) -> tuple[Window, ...]:
    return tuple(Window(*pair) for pair in pairs)
