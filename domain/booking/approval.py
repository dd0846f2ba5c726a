"""Approval: the life of a request, which staff confirm or decline, or which expires unanswered.

A request is for a new appointment, or to move one that was confirmed before: then that one stays if nobody confirms.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.booking.appointment_fields import ConfirmedPlace, Reason
from domain.booking.appointment_status import AppointmentStatus, NotRequested, RequestExpired, WithStatus


class Approved(WithStatus):
    """The commands of an appointment that answer a request."""

    Confirmed: ClassVar[type[Any]]
    Declined: ClassVar[type[Any]]
    Expired: ClassVar[type[Any]]
    MoveDeclined: ClassVar[type[Any]]
    MoveExpired: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    customer_id: UUID
    expires_at: datetime | None
    confirmed: ConfirmedPlace | None

    def confirm(self, by: UUID, now: datetime) -> None:
        """Accept the request; already booked is not an error."""
        if self.status in {AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN}:
            return
        self._check_unanswered(now)
        self.trigger_event(self.Confirmed, by=by, timestamp=now)

    def decline(self, by: UUID, reason: Reason, now: datetime) -> None:
        """Decline the request; already declined is not an error."""
        if self.status is AppointmentStatus.DECLINED:
            return
        self._check_unanswered(now)
        why = {"by": by, **reason.fields(self.customer_id)}
        if self.confirmed is None:
            self.trigger_event(self.Declined, **why, timestamp=now)
        else:
            self.trigger_event(self.MoveDeclined, **why, **self.confirmed.fields(), timestamp=now)

    def expire(self, now: datetime) -> None:
        """Expire a request whose time is over; otherwise do nothing."""
        if self.status is not AppointmentStatus.REQUESTED or self.expires_at is None or now < self.expires_at:
            return
        if self.confirmed is None:
            self.trigger_event(self.Expired, timestamp=now)
        else:
            self.trigger_event(self.MoveExpired, **self.confirmed.fields(), timestamp=now)

    def _check_unanswered(self, now: datetime) -> None:
        if self.status is AppointmentStatus.EXPIRED or (self.expires_at is not None and self.expires_at <= now):
            raise RequestExpired
        self._check_alive()
        if self.status is not AppointmentStatus.REQUESTED:
            raise NotRequested(f"Its status is `{self.status}`.")
