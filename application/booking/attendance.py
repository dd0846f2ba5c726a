"""Record what became of an appointment: check-in, completion, no-show."""

from datetime import datetime

from application.access import demand_system
from application.booking.appointment import MarkAppointment, mine
from application.event_log import EventLog, command
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.policy import complete_after


@command
async def check_in_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """The customer has arrived."""
    appointment, _ = await mine(cmd, "check_in_appointment", log)
    appointment.check_in(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def complete_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """The appointment took place."""
    appointment, _ = await mine(cmd, "complete_appointment", log)
    appointment.complete(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def mark_no_show(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """The customer did not come."""
    appointment, _ = await mine(cmd, "mark_no_show", log)
    appointment.miss(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def undo_no_show(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """The customer came after all."""
    appointment, _ = await mine(cmd, "undo_no_show", log)
    appointment.undo_no_show(cmd.by.account, now)
    await log.record(appointment)
    return appointment


@command
async def close_appointment(cmd: MarkAppointment, log: EventLog, now: datetime) -> Appointment:
    """Complete an appointment some time after its end; does nothing earlier, or if it has ended already."""
    demand_system(cmd.by)
    appointment = await log.edit(Appointment, cmd.appointment_id)
    due = appointment.ends_at + complete_after(appointment.policy)
    if appointment.status in {AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN} and due <= now:
        appointment.complete(cmd.by.account, now)
    await log.record(appointment)
    return appointment
