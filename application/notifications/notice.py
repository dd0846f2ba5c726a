"""Notices: what people are told about an appointment, by which channels, and whether it is still true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from application.notifications.appointment_details import AppointmentDetails
from application.notifications.recipient import Recipient
from domain.booking.appointment import Appointment


class NoticeKind(StrEnum):
    """What is told: APPROVE to the provider's owner, WEBHOOK_DISABLED to an account, else to the customer."""

    REQUESTED = "requested"
    BOOKED = "booked"
    MOVED = "moved"
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
    NoticeKind.REMINDER: "booked",
    NoticeKind.CANCELLED: "cancelled",
    NoticeKind.DECLINED: "declined",
    NoticeKind.EXPIRED: "expired",
}
"""The status of the appointment with which a notice is true."""
AHEAD = frozenset({NoticeKind.REQUESTED, NoticeKind.APPROVE, NoticeKind.BOOKED, NoticeKind.MOVED, NoticeKind.REMINDER})
"""What is of no use once the appointment has begun, or the time of the request is over."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told to one person. `id`: the same when it is sent again; `about`: what a link leads to.

    `until`: how long what it asks for is possible. `fee`: for having cancelled late, in minor units.
    """

    id: UUID
    kind: NoticeKind
    about: UUID
    visit: AppointmentDetails | None = None
    until: datetime | None = None
    fee: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """A way to tell people: e-mail, and whatever an operator adds."""

    def reaches(self, recipient: Recipient) -> bool:
        """Whether they can be told so: there is an address, a number."""
        ...

    async def send(self, notice: Notice, recipient: Recipient) -> None:
        """Sent once this returns; raises what stands against it, to be tried again."""
        ...


def untrue(kind: NoticeKind, appointment: Appointment | None, said_start: datetime | None, now: datetime) -> str:
    """Why this is not to be told any more, in a word: gone, moved, late. Empty while it is true."""
    if appointment is None or str(appointment.status) != WHILE[kind]:
        return "gone"
    if said_start is not None and appointment.starts_at != said_start:
        return "moved"
    until = appointment.expires_at or appointment.starts_at
    if kind in AHEAD and now >= until:
        return "late"
    return ""
