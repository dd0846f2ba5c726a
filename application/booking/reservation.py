"""Reservations: an appointment or a hold occupies the Days of a calendar; expired seats make room."""

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
    """The time of a calendar that a taker occupies, buffers included, around its start."""

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
        """The Days that it touches: id -> date."""
        touched = days_touched(self.since, self.until)
        return {Day.id_of(self.calendar_id, day): day.isoformat() for day in touched}


class ReservationRequest(NamedTuple):
    """A wish to occupy the place. `until`: for a limited time; `instead`: the place that the taker gives up for it.

    `asked_at`: the time at which notice and booking window are judged; None: now.
    """

    place: Reservation
    service: Service
    provider: Provider
    until: datetime | None = None
    instead: Reservation | None = None
    asked_at: datetime | None = None

    def seat(self) -> Seat:
        place = self.place
        return Seat(place.taker, self.service.id, place.starts_at, place.since, place.until, 0, self.until)


async def take(request: ReservationRequest, log: EventLog, now: datetime) -> Sequence[Aggregate]:
    """Occupy the place if it is offered and free. Returns the aggregates to record with the taker, in this order.

    Raises the refusals of `application.booking.refusals`.
    """
    place, instead = request.place, request.instead
    days = await days_of([place] if instead is None else [instead, place], log, now)
    if instead is not None:
        for day in days:
            day.release(instead.taker, now)
    touched = [day for day in days if day.id in place.days]
    _check_offered(request, await hours(request.service, request.provider, log), touched, now)
    expired = await _make_room(days, touched, place, log, now)
    reserve(touched, request.seat(), request.service.terms["capacity"], now)
    # A reader that stops half-way must see the old seats go before the new one comes: the new one is recorded on the
    # first of its Days, which therefore stands last.
    first = next(iter(place.days))
    return [*expired, *sorted(days, key=lambda day: day.id == first)]


async def days_of(places: Iterable[Reservation], log: EventLog, now: datetime) -> Sequence[Day]:
    """Copies to change of the Days that the places touch; new Days where there is none yet."""
    wanted = {id: (place.calendar_id, date) for place in places for id, date in place.days.items()}
    found = await log.edit_all(Day, wanted)
    return [
        day or Day(id=id, calendar_id=calendar_id, date=date, timestamp=now)
        for (id, (calendar_id, date)), day in zip(wanted.items(), found, strict=True)
    ]


async def release(taker: Appointment | Hold, log: EventLog, now: datetime) -> Sequence[Day]:
    """Release the taker's seats. Returns the changed Days, to record."""
    days = await days_of([Reservation.of(taker)], log, now)
    for day in days:
        day.release(taker.id, now)
    return [day for day in days if day.pending_events and day.version > 1]


def occupied(days: Iterable[Day], stretch: Interval, now: datetime) -> list[Occupied]:
    """The occupied time that overlaps a stretch."""
    return [Occupied(s.since, s.until, s.service_id, s.starts_at, s.taker) for s in taken(days, *stretch, now)]


def _check_offered(request: ReservationRequest, opening: OpeningHours, days: Sequence[Day], now: datetime) -> None:
    place = request.place
    others = occupied(days, Interval(place.since, place.until), now)
    rule = why_not(request.service.slot_terms(), opening, others, place.starts_at, request.asked_at or now)
    if rule is None and place.starts_at < now:
        rule = Rule.PAST
    if rule is not None:
        raise refusal(rule, request.service.slot_terms())


async def _make_room(
    days: Sequence[Day], touched: Sequence[Day], place: Reservation, log: EventLog, now: datetime
) -> Sequence[Aggregate]:
    """Release the expired seats in the way of the place from all their Days, and expire their takers.

    The takers are not locked: a command that extends or books locks its own stream first, and the Days after it.
    """
    over = lapsed(touched, place.since, place.until, now)
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
