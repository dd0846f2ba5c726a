"""Attendance: what became of a booked appointment. The customer checked in, came, or did not come."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.booking.appointment_status import (
    UNDO_NO_SHOW,
    AppointmentEnded,
    AppointmentStatus,
    NotANoShow,
    TooEarly,
    WithStatus,
)
from domain.booking.placement import Placed


class Attended(WithStatus, Placed):
    """The commands of an appointment that record attendance."""

    CheckedIn: ClassVar[type[Any]]
    Completed: ClassVar[type[Any]]
    NoShow: ClassVar[type[Any]]
    NoShowUndone: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    missed_at: datetime | None

    def check_in(self, by: UUID, now: datetime) -> None:
        """The customer has arrived; already checked in is not an error."""
        if self.status is AppointmentStatus.CHECKED_IN:
            return
        self._check_booked()
        self.trigger_event(self.CheckedIn, by=by, timestamp=now)

    def complete(self, by: UUID, now: datetime) -> None:
        """The appointment took place. Raises TooEarly before its start; already completed is not an error."""
        if self.status is AppointmentStatus.COMPLETED:
            return
        self._check_booked()
        self._check_started(now)
        self.trigger_event(self.Completed, by=by, timestamp=now)

    def miss(self, by: UUID, now: datetime) -> None:
        """The customer did not come. Raises TooEarly before the start; already marked is not an error."""
        if self.status is AppointmentStatus.NO_SHOW:
            return
        self._check_booked()
        self._check_started(now)
        self.trigger_event(self.NoShow, by=by, timestamp=now)

    def undo_no_show(self, by: UUID, now: datetime) -> None:
        """The customer came after all. Possible within 24 hours of the mark. Raises NotANoShow, AppointmentEnded."""
        if self.status is not AppointmentStatus.NO_SHOW or self.missed_at is None:
            raise NotANoShow
        if now > self.missed_at + UNDO_NO_SHOW:
            raise AppointmentEnded("A no-show can be undone within 24 hours.")
        self.trigger_event(self.NoShowUndone, by=by, timestamp=now)

    def _check_started(self, now: datetime) -> None:
        if now < self.starts_at:
            raise TooEarly(f"The appointment starts at {self.starts_at:%Y-%m-%dT%H:%M:%SZ}.")
