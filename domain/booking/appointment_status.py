"""The states of an appointment, and the refusals of what its state does not allow."""

from datetime import timedelta
from enum import StrEnum

from domain.errors import Conflict, Gone


class AppointmentEnded(Conflict):
    """This appointment has ended and can't be changed."""


class TooLateToCancel(Conflict):
    """It is too late to cancel."""


class TooLateToReschedule(Conflict):
    """It is too late to reschedule."""


class AppointmentStarted(Conflict):
    """This appointment has started. Only the provider's staff can change it now."""


class TooManyReschedules(Conflict):
    """This appointment can't be moved any more."""


class TooEarly(Conflict):
    """This can only be recorded later."""


class RequestPending(Conflict):
    """This appointment is waiting for approval."""


class NotRequested(Conflict):
    """This appointment is not waiting for approval."""


class NotANoShow(Conflict):
    """This appointment is not marked as a no-show."""


class RequestExpired(Gone):
    """This request was not answered in time."""


class AppointmentStatus(StrEnum):
    REQUESTED = "requested"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"


NEVER = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.DECLINED, AppointmentStatus.EXPIRED})
"""The appointment occupies no time: the calendar is free of it."""
ENDED = NEVER | {AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW}
UNDO_NO_SHOW = timedelta(hours=24)


class WithStatus:
    """The guards of an appointment's commands that look at its status alone."""

    status: AppointmentStatus

    def _check_alive(self) -> None:
        if self.status in ENDED:
            raise AppointmentEnded(f"Its status is `{self.status}`.", appointment_status=str(self.status))

    def _check_booked(self) -> None:
        self._check_alive()
        if self.status is AppointmentStatus.REQUESTED:
            raise RequestPending
