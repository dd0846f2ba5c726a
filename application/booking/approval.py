"""Confirm, decline and expire requests for appointments."""

from dataclasses import dataclass
from datetime import datetime

from application.access import demand_system
from application.booking.appointment import MarkAppointment, mine
from application.booking.reservation import give_up, places_of, settle
from application.event_log import EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.origin import ReasonCode
from domain.people.customer import Customer


@dataclass(frozen=True, kw_only=True)
class DeclineAppointment(MarkAppointment):
    """Decline a request."""

    reason: str | None = None
    reason_code: ReasonCode | None = None


@command
async def confirm_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Accept the request; already booked is not an error."""
    appointment, _ = await mine(cmd, "confirm_appointment", log)
    before = places_of(appointment)
    appointment.confirm(cmd.by.account, now)
    await log.record(appointment, *(await settle(before, appointment, log, now) if appointment.pending_events else ()))
    return appointment


@command
async def decline_appointment(cmd: DeclineAppointment, log: EventLog, now: datetime) -> Appointment:
    """Decline the request and release its time. An appointment that was to be moved stays."""
    appointment, _ = await mine(cmd, "decline_appointment", log)
    if cmd.reason:
        await log.find(Customer, appointment.customer_id)  # fails the attempt if the customer is erased meanwhile
    before = places_of(appointment)
    appointment.decline(cmd.by.account, Reason(cmd.reason or "", cmd.reason_code), now)
    await log.record(appointment, *await give_up(before, appointment, log, now))
    return appointment


@command
async def expire_request(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Expire a request that was not answered in time; does nothing otherwise."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    before = places_of(appointment)
    appointment.expire(now)
    await log.record(appointment, *await give_up(before, appointment, log, now))
    return appointment
