"""The whole life of an appointment of the past as one command, so that nobody finds it half told.

Told event by event, a booking of last spring would be overdue until its next event: workers would complete it, and tell
its customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from application.booking.appointment import BookAppointment, booked
from application.booking.ports import BookingQueries
from application.booking.provider_selection import ProviderSelection
from application.booking.reservation import Reservation, ReservationRequest, take
from application.event_log import EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.calendar_day import Day
from domain.booking.origin import Party
from domain.booking.placement import Move
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate


class Deed(Enum):
    """What happens to an appointment."""

    MOVE = auto()
    CANCEL = auto()
    CHECK_IN = auto()
    COMPLETE = auto()
    MISS = auto()


class Step(NamedTuple):
    """`by_customer`: else by staff. `start`: of a move, to another day; `reason`: of a cancellation."""

    at: datetime
    deed: Deed
    by_customer: bool = False
    start: datetime | None = None
    reason: Reason = Reason()


@dataclass(frozen=True, kw_only=True)
class LiveThrough(BookAppointment):
    """A booking and all that follows, in the order of its time. `staff`: the account of who acts for the provider."""

    staff: UUID
    steps: Sequence[Step]


@command
async def live_through(cmd: LiveThrough, log: EventLog, now: datetime, queries: BookingQueries) -> Appointment:
    """Book at `now`, as anybody would, then take each step at its own time, by the rules of the domain."""
    appointment, days = await booked(cmd, "book_appointment", log, now, queries)
    for step in cmd.steps:
        days = [*days, *await _taken(step, appointment, days, cmd, log)]
    await log.record(appointment, *days)
    return appointment


async def _taken(
    step: Step, appointment: Appointment, days: Sequence[Aggregate], cmd: LiveThrough, log: EventLog
) -> Sequence[Aggregate]:
    """Take a step. Returns the Days of a new place."""
    by = appointment.customer_id if step.by_customer else cmd.staff
    match step.deed:
        case Deed.CHECK_IN:
            appointment.check_in(by, step.at)
        case Deed.COMPLETE:
            appointment.complete(by, step.at)
        case Deed.MISS:
            appointment.miss(by, step.at)
        case Deed.CANCEL:
            party = Party.CUSTOMER if step.by_customer else Party.STAFF
            appointment.cancel(by, step.reason, party, step.at)
            _release(appointment, days, step.at)
        case Deed.MOVE:
            return await _moved(step, appointment, days, cmd, log)
    return ()


async def _moved(
    step: Step, appointment: Appointment, days: Sequence[Aggregate], cmd: LiveThrough, log: EventLog
) -> Sequence[Aggregate]:
    assert step.start is not None
    service = await log.load(Service, appointment.service_id)
    choice = ProviderSelection(appointment.customer_id, service, await log.load(Provider, appointment.provider_id))
    move = Move(await choice.placement(step.start, log), choice.origin(cmd))
    by = appointment.customer_id if step.by_customer else cmd.staff
    appointment.reschedule(by, move, choice.terms(), by_customer=step.by_customer, now=step.at)
    _release(appointment, days, step.at)
    request = ReservationRequest(Reservation.of(appointment), choice.service, choice.provider)
    return await take(request, log, step.at)


def _release(appointment: Appointment, days: Sequence[Aggregate], at: datetime) -> None:
    for day in days:
        if isinstance(day, Day):
            day.release(appointment.id, at)
