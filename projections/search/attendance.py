"""How often has a customer not come, or cancelled too late?"""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select

from domain.booking.appointment_status import AppointmentStatus
from projections.query.ownership import Owner
from projections.query.paging import narrowed
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
    counts: Select[Any] = select(func.count().filter(missed), func.count().filter(late))
    query = narrowed(counts.where(_a.customer_id == customer_id), (owner, ownership.shows))
    return Attendance(*(await read.connection.execute(query)).one())
