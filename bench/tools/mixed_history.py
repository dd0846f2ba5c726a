"""A log of all that bookings bring along: customers, notes, holds, moves, reasons and cancellations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from bench.tools import history
from bench.tools.place import Database
from bench.tools.taking import BOOKED_TERMS, a_day, an_appointment, dates
from bench.tools.town import MIX, Shop
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.appointment_text import note_of
from domain.booking.calendar_day import Day, Seat
from domain.booking.hold import Hold
from domain.booking.move import Move
from domain.booking.origin import Party
from domain.booking.placement import Booking
from domain.kernel import new_id
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from infrastructure.event_log.journal import LogEntry

OPENING = date(2036, 1, 7)  # moves and cancellations by customers come before the start
PEOPLE = 16  # of a shop: each books once a day
DAYS = 60  # of each shop
A_DAY = 1 + PEOPLE * 2 + 4 * 4 + 4 * 3 + 3 * 2
"""Events: the Day's own, bookings, holds that are used, moves and cancellations."""
PER_SHOP = 4 + PEOPLE + DAYS * A_DAY


def write(database: Database, events: int) -> None:
    """Append at least so many events."""
    shops = max(1, -(-events // PER_SHOP))
    history.append(database, shops * (1 + PEOPLE), _history)


@dataclass(frozen=True)
class _Diary:
    """What becomes of the bookings of a shop. `keys`: of the persons that the events tell of."""

    shop: Shop
    people: Sequence[UUID]
    keys: Mapping[UUID, bytes]
    now: datetime

    def told(self, on: date) -> Iterator[LogEntry]:
        """A quarter is held first, a quarter is moved, and three of sixteen are cancelled."""
        day = a_day(self.shop.provider_id, on, self.now)
        for number, person in enumerate(self.people):
            appointment = self._booking(on, number, person)
            if number % 4 == 0:
                yield self._held(day, appointment)
            else:
                day.give(_seat(appointment), self.now)
                yield self._entry(appointment, day)
            if number % 4 == 1:
                yield self._moved(day, appointment)
            elif number % 4 == 2 and number < 12:
                yield self._cancelled(day, appointment)

    def _booking(self, on: date, number: int, person: UUID) -> Appointment:
        note = note_of(person, MIX["note"], MIX["answers"])
        return an_appointment(person, self.shop.provider_id, self.shop.services[0], on, number, self.now, note)

    def _held(self, day: Day, appointment: Appointment) -> LogEntry:
        """Placed and used in one entry: who reads them is asked the same."""
        id, until, person = new_id(), self.now + timedelta(minutes=10), appointment.customer_id
        hold = Hold.place(id, Booking(person, appointment.service_id, person, appointment.placement), until, self.now)
        day.give(_seat(appointment)._replace(taker=id, expires_at=until), self.now)
        hold.use(person, appointment.id, self.now)
        day.release(id, self.now)
        day.give(_seat(appointment), self.now)
        return self._entry(appointment, hold, day)

    def _moved(self, day: Day, appointment: Appointment) -> LogEntry:
        """To the evening of the same day."""
        place = appointment.placement._replace(starts_at=appointment.starts_at + timedelta(hours=8))
        move = Move(place, reason="My train is late.")
        appointment.reschedule(appointment.customer_id, move, BOOKED_TERMS, by_customer=True, now=self.now)
        day.release(appointment.id, self.now)
        day.give(_seat(appointment), self.now)
        return self._entry(appointment, day)

    def _cancelled(self, day: Day, appointment: Appointment) -> LogEntry:
        reason = Reason("I have caught a cold.")
        appointment.cancel(appointment.customer_id, reason, Party.CUSTOMER, self.now)
        day.release(appointment.id, self.now)
        return self._entry(appointment, day)

    def _entry(self, *aggregates: Appointment | Day | Hold) -> LogEntry:
        return history.entry(*aggregates, keys=self.keys)


def _seat(appointment: Appointment) -> Seat:
    of = appointment
    return Seat(of.id, of.service_id, of.starts_at, of.since, of.until)


def _history(ids: Sequence[UUID], keys: Mapping[UUID, bytes], now: datetime) -> Iterator[LogEntry]:
    """Day by day, and on each from shop to shop, as it would have come about."""
    diaries: list[_Diary] = []
    for n in range(0, len(ids), 1 + PEOPLE):
        owner, *people = ids[n : n + 1 + PEOPLE]
        opened = history.open_shop(owner, now)
        yield history.entry(*opened, keys=keys)
        for number, person in enumerate(people):
            yield history.entry(_customer(person, number, now), keys=keys)
        diaries.append(_Diary(Shop(opened[0].id, [opened[2].id]), people, keys, now))
    for day in dates(DAYS, OPENING):
        for diary in diaries:
            yield from diary.told(day)


def _customer(id: UUID, number: int, now: datetime) -> Customer:
    details = {"name": f"Grace {number:02}", "email": f"grace{number:02}@example.com", "phone": None, "timezone": None}
    return Customer(id=id, by=id, details=PersonalData(id, {**details, "note": ""}), timestamp=now)
