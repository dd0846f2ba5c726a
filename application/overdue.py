"""What becomes of an appointment of which nobody has said what became of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import SYSTEM, Caller
from application.log import Command, Log, command
from domain.appointment import Appointment, Status

_OPEN = frozenset({Status.BOOKED, Status.CHECKED_IN})


@dataclass(frozen=True, kw_only=True)
class CompleteOverdue(Command):
    """`starts_at`: when it began; one that was moved since is left alone. None: whenever."""

    by: Caller = SYSTEM
    appointment_id: UUID
    starts_at: datetime | None = None


@command
async def complete_overdue(cmd: CompleteOverdue, log: Log, now: datetime) -> Appointment:
    """It took place, unless it was ended or moved."""
    appointment = await log.edit(Appointment, cmd.appointment_id)
    if appointment.status in _OPEN and cmd.starts_at in {None, appointment.starts_at}:
        appointment.complete(cmd.by.account, now)
    await log.record(appointment)
    return appointment
