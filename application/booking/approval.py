"""What becomes of a request; and what time alone makes of an appointment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.access import demand_system
from application.booking.appointment import MarkAppointment, mine
from application.booking.reservation import Reservation, days_of, release
from application.event_log import EventLog, command
from domain.booking.appointment import Appointment, AppointmentStatus
from domain.booking.calendar_day import Day
from domain.catalog.service import DEFAULTS
from domain.people.customer import Customer


@dataclass(frozen=True, kw_only=True)
class DeclineAppointment(MarkAppointment):
    """Refuse a request."""

    reason: str | None = None


@command
async def confirm_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Book what was asked for; booked already is not an error."""
    appointment, _ = await mine(cmd, "confirm_appointment", log)
    appointment.confirm(cmd.by.account, now)
    days = await days_of([Reservation.of(appointment)], log, now) if appointment.pending_events else ()
    for day in days:
        day.confirm(appointment.id, now)
    await log.record(appointment, *days)
    return appointment


@command
async def decline_appointment(cmd: DeclineAppointment, log: EventLog, now: datetime) -> Appointment:
    """Refuse what was asked for; its time is free again."""
    appointment, _ = await mine(cmd, "decline_appointment", log)
    if cmd.reason:
        await log.find(Customer, appointment.customer_id)  # whoever is forgotten meanwhile, see there
    appointment.decline(cmd.by.account, cmd.reason or "", now)
    await log.record(appointment, *await _freed(appointment, log, now))
    return appointment


@command
async def expire_request(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Record that nobody answered in time; nothing happens unless that is so."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    appointment.expire(now)
    await log.record(appointment, *await _freed(appointment, log, now))
    return appointment


@command
async def close_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """It counts as completed some time after its end; nothing happens if it has ended."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    minutes = appointment.policy.get("complete_after", DEFAULTS["complete_after"])
    due = appointment.ends_at + timedelta(minutes=minutes)
    if appointment.status in {AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN} and due <= now:
        appointment.complete(cmd.by.account, now)
    await log.record(appointment)
    return appointment


async def _freed(appointment: Appointment, log: EventLog, now: datetime) -> Sequence[Day]:
    return await release(appointment, log, now) if appointment.pending_events else ()
