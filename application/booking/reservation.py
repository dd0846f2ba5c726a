"""Reservations: an appointment or a hold occupies the Days of a calendar; expired seats make room."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from application.booking.refusals import refusal
from application.event_log import EventLog
from application.scheduling.opening_hours import hours
from application.scheduling.start_look import occupied
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import NEVER
from domain.booking.calendar_day import Day, SlotTaken, days_touched, lapsed, reserve
from domain.booking.hold import Hold
from domain.booking.move import move_taker
from domain.booking.placement import Placement
from domain.booking.seat import Seat
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate
from domain.scheduling.availability import Rule, why_not
from domain.scheduling.interval import Interval, subtract
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
        """The taker's own place: of an appointment that asks to be moved, the one that is confirmed."""
        return cls.at(taker.id, taker.standing.placement if isinstance(taker, Appointment) else taker.placement)

    @classmethod
    def at(cls, taker: UUID, placement: Placement) -> Self:
        return cls(taker, placement.provider_id, placement.starts_at, *placement.stretch)

    def beside(self, own: "Reservation") -> "Reservation | None":
        """The part of the place that the taker's own one does not cover; None if it covers all of it.

        Raises SlotTaken for a place that begins before and ends after the taker's own one: it has two parts.
        """
        whole = Interval(self.since, self.until)
        same = own.calendar_id == self.calendar_id
        parts = subtract([whole], [Interval(own.since, own.until)]) if same else [whole]
        if len(parts) > 1:
            raise SlotTaken("The new time would begin before and end after the present one.")
        for since, until in parts:
            return self._replace(taker=move_taker(self.taker), since=since, until=until)
        return None

    @property
    def days(self) -> dict[UUID, str]:
        """The Days that it touches: id -> date."""
        touched = days_touched(self.since, self.until)
        return {Day.id_of(self.calendar_id, day): day.isoformat() for day in touched}


class ReservationRequest(NamedTuple):
    """A wish to occupy the place. `until`: for a limited time; `instead`: the place that the taker gives up for it.

    `beside`: the place that the taker keeps for now. `asked_at`: the time at which notice and booking window are
    judged; None: now. `aside`: the rules that do not count.
    """

    place: Reservation
    service: Service
    provider: Provider
    until: datetime | None = None
    instead: Reservation | None = None
    beside: Reservation | None = None
    asked_at: datetime | None = None
    aside: frozenset[Rule] = frozenset()

    def seat(self) -> Seat | None:
        """The seat to reserve; None if the taker has all of the place already."""
        place = self.place if self.beside is None else self.place.beside(self.beside)
        if place is None:
            return None
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
    if (seat := request.seat()) is not None:
        dates = {day.isoformat() for day in days_touched(seat.since, seat.until)}
        reserve([day for day in touched if day.date in dates], seat, request.service.terms["capacity"], now)
    return [*expired, *_in_order(days, place)]


def _in_order(days: Iterable[Day], place: Reservation) -> Sequence[Day]:
    """The changed Days, to record. A reader that stops half-way must see old seats go before the new one comes.

    The new seat is recorded on the first of its Days, which therefore stands last.
    """
    first = next(iter(place.days))
    return sorted(_changed(days), key=lambda day: day.id == first)


def _changed(days: Iterable[Day]) -> list[Day]:
    """Without new Days on which nothing happened."""
    return [day for day in days if day.pending_events and day.version > 1]


def places_of(appointment: Appointment) -> Sequence[Reservation]:
    """All that an appointment occupies: its own place, and the rest of the one that its customer asks for."""
    if appointment.status in NEVER:
        return []
    own = Reservation.of(appointment)
    asked = None if appointment.confirmed is None else Reservation.at(appointment.id, appointment.placement).beside(own)
    return [own] if asked is None else [own, asked]


async def give_up(
    before: Sequence[Reservation], appointment: Appointment, log: EventLog, now: datetime
) -> Sequence[Day]:
    """Release the places that the appointment had `before`, and has no longer. Returns the changed Days, to record."""
    gone = [place for place in before if place not in places_of(appointment)]
    days = await days_of(gone, log, now)
    for day in days:
        for place in gone:
            day.release(place.taker, now)
    return _changed(days)


async def settle(
    before: Sequence[Reservation], appointment: Appointment, log: EventLog, now: datetime
) -> Sequence[Day]:
    """Give a confirmed appointment its place for good, and release the others that it had `before`."""
    place = Reservation.of(appointment)
    days = await days_of([*before, place], log, now)
    if place in before:
        for day in days:
            day.confirm(appointment.id, now)
        return days
    asked = [day.seats[move_taker(place.taker)] for day in days if move_taker(place.taker) in day.seats]
    lane = asked[0].lane if asked else 0
    for day in days:
        for former in before:
            day.release(former.taker, now)
    seat = Seat(place.taker, appointment.service_id, place.starts_at, place.since, place.until, lane)
    for day in days:
        if day.id in place.days:
            day.give(seat, now)
    return _in_order(days, place)


async def days_of(places: Iterable[Reservation], log: EventLog, now: datetime) -> Sequence[Day]:
    """Copies to change of the Days that the places touch; new Days where there is none yet."""
    wanted = {id: (place.calendar_id, date) for place in places for id, date in place.days.items()}
    found = await log.edit_all(Day, wanted)
    return [
        day or Day(id=id, calendar_id=calendar_id, date=date, timestamp=now)
        for (id, (calendar_id, date)), day in zip(wanted.items(), found, strict=True)
    ]


async def release(hold: Hold, log: EventLog, now: datetime) -> Sequence[Day]:
    """Release the seats of a hold. Returns the changed Days, to record."""
    days = await days_of([Reservation.of(hold)], log, now)
    for day in days:
        day.release(hold.id, now)
    return _changed(days)


def _check_offered(request: ReservationRequest, opening: OpeningHours, days: Sequence[Day], now: datetime) -> None:
    place = request.place
    kept = request.beside.taker if request.beside else None
    others = occupied(days, Interval(place.since, place.until), now, but=kept)
    asked_at = request.asked_at or now
    rule = why_not(request.service.slot_terms(), opening, others, place.starts_at, asked_at, request.aside)
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
    ids = [id for seat in over for id in (seat.taker, move_taker(seat.taker))]
    takers = [each.own_copy() for each in await log.find_all(Aggregate, ids) if each]
    for seat in over:
        for day in (*days, *others):
            day.release(seat.taker, now)
    for each in takers:
        assert isinstance(each, Hold | Appointment)
        each.expire(now)
    return [*takers, *others]
