"""Booking-shaped changes without HTTP: a seat on a Day and an appointment, two events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from secrets import token_bytes
from typing import cast
from uuid import UUID

from application.access import Caller, Role
from application.event_log import Command, EventLog, IdempotencyKey, command
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms
from domain.booking.calendar_day import Day
from domain.booking.placement import Booking, Placement
from domain.booking.policy import Policy
from domain.booking.seat import Seat
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import new_id
from domain.personal_data import PersonalData
from domain.scheduling.schedule import Schedule
from tests.support.builders import terms

SEATS = 24  # of a Day, before the next is taken
_TERMS = terms()
_POLICY = cast(
    "Policy",
    {
        name: _TERMS[name]
        for name in ("cancel_notice", "reschedule_notice", "max_reschedules", "late_cancel", "late_fee")
    },
)


BOOKED_TERMS = BookedTerms(2500, "EUR", _POLICY)


@dataclass(frozen=True, kw_only=True)
class Take(Command):
    """Take the seat with this number of a Day."""

    provider_id: UUID
    service_id: UUID
    day: date
    number: int


def a_take(provider_id: UUID, service_id: UUID, day: date, number: int) -> Take:
    """By a new customer, under a new key."""
    by = Caller(new_id(), Role.CUSTOMER)
    key = IdempotencyKey(token_bytes(32), token_bytes(32))
    correlation = token_bytes(16).hex()
    return Take(
        by=by,
        key=key,
        correlation=correlation,
        provider_id=provider_id,
        service_id=service_id,
        day=day,
        number=number,
    )


@command
async def take(cmd: Take, log: EventLog, now: datetime) -> Appointment:
    """Two events, decided on three more streams; no rule but the log's own is asked."""
    await log.load(Service, cmd.service_id)
    await log.load(Provider, cmd.provider_id)
    await log.load(Schedule, Schedule.id_of(cmd.provider_id))
    (day,) = await log.edit_all(Day, [Day.id_of(cmd.provider_id, cmd.day)])
    assert day is not None
    appointment = an_appointment(cmd.by.account, cmd.provider_id, cmd.service_id, cmd.day, cmd.number, now)
    seat(day, appointment, now)
    await log.record(appointment, day)
    return appointment


def an_appointment(
    customer_id: UUID,
    provider_id: UUID,
    service_id: UUID,
    day: date,
    number: int,
    now: datetime,
    told: PersonalData | None = None,
) -> Appointment:
    """Of half an hour, the `number`-th of a day."""
    midnight = datetime.combine(day, time(), UTC)
    start = midnight + timedelta(minutes=30 * number)
    booking = Booking(customer_id, service_id, customer_id, Placement(provider_id, start, 30, 0, 0, "UTC"))
    return Appointment.book(new_id(), booking, BOOKED_TERMS, told, now)


def seat(day: Day, appointment: Appointment, now: datetime) -> None:
    """The appointment's time on its Day."""
    of = appointment
    day.give(Seat(of.id, of.service_id, of.starts_at, of.since, of.until), now)


def a_day(provider_id: UUID, day: date, now: datetime) -> Day:
    """Nobody is on it yet."""
    return Day(id=Day.id_of(provider_id, day), calendar_id=provider_id, date=day.isoformat(), timestamp=now)


def dates(count: int, since: date = date(2030, 1, 1)) -> Sequence[date]:
    return [since + timedelta(days=n) for n in range(count)]
