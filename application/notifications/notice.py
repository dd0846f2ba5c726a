"""Notices: the kinds, the channels that send them, and whether a notice is still true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from application.jobs.job import Confirm
from application.notifications.appointment_details import AppointmentDetails
from application.notifications.recipient import Recipient
from domain.booking.appointment import Appointment


class NoticeKind(StrEnum):
    """APPROVE goes to the provider's owner, WEBHOOK_DISABLED to an account, every other kind to the customer."""

    REQUESTED = "requested"
    BOOKED = "booked"
    MOVED = "moved"
    NOT_MOVED = "not-moved"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    REMINDER = "reminder"
    APPROVE = "approve"
    OFFER = "offer"
    WEBHOOK_DISABLED = "webhook-disabled"


WHILE: Mapping[NoticeKind, str] = {
    NoticeKind.REQUESTED: "requested",
    NoticeKind.APPROVE: "requested",
    NoticeKind.BOOKED: "booked",
    NoticeKind.MOVED: "booked",
    NoticeKind.NOT_MOVED: "booked",
    NoticeKind.REMINDER: "booked",
    NoticeKind.CANCELLED: "cancelled",
    NoticeKind.DECLINED: "declined",
    NoticeKind.EXPIRED: "expired",
}
"""The status of the appointment in which a notice is true."""
AHEAD = frozenset(WHILE) - {NoticeKind.CANCELLED, NoticeKind.DECLINED, NoticeKind.EXPIRED}
"""The notices that are useless once the appointment has begun or the request has expired."""

OPTIONAL = frozenset({NoticeKind.REMINDER, NoticeKind.OFFER})
"""The notices that a recipient can switch off, and that are the first to wait where an address gets many mails."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one person. `id`: the same when it is sent again; `about`: the id that its link leads to.

    `until`: the deadline of the action that it asks for. `fee`: of a late cancellation, in minor units.
    """

    id: UUID
    kind: NoticeKind
    about: UUID
    visit: AppointmentDetails | None = None
    until: datetime | None = None
    fee: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """A way to send notices: e-mail, and others that an operator adds."""

    def reaches(self, recipient: Recipient) -> bool:
        """Whether the recipient has an address or a number for this channel."""
        ...

    async def send(self, notice: Notice, recipient: Recipient, confirm: Confirm) -> None:
        """Send the notice; await `confirm` as late as possible, right before it can no longer be called back.

        After an exception, the caller tries again.
        """
        ...


def untrue(kind: NoticeKind, appointment: Appointment | None, starts_at: datetime | None, now: datetime) -> str:
    """Why the notice is no longer true: gone, moved or late. Empty while it is true."""
    if appointment is None or str(appointment.status) != WHILE[kind]:
        return "gone"
    if starts_at is not None and appointment.starts_at != starts_at:
        return "moved"
    until = appointment.expires_at or appointment.starts_at
    if kind in AHEAD and now >= until:
        return "late"
    return ""
