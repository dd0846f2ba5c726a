"""I4: was each thing sent that was to be, and nothing else? A receiver that honours keys, beside the log.

What may be sent is recomputed from the events alone; how it went is what the jobs say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from tests.support.checker import Stored
from tests.support.smtp_receiver import Mail

IN_HAND = timedelta(seconds=5)
"""Between the last look at an appointment and the mail server: a lease, and a moment."""

_REMINDERS = tuple(f"remind-{n}" for n in range(5))
_MADE: Mapping[str, Sequence[str]] = {
    "Appointment.Requested": ("requested", "approve", *_REMINDERS),
    "Appointment.Booked": ("booked", "staff-booked", *_REMINDERS),
    "Appointment.Confirmed": ("booked",),
    "Appointment.Rescheduled": ("moved", "staff-moved", *_REMINDERS),
    "Appointment.MoveRequested": ("requested", "approve", *_REMINDERS),
    "Appointment.MoveDeclined": ("not-moved", *_REMINDERS),
    "Appointment.MoveExpired": ("not-moved", *_REMINDERS),
    "Appointment.OrphanFound": ("rebook",),
    "Appointment.Cancelled": ("cancelled", "staff-cancelled"),
    "Appointment.Declined": ("declined",),
    "Appointment.Expired": ("expired",),
}
_MOVES = {f"Appointment.{name}" for name in ("Rescheduled", "MoveRequested", "MoveDeclined", "MoveExpired")}
_ENDS = {f"Appointment.{name}" for name in ("Cancelled", "Completed", "NoShow", "Declined", "Expired")}


class Sent(NamedTuple):
    """A row of `work.job` that is done, of a kind that tells people something."""

    key: UUID
    slot: str
    outcome: str


class Reason(NamedTuple):
    """Why something may be sent: what about, and until when. `until`: None while it still may."""

    stream: UUID
    slot: str
    until: datetime | None


def misled(events: Iterable[Stored], jobs: Iterable[Sent], mails: Sequence[Mail]) -> Iterator[str]:
    """What does not hold, in sentences."""
    reasons = _reasons(events)
    got = {mail.key for mail in mails}
    for key in sorted(got - reasons.keys()):
        yield f"{key} was sent, and no event is a reason for it"
    for mail in mails:
        reason = reasons.get(mail.key)
        if reason and reason.until and mail.begun > reason.until + IN_HAND:
            yield f"{reason.slot} of {reason.stream} was sent {mail.begun - reason.until} after it was over"
    for job in jobs:
        if job.outcome == "done" and job.key not in got:
            yield f"{job.slot} ({job.key}) counts as sent, and nobody got it"


def _reasons(events: Iterable[Stored]) -> Mapping[UUID, Reason]:
    found: dict[UUID, Reason] = {}
    open_: dict[UUID, list[UUID]] = {}
    for event in events:
        if not event.topic.startswith("Appointment."):
            continue
        if event.topic in _ENDS or event.topic in _MOVES:
            for key in open_.pop(event.stream, []):
                found[key] = found[key]._replace(until=event.at)
        for slot in _MADE.get(event.topic, ()):
            key = _key(event.stream, slot, event.version)
            found[key] = Reason(event.stream, slot, None)
            if slot not in {"cancelled", "staff-cancelled", "declined", "expired"}:
                open_.setdefault(event.stream, []).append(key)
    return found


def _key(stream: UUID, slot: str, version: int) -> UUID:
    return UUID(bytes=blake2b(stream.bytes + f"{slot}:{version}".encode(), digest_size=16).digest())
