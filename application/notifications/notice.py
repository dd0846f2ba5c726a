"""Notices: the kinds, the channels that send them, and whether a notice is still true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from application.jobs.job import Confirm
from application.notifications.appointment_details import AppointmentDetails, FormerPlace
from application.notifications.recipient import Recipient
from domain.booking.appointment import Appointment


class NoticeKind(StrEnum):
    """TO_STAFF go to those who act for the provider, WEBHOOK_DISABLED to an account, all others to the customer."""

    REQUESTED = "requested"
    BOOKED = "booked"
    MOVED = "moved"
    NOT_MOVED = "not-moved"
    REBOOK = "rebook"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"
    REMINDER = "reminder"
    APPROVE = "approve"
    OFFER = "offer"
    WAITLIST_ENDED = "waitlist-ended"
    WEBHOOK_DISABLED = "webhook-disabled"
    STAFF_BOOKED = "staff-booked"
    STAFF_MOVED = "staff-moved"
    STAFF_CANCELLED = "staff-cancelled"


WHILE: Mapping[NoticeKind, str] = {
    NoticeKind.REQUESTED: "requested",
    NoticeKind.APPROVE: "requested",
    NoticeKind.BOOKED: "booked",
    NoticeKind.MOVED: "booked",
    NoticeKind.NOT_MOVED: "booked",
    NoticeKind.REBOOK: "booked",
    NoticeKind.REMINDER: "booked",
    NoticeKind.CANCELLED: "cancelled",
    NoticeKind.DECLINED: "declined",
    NoticeKind.EXPIRED: "expired",
    NoticeKind.STAFF_BOOKED: "booked",
    NoticeKind.STAFF_MOVED: "booked",
    NoticeKind.STAFF_CANCELLED: "cancelled",
}
"""The status of the appointment in which a notice is true."""
AHEAD = frozenset(WHILE) - {NoticeKind.CANCELLED, NoticeKind.DECLINED, NoticeKind.EXPIRED, NoticeKind.STAFF_CANCELLED}
"""The notices that are useless once the appointment has begun or the request has expired."""

OPTIONAL = frozenset({NoticeKind.REMINDER, NoticeKind.OFFER, NoticeKind.WAITLIST_ENDED})
"""The notices that a customer can switch off, and that are the first to wait where an address gets many mails."""
CAN_WAIT = OPTIONAL | {NoticeKind.REQUESTED, NoticeKind.BOOKED}
"""The notices that wait, until the appointment begins, while an unproven address has got its share of the day.

All others change something that the recipient relies on, and always go.
"""
REFUSED = "The mail server refuses the address"
"""How the error of a notice begins that no other attempt can deliver."""
MOVES = frozenset({NoticeKind.MOVED, NoticeKind.STAFF_MOVED})
ASKS = frozenset({NoticeKind.REQUESTED, NoticeKind.APPROVE})
"""The notices of a request: for a new appointment, or to move one."""
STAFF: Mapping[NoticeKind, str] = {
    NoticeKind.STAFF_BOOKED: "booked",
    NoticeKind.STAFF_MOVED: "moved",
    NoticeKind.STAFF_CANCELLED: "cancelled",
}
"""The notices that tell of a change by somebody else, and the setting that switches each off."""
TO_STAFF = frozenset({*STAFF, NoticeKind.APPROVE})
"""The notices to the provider's owner, and to members of the organization who want them."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one person. `id` and `at`: the same when it is sent again; `about`: the id that its link leads to.

    `until`: the deadline of the action that it asks for, or of its link. `fee`: of a late cancellation, in minor units.
    `former`: the place before a move, or until a requested one is confirmed.
    """

    id: UUID
    kind: NoticeKind
    about: UUID
    visit: AppointmentDetails | None = None
    until: datetime | None = None
    fee: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    former: FormerPlace | None = None
    at: datetime = field(kw_only=True)

    @property
    def last_chance(self) -> datetime | None:
        """The instant from which the notice is useless."""
        return self.until or (self.visit.starts_at if self.visit else None)


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
    """Why the notice is no longer true: gone, settled, moved or late. Empty while it is true."""
    if appointment is None or str(appointment.status) != WHILE[kind]:
        return "gone"
    if kind is NoticeKind.REBOOK and not appointment.asked_to_rebook:
        return "settled"
    if starts_at is not None and appointment.starts_at != starts_at:
        return "moved"
    until = appointment.expires_at or appointment.starts_at
    if kind in AHEAD and now >= until:
        return "late"
    return ""
