"""How often has a customer not come, or cancelled too late?"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from domain.booking.appointment_status import AppointmentStatus
from projections.query.ownership import Owner
from projections.query.snapshot import Snapshot
from projections.read_models.appointment import appointment, ownership

_a = appointment.c


class Attendance(NamedTuple):
    """Numbers of appointments."""

    no_shows: int
    late_cancellations: int


async def attendance_of(read: Snapshot, customer_id: UUID, *, owner: Owner | None = None) -> Attendance:
    """Of a customer, in the appointments of an owner alone or in all."""
    late = (_a.status == AppointmentStatus.CANCELLED.value) & _a.cancellation["late"].as_boolean()
    missed = _a.status == AppointmentStatus.NO_SHOW.value
    query = select(func.count().filter(missed), func.count().filter(late)).where(_a.customer_id == customer_id)
    if owner is not None:
        query = query.where(ownership.shows(owner))
    return Attendance(*(await read.connection.execute(query)).one())
