"""Take a place on the Days, for whoever needs one: an appointment, a hold. What is over makes room."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from application.booking.refusals import refusal
from application.event_log import EventLog
from application.scheduling.opening_hours import hours
from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day, Seat, days_touched, lapsed, reserve, taken
from domain.booking.hold import Hold
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate
from domain.scheduling.availability import Occupied, Rule, why_not
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours


class Reservation(NamedTuple):
    """What a taker occupies of a calendar, buffers included, around a start."""

    taker: UUID
    calendar_id: UUID
    starts_at: datetime
    since: datetime
    until: datetime

    @classmethod
    def of(cls, taker: Appointment | Hold) -> Self:
        return cls(taker.id, taker.provider_id, taker.starts_at, taker.since, taker.until)

    @property
    def days(self) -> dict[UUID, str]:
        """The Days it touches: id -> date."""
        touched = days_touched(self.since, self.until)
        return {Day.id_of(self.calendar_id, day): day.isoformat() for day in touched}


async def take(
    place: Reservation,
    service: Service,
    provider: Provider,
    log: EventLog,
    now: datetime,
    *,
    until: datetime | None = None,
    instead: Reservation | None = None,
    asked_at: datetime | None = None,
) -> Sequence[Aggregate]:
    """Occupy the place if it is offered and free; all that is to be recorded with the taker, in this order.

    `until`: for so long only. `instead`: what the taker gives back for it. `asked_at`: when notice and
    window are judged. Raises refusals of `application.booking.refusals`.
    """
    places = [instead, place] if instead is not None else [place]
    days = await days_of(places, log, now)
    if instead is not None:
        for day in days:
            day.release(instead.taker, now)
    theirs = [day for day in days if day.id in place.days]
    _check_offered(service, await hours(service, provider, log), theirs, place, now, asked_at or now)
    gone = await _make_room(days, theirs, place, log, now)
    seat = Seat(place.taker, service.id, place.starts_at, place.since, place.until, 0, until)
    reserve(theirs, seat, service.terms["capacity"], now)
    # Who reads the record half sees what was there go before what comes: it comes on the first of its Days.
    first = next(iter(place.days))
    return [*gone, *sorted(days, key=lambda day: day.id == first)]


async def days_of(places: Iterable[Reservation], log: EventLog, now: datetime) -> Sequence[Day]:
    """Own copies of the Days that the places touch, new ones where there is none yet."""
    wanted = {id: (place.calendar_id, date) for place in places for id, date in place.days.items()}
    found = await log.edit_all(Day, wanted)
    return [
        day or Day(id=id, calendar_id=calendar_id, date=date, timestamp=now)
        for (id, (calendar_id, date)), day in zip(wanted.items(), found, strict=True)
    ]


async def release(taker: Appointment | Hold, log: EventLog, now: datetime) -> Sequence[Day]:
    """The taker's place is free again; its Days, to be recorded."""
    days = await days_of([Reservation.of(taker)], log, now)
    for day in days:
        day.release(taker.id, now)
    return [day for day in days if day.pending_events and day.version > 1]


def occupied(days: Iterable[Day], stretch: Interval, now: datetime) -> list[Occupied]:
    """What stands in the way of a stretch, for the rules."""
    return [Occupied(s.since, s.until, s.service_id, s.starts_at, s.taker) for s in taken(days, *stretch, now)]


def _check_offered(
    service: Service,
    opening: OpeningHours,
    days: Sequence[Day],
    place: Reservation,
    now: datetime,
    asked_at: datetime,
) -> None:
    there = occupied(days, Interval(place.since, place.until), now)
    rule = why_not(service.offer(), opening, there, place.starts_at, asked_at)
    if rule is None and place.starts_at < now:
        rule = Rule.PAST
    if rule is not None:
        raise refusal(rule)


async def _make_room(
    days: Sequence[Day], theirs: Sequence[Day], place: Reservation, log: EventLog, now: datetime
) -> Sequence[Aggregate]:
    """What is over and in the place's way goes from all its Days, and its takers end, in the same record.

    They are not kept from other writers: who extends or books has its own stream first, and only then Days.
    """
    over = lapsed(theirs, place.since, place.until, now)
    if not over:
        return ()
    reach = [Reservation(s.taker, place.calendar_id, s.starts_at, s.since, s.until) for s in over]
    further = {id for each in reach for id in each.days} - {day.id for day in days}
    others = [day.own_copy() for day in await log.find_all(Day, sorted(further)) if day is not None]
    takers = [each.own_copy() for each in await log.find_all(Aggregate, [s.taker for s in over]) if each]
    for seat in over:
        for day in (*days, *others):
            day.release(seat.taker, now)
    for each in takers:
        assert isinstance(each, Hold | Appointment)
        each.expire(now)
    return [*takers, *others]
