"""Jobs that events make: what must happen, and when.

A job is found by its subject and its slot, so a later plan replaces an earlier one. Its progress is not derived from
events: it is in `work.job`, under the key of the job.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Table, Text

from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day
from domain.booking.hold import Hold
from domain.booking.orphan import OrphanChoice
from domain.booking.policy import complete_after, reminders
from domain.booking.waitlist import Waiting
from domain.catalog.invitation import Invitations
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import Webhook
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import instant, json, metadata, uuid

job = Table(
    "job",
    metadata,
    uuid("subject", primary_key=True),
    Column("slot", Text, primary_key=True),
    uuid("key"),
    Column("kind", Text, nullable=False),
    instant("due_at"),
    json("said"),
    Column("correlation", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("job_key", "key"),
    Index("job_position", "position"),
)

MOST_REMINDERS = 5
AFTER_UNDO = timedelta(hours=12)

_REMINDERS = tuple(f"remind-{n}" for n in range(MOST_REMINDERS))
_PLANNED = ("complete", "expire", *_REMINDERS)
_STAFF_TOLD = ("staff-booked", "staff-moved")
_TOLD = ("requested", "approve", "booked", "moved", "not-moved", "rebook", *_STAFF_TOLD)


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job that an event makes. `said`: facts that show whether it is still needed; no personal data."""

    kind: str
    slot: str
    due_at: datetime
    said: Mapping[str, Any]


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    event = recorded.event
    if _frees(event):
        # The job computes the free starts when it runs, from read models that have reached `position`.
        freed = {"position": recorded.position, **_freed(event)}
        slot = f"match-{recorded.version}" if isinstance(event, Day.Released) else "match"
        _put(recorded.stream, PlannedJob("match", slot, recorded.at, freed), recorded, rows)
    if isinstance(event, Webhook.Event):
        _of_webhook(recorded, rows)
    if isinstance(event, Account.Event):
        _of_account(recorded, rows)
    if isinstance(event, Invitations.Event):
        _of_invitation(event, recorded, rows)
    if not isinstance(event, Appointment.Event | Hold.Event | Waiting.Event):
        return
    _drop(recorded.stream, _dropped(event), rows)
    for plan in _planned(event):
        _put(recorded.stream, plan, recorded, rows)


def _frees(event: object) -> bool:
    """Whether the event may free time for waitlist entries."""
    fewer = Schedule.Opened | Schedule.TimeOffTaken
    return isinstance(event, Day.Released | Schedule.Event) and not isinstance(event, fewer)


def _freed(event: object) -> Mapping[str, Any]:
    """The time that a Day has released, and who had it; nothing where the whole of it is to be looked at."""
    if not isinstance(event, Day.Released) or event.since is None or event.until is None:
        return {}
    return {"taker": str(event.taker), "since": event.since.isoformat(), "until": event.until.isoformat()}


def _of_webhook(recorded: RecordedEvent, rows: RowBatch) -> None:
    """The one job of a webhook, whose key is the webhook's id, and the notice that the webhook was disabled.

    The job is idle while no event waits for the webhook.
    """
    match recorded.event:
        case Webhook.Subscribed(timestamp=at):
            _put(recorded.stream, PlannedJob("deliver", "deliver", at, {}), recorded, rows, key=recorded.stream)
        case Webhook.Disabled(timestamp=at):
            _put(recorded.stream, _notice("disabled", at), recorded, rows)
        case Webhook.Resumed() | Webhook.Deleted():
            _drop(recorded.stream, ["disabled"], rows)
        case _:
            pass


def _of_account(recorded: RecordedEvent, rows: RowBatch) -> None:
    """The erasure of an account at its due time, the mail that announces it, and the daily agenda."""
    match recorded.event:
        case Account.ForgettingAsked(timestamp=at, due_at=due_at):
            letter = {"letter": "forgetting-asked", "due_at": due_at.isoformat()}
            _put(recorded.stream, PlannedJob("account_notice", "forgetting-asked", at, letter), recorded, rows)
            _put(recorded.stream, PlannedJob("forget", "forget", due_at, {}), recorded, rows)
        case Account.ForgettingCancelled():
            _drop(recorded.stream, ["forget", "forgetting-asked"], rows)
        case Account.Forgotten():
            _drop(recorded.stream, ["forget", "forgetting-asked", "agenda"], rows)
        case Account.ContactChanged(timestamp=at, contact=contact):
            if (contact.get("notifications") or {}).get("agenda"):
                _put(recorded.stream, PlannedJob("agenda", "agenda", at, {}), recorded, rows)
            else:
                _drop(recorded.stream, ["agenda"], rows)
        case _:
            pass


def _of_invitation(event: Invitations.Event, recorded: RecordedEvent, rows: RowBatch) -> None:
    """The mail of an invitation, and its end when nobody answers."""
    match event:
        case Invitations.Invited(timestamp=at, invitation_id=id, expires_at=expires_at):
            said, (mail, end) = {"invitation_id": str(id)}, _slots(id)
            _put(recorded.stream, PlannedJob("invite_member", mail, at, said), recorded, rows)
            _put(recorded.stream, PlannedJob("expire_invitation", end, expires_at, said), recorded, rows)
        case Invitations.Accepted() | Invitations.Declined() | Invitations.Withdrawn() | Invitations.Expired():
            _drop(recorded.stream, _slots(event.invitation_id), rows)
        case _:
            pass


def _slots(invitation_id: UUID) -> Sequence[str]:
    return f"invite-{invitation_id}", f"expire-{invitation_id}"


def _dropped(event: object) -> Sequence[str]:
    """The slots of the jobs that the event makes unnecessary."""
    return _DROPPED.get(type(event), ())


_ANSWERED = ("expire", "requested", "approve")
_OVER = (*_PLANNED, *_TOLD)
_DROPPED: Mapping[type, Sequence[str]] = {
    Appointment.Rescheduled: ("booked", "staff-booked", "moved", "not-moved", "rebook", *_REMINDERS),
    Appointment.MoveRequested: ("booked", "staff-booked", "moved", "not-moved", *_REMINDERS),
    Appointment.MoveDeclined: (*_ANSWERED, *_REMINDERS),
    Appointment.MoveExpired: (*_ANSWERED, *_REMINDERS),
    Appointment.Confirmed: (*_ANSWERED, "rebook"),
    **dict.fromkeys((Appointment.Kept, Appointment.OrphanCleared), ("rebook",)),
    **dict.fromkeys(
        (
            Appointment.Cancelled,
            Appointment.Completed,
            Appointment.NoShow,
            Appointment.Declined,
            Appointment.Expired,
        ),
        _OVER,
    ),
    **dict.fromkeys((Hold.Used, Hold.Released, Hold.Expired), ("expire",)),
    **dict.fromkeys((Waiting.Lapsed, Waiting.Accepted, Waiting.Left), ("offer", "lapse")),
}


def _planned(event: object) -> Iterator[PlannedJob]:
    match event:
        case Appointment.Booked():
            yield _notice("booked", event.timestamp, starts_at=event.starts_at)
            yield _staff_notice("staff-booked", event.timestamp, event.starts_at, event.by)
            yield from _ahead(event)
        case Appointment.Rescheduled():
            yield _notice("moved", event.timestamp, starts_at=event.starts_at)
            yield _staff_notice("staff-moved", event.timestamp, event.starts_at, event.by)
            yield from _ahead(event)
        case Appointment.MoveDeclined() | Appointment.MoveExpired():
            yield _notice("not-moved", event.timestamp, starts_at=event.starts_at)
            yield from _ahead(event)
        case Appointment.Requested() | Appointment.MoveRequested():
            said = {"starts_at": event.starts_at, "expires_at": event.expires_at}
            yield _notice("requested", event.timestamp, **said)
            yield _notice("approve", event.timestamp, **said)
            yield PlannedJob("expire_request", "expire", event.expires_at, {})
            yield from _ahead(event)
        case Appointment.Confirmed():
            yield _notice("booked", event.timestamp)
        case Appointment.OrphanFound(choice=OrphanChoice.REBOOK.value):
            yield _notice("rebook", event.timestamp)
        case Appointment.Cancelled():
            yield _notice("cancelled", event.timestamp)
            yield _notice("staff-cancelled", event.timestamp)
        case Appointment.Declined():
            yield _notice("declined", event.timestamp)
        case Appointment.Expired():
            yield _notice("expired", event.timestamp)
        case Hold.Placed() | Hold.Extended():
            yield PlannedJob("expire_hold", "expire", event.expires_at, {})
        case Waiting.Offered():
            yield PlannedJob("offer", "offer", event.timestamp, {"hold_id": str(event.hold_id)})
            yield PlannedJob("lapse", "lapse", event.expires_at, {})
        case Waiting.Left():
            yield PlannedJob("waitlist_ended", "ended", event.timestamp, {"by": str(event.by)})
        case Appointment.NoShowUndone():
            yield PlannedJob("complete", "complete", event.timestamp + AFTER_UNDO, {})
        case _:
            pass


def _ahead(
    event: Appointment.Booked
    | Appointment.Requested
    | Appointment.Rescheduled
    | Appointment.MoveRequested
    | Appointment.MoveDeclined
    | Appointment.MoveExpired,
) -> Iterator[PlannedJob]:
    """The reminders of an appointment that lie after the event, and its completion.

    A request gets them too, because the event of its confirmation has no start. A reminder of an appointment that is
    still a request is not sent.
    """
    said = {"starts_at": event.starts_at.isoformat()}
    for n, minutes in enumerate(reminders(event.policy)[:MOST_REMINDERS]):
        due = event.starts_at - timedelta(minutes=minutes)
        if due > event.timestamp:
            yield PlannedJob("remind", f"remind-{n}", due, {**said, "minutes": minutes})
    ends_at = event.starts_at + timedelta(minutes=event.duration)
    yield PlannedJob("complete", "complete", ends_at + complete_after(event.policy), said)


def _notice(slot: str, at: datetime, **said: datetime) -> PlannedJob:
    return PlannedJob("notify", slot, at, {name: value.isoformat() for name, value in said.items()})


def _staff_notice(slot: str, at: datetime, starts_at: datetime, by: UUID) -> PlannedJob:
    """`by`: the account that made the change, which is not told of it."""
    return PlannedJob("notify", slot, at, {"starts_at": starts_at.isoformat(), "by": str(by)})


def _drop(subject: UUID, slots: Sequence[str], rows: RowBatch) -> None:
    for slot in slots:
        rows.drop(job, {"subject": subject, "slot": slot})


def _put(subject: UUID, plan: PlannedJob, recorded: RecordedEvent, rows: RowBatch, key: UUID | None = None) -> None:
    """Put a job into its slot. `key`: the key of a job that its subject keeps; None: a new key."""
    rows.put(
        job,
        subject=subject,
        slot=plan.slot,
        key=key or key_of(subject, plan.slot, recorded.version),
        kind=plan.kind,
        due_at=plan.due_at,
        said=plan.said,
        correlation=recorded.metadata.get("correlation", ""),
        position=recorded.position,
    )


def key_of(subject: UUID, slot: str, version: int) -> UUID:
    """The key of the job that one event made. A later plan for the same slot is another job with another key."""
    return UUID(bytes=blake2b(subject.bytes + f"{slot}:{version}".encode(), digest_size=16).digest())


jobs = Projection("job", [job], project, (Account, Appointment, Day, Hold, Invitations, Schedule, Waiting, Webhook))
