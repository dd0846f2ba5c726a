"""Figures counted from the events alone, minute by minute and person by person, without the code under test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.booking.appointment import Appointment
from domain.booking.hold import Hold
from domain.booking.waitlist import Waiting
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.people.customer import Customer
from domain.scheduling.schedule import Schedule

STATUS: Mapping[type, str] = {
    Appointment.Confirmed: "booked",
    Appointment.Declined: "declined",
    Appointment.Expired: "expired",
    Appointment.Cancelled: "cancelled",
    Appointment.CheckedIn: "checked_in",
    Appointment.Completed: "completed",
    Appointment.NoShow: "no_show",
    Appointment.NoShowUndone: "booked",
}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Told:
    """An appointment, told event by event."""

    id: UUID
    made: Any
    start: datetime
    end: datetime
    provider: UUID
    zone: str
    organization: UUID | None
    price: int
    currency: str
    status: str
    taken: datetime
    asked: Any = None
    transferred: Any = None
    answered: datetime | None = None
    checked_in: datetime | None = None
    cancelled: Any = None
    moves: list[bool] = field(default_factory=list)

    @property
    def day(self) -> date:
        return self.start.astimezone(ZoneInfo(self.zone)).date()

    @property
    def made_day(self) -> date:
        return self.made.timestamp.astimezone(ZoneInfo(self.made.timezone)).date()

    @property
    def due(self) -> bool:
        return self.status in {"booked", "checked_in", "completed", "no_show"} or self.late

    @property
    def late(self) -> bool:
        return self.status == "cancelled" and self.cancelled.late

    @property
    def visited(self) -> bool:
        return self.status in {"checked_in", "completed"}

    @property
    def place(self) -> UUID:
        return self.organization or self.provider


class Recount:
    """What the log says, up to its last event."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.events = events
        self.appointments: dict[UUID, Told] = {}
        self.same: dict[UUID, UUID] = {}
        for event in events:
            if isinstance(event, Appointment.Event):
                self._tell(event)
            elif isinstance(event, Customer.Claimed):
                self._are_one(event.originator_id, event.account_id)
            elif isinstance(event, Customer.Merged):
                self._are_one(event.originator_id, event.into)

    def _are_one(self, customer: UUID, person: UUID) -> None:
        self.same = {id: person if who == customer else who for id, who in self.same.items()} | {customer: person}

    def _tell(self, event: Any) -> None:
        id = event.originator_id
        if isinstance(event, Appointment.Booked | Appointment.Requested):
            status = "booked" if isinstance(event, Appointment.Booked) else "requested"
            end = event.starts_at + event.duration * MINUTE
            where = event.provider_id, event.timezone, event.organization_id
            terms = event.price, event.currency, status, event.timestamp
            self.appointments[id] = Told(id, event, event.starts_at, end, *where, *terms)
            return
        told = self.appointments[id]
        moved = told.asked if isinstance(event, Appointment.Confirmed) else event
        if isinstance(moved, Appointment.Rescheduled) or (isinstance(event, Appointment.Confirmed) and moved):
            self._stand(told, moved)
            return
        if isinstance(event, Appointment.Confirmed | Appointment.Declined):
            told.answered = event.timestamp
        if isinstance(event, Appointment.MoveRequested | Appointment.MoveDeclined | Appointment.MoveExpired):
            told.asked = event if isinstance(event, Appointment.MoveRequested) else None
        told.checked_in = event.timestamp if isinstance(event, Appointment.CheckedIn) else told.checked_in
        told.cancelled = event if isinstance(event, Appointment.Cancelled) else None
        if isinstance(event, Appointment.Transferred):
            told.organization, told.transferred = event.organization_id, told.asked
        told.status = STATUS.get(type(event), told.status)

    @staticmethod
    def _stand(told: Told, event: Any) -> None:
        told.start, told.end = event.starts_at, event.starts_at + event.duration * MINUTE
        told.provider, told.zone = event.provider_id, event.timezone
        told.organization = told.organization if told.transferred is event else event.organization_id
        told.price, told.currency, told.taken, told.asked = event.price, event.currency, event.timestamp, None
        told.moves.append(event.by_customer)
        told.status = "booked"

    def of(self, *types: type) -> Iterable[Any]:
        return (event for event in self.events if isinstance(event, types))

    def person(self, told: Told) -> UUID:
        customer: UUID = told.made.customer_id
        return self.same.get(customer, customer)

    def visits_before(self, told: Told) -> Sequence[Told]:
        """The person's earlier visits at the same place, by start."""
        theirs = [
            each
            for each in self.appointments.values()
            if each.visited and each.place == told.place and self.person(each) == self.person(told)
            and (each.start, each.id) < (told.start, told.id)
        ]  # fmt: skip
        return sorted(theirs, key=lambda each: (each.start, each.id))

    def rebooked(self, told: Told) -> bool:
        return any(
            other.id != told.id
            and other.place == told.place
            and self.person(other) == self.person(told)
            and told.start <= other.made.timestamp < told.end + 7 * DAY
            for other in self.appointments.values()
        )

    def recovered(self, told: Told) -> int:
        """Minutes of a cancelled appointment that others fill who came there later."""
        later = [
            other
            for other in self.appointments.values()
            if other.provider == told.provider and other.due and other.status != "cancelled"
            and other.taken > told.cancelled.timestamp
        ]  # fmt: skip
        return sum(any(other.start <= t < other.end for other in later) for t in _minutes(told.start, told.end))

    def open_time(self, provider: UUID, day: date) -> tuple[int, int, int]:
        """Open, booked, and booked open minutes of a local date with a plan."""
        zone = ZoneInfo(self._plan(provider, day).timezone)
        today = [t for t in _near(day) if t.astimezone(zone).date() == day]
        spans = [span for near in (day - DAY, day, day + DAY) for span in self._spans(provider, near, day)]
        off = self._off(provider)
        due = [each for each in self.appointments.values() if each.provider == provider and each.due]
        opened = {t for t in today if any(a <= t < b for a, b in spans) and not any(a <= t < b for a, b in off)}
        booked = {t for t in today if any(each.start <= t < each.end for each in due)}
        return len(opened), len(booked), len(opened & booked)

    def has_plan(self, provider: UUID, day: date) -> bool:
        return self._plan(provider, day) is not None

    def _plan(self, provider: UUID, day: date) -> Any:
        found = None
        for event in self.of(Schedule.Opened, Schedule.WeeklySet):
            zone = ZoneInfo(event.timezone)
            over = event.timestamp.astimezone(zone).date() > day
            if event.originator_id == Schedule.id_of(provider) and not over:
                found = event
        return found

    def _spans(self, provider: UUID, day: date, asked: date) -> Sequence[tuple[datetime, datetime]]:
        plan = self._plan(provider, min(day, asked))
        if plan is None:
            return []
        zone, windows = ZoneInfo(plan.timezone), (getattr(plan, "weekly", {}) or {}).get(str(day.weekday()), [])
        if day in self._holidays(provider, day, zone):
            windows = []
        overridden = self._override(provider, day)
        windows = windows if overridden is None else overridden
        return [(_wall(day, opens, zone), _wall(day, closes, zone)) for opens, closes in windows]

    def _override(self, provider: UUID, day: date) -> Any:
        found = None
        for event in self.of(Schedule.Overridden, Schedule.OverrideLifted):
            if event.originator_id == Schedule.id_of(provider) and event.date == day.isoformat():
                found = getattr(event, "hours", None)
        return found

    def _holidays(self, provider: UUID, day: date, zone: ZoneInfo) -> set[date]:
        employer = None
        for event in self.of(Provider.Joined, Provider.Changed):
            if event.originator_id == provider and event.timestamp.astimezone(zone).date() <= day:
                employer = event.profile["organization_id"]
        found: set[date] = set()
        for event in self.of(Organization.HolidaySet, Organization.HolidayLifted):
            if str(event.originator_id) == employer:
                of = {date.fromisoformat(event.date)}
                found = found | of if isinstance(event, Organization.HolidaySet) else found - of
        return found

    def _off(self, provider: UUID) -> Sequence[tuple[datetime, datetime]]:
        found: dict[UUID, tuple[datetime, datetime]] = {}
        for event in self.of(Schedule.TimeOffTaken, Schedule.TimeOffChanged, Schedule.TimeOffCancelled):
            if event.originator_id != Schedule.id_of(provider):
                continue
            if isinstance(event, Schedule.TimeOffCancelled):
                found.pop(event.time_off_id)
            else:
                found[event.time_off_id] = event.start, event.end
        return list(found.values())

    def capacity(self, service: UUID, start: datetime) -> int:
        terms = [e for e in self.of(Service.Offered, Service.Changed) if e.originator_id == service]
        before = [each for each in terms if each.timestamp <= start]
        found: int = (before[-1] if before else terms[0]).terms["capacity"]
        return found

    def holds(self) -> Mapping[UUID, tuple[Any, str]]:
        """The first event of each hold, and what became of it."""
        found: dict[UUID, tuple[Any, str]] = {}
        for event in self.of(Hold.Event):
            if isinstance(event, Hold.Placed):
                found[event.originator_id] = event, "held"
            elif not isinstance(event, Hold.Extended):
                found[event.originator_id] = found[event.originator_id][0], type(event).__name__.lower()
        return found

    def entries(self) -> Mapping[UUID, list[Any]]:
        """The events of each waitlist entry."""
        found: dict[UUID, list[Any]] = {}
        for event in self.of(Waiting.Event):
            found.setdefault(event.originator_id, []).append(event)
        return found


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def middle(values: Iterable[int]) -> float | None:
    found = list(values)
    return round(float(median(found)), 1) if found else None


def _minutes(start: datetime, end: datetime) -> Iterable[datetime]:
    return (start + n * MINUTE for n in range((end - start) // MINUTE))


def _near(day: date) -> Iterable[datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return _minutes(midnight - DAY, midnight + 2 * DAY)


def _wall(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The first minute at which the clock on the wall shows so many minutes of the day, or later."""
    wanted = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    nearby = _minutes(wanted - 30 * 60 * MINUTE, wanted + 30 * 60 * MINUTE)
    return next(t for t in nearby if t.astimezone(zone).replace(tzinfo=UTC) >= wanted)
