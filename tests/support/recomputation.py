"""What the log comes to, folded anew: hours, terms, Days and appointments at every position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day
from domain.booking.hold import Hold
from domain.booking.move import move_taker
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.scheduling.interval import Interval, merge, subtract
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow, openings
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.event_codec import decode

SKEW = timedelta(seconds=1)  # by which the clock that decides may differ from the one that records
MARKS: Mapping[type, str] = {
    Appointment.Confirmed: "booked",
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
    @property
    def at(self) -> datetime: ...


class Change(NamedTuple):
    """An event at its position."""

    position: int
    stream: UUID
    version: int
    event: Any
    at: datetime


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
    expires_at: datetime | None = None

    @property
    def bare(self) -> Placed:
        """Without what only the Days know."""
        return self._replace(lane=0)

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
        hours = OpeningHours(
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
        event = decode(row.topic, row.state, row.stream, row.version)
        yield Change(row.position, row.stream, row.version, event, row.at)


def records(changes: Iterable[Change], ends: Container[int]) -> Iterator[list[Change]]:
    """The changes by the command that recorded them. `ends`: the last position of each."""
    record: list[Change] = []
    for change in changes:
        record.append(change)
        if change.position in ends:
            yield record
            record = []
    if record:
        yield record


class Book:
    """Takes every record in order and says which promise it breaks.

    What overlaps is looked at when all of a record is taken: at once it lets go of one and gives to another.
    """

    def __init__(self) -> None:
        self._openings: dict[UUID, Opening] = {}
        self._calendar_of: dict[UUID, UUID] = {}
        self._inactive: set[UUID] = set()
        self._terms: dict[UUID, dict[str, Any]] = {}
        self._withdrawn: set[UUID] = set()
        self._days: dict[UUID, tuple[UUID, date]] = {}
        self._seats: dict[UUID, dict[UUID, Placed]] = defaultdict(dict)  # by Day's stream, then taker
        self._rows: dict[UUID, Agenda] = {}
        self._placed: dict[UUID, dict[UUID, Placed]] = defaultdict(dict)  # by provider, then taker
        self._holds: dict[UUID, tuple[UUID, str]] = {}  # provider and status
        self._confirmed: dict[UUID, Agenda] = {}  # of appointments whose customers ask for another time
        self._asked_for: dict[UUID, Placed] = {}

    def take(self, record: Iterable[Change]) -> Iterator[str]:
        """What this record breaks, in sentences; then it is taken."""
        record = list(record)
        for change in record:
            yield from self._take(change)
        for change in record:
            yield from self._overlaps(change)

    def _take(self, change: Change) -> Iterator[str]:  # noqa: C901  one `match` over the events
        match change.event:
            case Appointment.Event():
                yield from self._appointment(change)
            case Hold.Event():
                yield from self._hold(change)
            case Day.Opened() as it:
                self._days[change.stream] = it.calendar_id, date.fromisoformat(it.date)
            case Day.Event():
                yield from self._day(change)
            case Schedule.Event() as it:
                self._schedule(change.stream, it)
            case Service.Offered() | Service.Changed() as it:
                self._terms[change.stream] = it.terms
            case Service.Withdrawn() | Service.Paused():
                self._withdrawn.add(change.stream)
            case Service.Resumed():
                self._withdrawn.discard(change.stream)
            case Provider.Deactivated() | Provider.Paused():
                self._inactive.add(change.stream)
            case Provider.Resumed():
                self._inactive.discard(change.stream)
            case _:
                pass

    def at_the_end(self) -> Iterator[str]:
        """Where Days and appointments do not agree."""
        streams = {place: stream for stream, place in self._days.items()}
        due: set[tuple[UUID | None, Placed]] = {
            (streams.get((provider, day)), each.bare)
            for provider, placed in self._placed.items()
            for each in placed.values()
            for day in _dates(each)
        }
        there: set[tuple[UUID | None, Placed]] = {(stream, seat.bare) for stream, seat in self.seats_by_day()}
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
        it, seats = change.event, self._seats[change.stream]
        match it:
            case Day.Released():
                del seats[it.taker]
            case Day.Extended():
                seats[it.taker] = seats[it.taker]._replace(expires_at=it.expires_at)
            case _:
                until = it.expires_at if isinstance(it, Day.Held) else None
                seat = Placed(it.taker, it.service_id, it.starts_at, it.since, it.until, it.lane, expires_at=until)
                known = seats.get(it.taker)
                kept = known is not None and known._replace(expires_at=None) == seat
                if not kept and not 0 <= seat.lane < self._terms[it.service_id]["capacity"]:
                    yield f"{change.position}: there is no such seat: {seat}"
                seats[it.taker] = seat

    def _overlaps(self, change: Change) -> Iterator[str]:
        """Who has what another has, after the record; time alone frees nothing until it is recorded."""
        it = change.event
        if isinstance(it, Day.Reserved | Day.Held) and it.taker in self._seats[change.stream]:
            seat, calendar = self._seats[change.stream][it.taker], self._days[change.stream][0]
            others = {other for of, other in self.seats() if of == calendar and other.taker != seat.taker}
            for other in others:
                if seat.overlaps(other) and (seat.session != other.session or seat.lane == other.lane):
                    yield f"{change.position}: the Days of {calendar} give {seat} what {other} has"
        taking = Appointment.Booked | Appointment.Requested | Appointment.Rescheduled | Appointment.MoveRequested
        if isinstance(it, taking | Hold.Placed):
            theirs = self._placed[it.provider_id]
            asked = move_taker(change.stream) if isinstance(it, Appointment.MoveRequested) else change.stream
            if (place := theirs.get(asked)) is None:
                return
            for other in theirs.values():
                if place.session != other.session and place.overlaps(other):
                    yield f"{change.position}: {place} is booked with {it.provider_id} over {other}"
            if sum(place.session == other.session for other in theirs.values()) > self._capacity(place):
                yield f"{change.position}: more than {self._capacity(place)} share a start: {place}"

    def _capacity(self, place: Placed) -> int:
        capacity: int = self._terms[place.service_id]["capacity"]
        return capacity

    def _appointment(self, change: Change) -> Iterator[str]:  # noqa: C901  one `match` over its events
        it, id = change.event, change.stream
        match it:
            case Appointment.Booked():
                row = Agenda(id, 1, "booked", it.service_id, it.provider_id, it.customer_id, *_when(it))
                yield from self._place(change, row)
            case Appointment.Requested():
                row = Agenda(id, 1, "requested", it.service_id, it.provider_id, it.customer_id, *_when(it))
                yield from self._place(change, row)
            case Appointment.Rescheduled():
                old = self._rows[id]
                del self._placed[old.provider_id][id]
                who = it.provider_id, old.customer_id
                row = Agenda(id, change.version, old.status, old.service_id, *who, *_when(it))
                yield from self._place(change, row)
            case Appointment.MoveRequested():
                yield from self._asked(change)
            case Appointment.MoveDeclined() | Appointment.MoveExpired():
                asked = self._placed[self._rows[id].provider_id].pop(move_taker(id), None)
                if isinstance(it, Appointment.MoveExpired) and asked is not None:
                    yield from _too_soon(change, asked.expires_at)
                self._rows[id] = self._confirmed.pop(id)._replace(version=change.version)
            case Appointment.Confirmed() if id in self._confirmed:
                self._settled(change)
            case Appointment.Cancelled() | Appointment.Declined() | Appointment.Expired():
                row = self._rows[id]
                self._placed[row.provider_id].pop(move_taker(id), None)
                place = self._placed[self._confirmed.pop(id, row).provider_id].pop(id)
                self._rows[id] = row._replace(status=type(it).__name__.lower(), version=change.version)
                if isinstance(it, Appointment.Expired):
                    yield from _too_soon(change, place.expires_at)
            case _:
                row = self._rows[id]
                self._rows[id] = row._replace(status=MARKS.get(type(it), row.status), version=change.version)
                if isinstance(it, Appointment.Confirmed):
                    theirs = self._placed[row.provider_id]
                    yield from _too_late(change, theirs[id].expires_at)
                    theirs[id] = theirs[id]._replace(expires_at=None)

    def _asked(self, change: Change) -> Iterator[str]:
        """Another time is asked for: of it, the appointment has what its own does not cover already."""
        it, id = change.event, change.stream
        old = self._confirmed[id] = self._rows[id]
        who = it.provider_id, old.customer_id
        row = self._rows[id] = Agenda(id, change.version, "requested", old.service_id, *who, *_when(it))
        own, wanted = self._placed[old.provider_id][id], _placed(move_taker(id), old.service_id, it)
        cover = [Interval(own.since, own.until)] if old.provider_id == it.provider_id else []
        for since, until in subtract([Interval(wanted.since, wanted.until)], cover):
            self._placed[it.provider_id][wanted.taker] = wanted._replace(since=since, until=until)
        self._asked_for[id] = wanted._replace(taker=id)
        why = self._why_not(row.service_id, row.provider_id, Interval(row.starts_at, row.ends_at), it)
        yield from (f"{change.position}: {each}: {row}" for each in why)

    def _settled(self, change: Change) -> None:
        id = change.stream
        row = self._rows[id] = self._rows[id]._replace(status="booked", version=change.version)
        self._placed[row.provider_id].pop(move_taker(id), None)
        del self._placed[self._confirmed.pop(id).provider_id][id]
        self._placed[row.provider_id][id] = self._asked_for.pop(id)._replace(expires_at=None)

    def _hold(self, change: Change) -> Iterator[str]:
        it, id = change.event, change.stream
        if isinstance(it, Hold.Placed):
            self._holds[id] = it.provider_id, "held"
            self._placed[it.provider_id][id] = _placed(id, it.service_id, it)
            ends_at = it.starts_at + timedelta(minutes=it.duration)
            why = self._why_not(it.service_id, it.provider_id, Interval(it.starts_at, ends_at), it)
            yield from (f"{change.position}: {each}: hold {id}" for each in why)
            return
        provider, status = self._holds[id]
        if status != "held":
            yield f"{change.position}: the hold {id} is {status} already"
            return
        theirs = self._placed[provider]
        if isinstance(it, Hold.Extended):
            yield from _too_late(change, theirs[id].expires_at)
            theirs[id] = theirs[id]._replace(expires_at=it.expires_at)
            return
        place = theirs.pop(id)
        self._holds[id] = provider, type(it).__name__.lower()
        if isinstance(it, Hold.Expired):
            yield from _too_soon(change, place.expires_at)
        if isinstance(it, Hold.Used):
            yield from _too_late(change, place.expires_at)
            if it.appointment_id not in self._rows:
                yield f"{change.position}: the hold {id} is used for no appointment"

    def _place(self, change: Change, row: Agenda) -> Iterator[str]:
        it = change.event
        self._placed[row.provider_id][row.id] = _placed(row.id, row.service_id, it)
        self._rows[row.id] = row
        why = self._why_not(row.service_id, row.provider_id, Interval(row.starts_at, row.ends_at), it)
        yield from (f"{change.position}: {each}: {row}" for each in why)

    def _why_not(self, service_id: UUID, provider_id: UUID, wanted: Interval, it: Any) -> Iterator[str]:
        """What the rules of this moment have against it."""
        terms, opening = self._terms[service_id], self._openings[provider_id]
        if not opening.allows(wanted, terms.get("hours")) and "hours" not in it.placement["overridden"]:
            yield "booked outside the hours"
        if service_id in self._withdrawn or provider_id in self._inactive:
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


def _placed(taker: UUID, service_id: UUID, it: Any) -> Placed:
    until = it.starts_at + timedelta(minutes=it.duration + it.buffer_after)
    since = it.starts_at - timedelta(minutes=it.buffer_before)
    return Placed(taker, service_id, it.starts_at, since, until, expires_at=getattr(it, "expires_at", None))


def _too_soon(change: Change, expires_at: datetime | None) -> Iterator[str]:
    if expires_at is None or change.at < expires_at - SKEW:
        yield f"{change.position}: over before its time: {change.stream} is kept until {expires_at}"


def _too_late(change: Change, expires_at: datetime | None) -> Iterator[str]:
    if expires_at is None or change.event.timestamp >= expires_at + SKEW:
        yield f"{change.position}: decided after its time: {change.stream} was kept until {expires_at}"


def _when(
    it: Appointment.Booked | Appointment.Requested | Appointment.Rescheduled | Appointment.MoveRequested,
) -> tuple[datetime, datetime, int, str]:
    return it.starts_at, it.starts_at + timedelta(minutes=it.duration), it.price, it.currency


def _dates(placed: Placed) -> Iterator[date]:
    day = placed.since.date()
    while datetime(day.year, day.month, day.day, tzinfo=placed.since.tzinfo) < placed.until:
        yield day
        day += timedelta(days=1)


def _windows(pairs: Iterable[Iterable[int]]) -> tuple[OpeningWindow, ...]:
    return tuple(OpeningWindow(*pair) for pair in pairs)
