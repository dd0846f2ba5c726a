"""Holds and waitlist entries in the facts."""

from collections.abc import Mapping
from uuid import UUID

from domain.booking.hold import Hold, HoldStatus
from domain.booking.waitlist import Waiting, WaitingStatus
from domain.scheduling.wallclock import local_date, zone
from projections.analysis.facts import hold, waitlist_entry, waitlist_offer
from projections.analysis.touched import Touched
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import Row, RowBatch


def project(recorded: RecordedEvent, employers: Mapping[UUID, UUID | None], rows: RowBatch, touched: Touched) -> None:
    """Keep the rows of holds, entries and offers. `employers`: the organization of each provider."""
    match recorded.event:
        case Hold.Placed() as event:
            _placed(recorded.stream, event, employers.get(event.provider_id), rows)
        case Hold.Used(appointment_id=appointment_id, timestamp=at):
            ended = {"outcome": HoldStatus.USED.value, "ended_at": at, "appointment_id": appointment_id}
            rows.set(hold, {"id": recorded.stream}, **ended)
        case Hold.Released(timestamp=at) | Hold.Expired(timestamp=at) as event:
            outcome = HoldStatus.RELEASED if isinstance(event, Hold.Released) else HoldStatus.EXPIRED
            rows.set(hold, {"id": recorded.stream}, outcome=outcome.value, ended_at=at)
        case Waiting.Event() as event:
            _entry(recorded.stream, event, rows, touched)
        case _:
            pass


def _placed(id: UUID, event: Hold.Placed, employer: UUID | None, rows: RowBatch) -> None:
    rows.put(
        hold,
        id=id,
        service_id=event.service_id,
        provider_id=event.provider_id,
        organization_id=event.organization_id if event.organization_recorded else employer,
        channel=event.channel,
        demo=event.demo,
        placed_at=event.timestamp,
        placed_date=local_date(event.timestamp, zone(event.timezone)),
        outcome=HoldStatus.HELD.value,
        ended_at=None,
        appointment_id=None,
    )


def _entry(id: UUID, event: Waiting.Event, rows: RowBatch, touched: Touched) -> None:
    match event:
        case Waiting.Joined():
            touched.customers.add(event.customer_id)
            rows.put(waitlist_entry, id=id, **_joined(event))
        case Waiting.Offered(hold_id=hold_id, timestamp=at):
            rows.put(waitlist_offer, entry_id=id, hold_id=hold_id, offered_at=at, outcome="open")
            rows.set(waitlist_entry, {"id": id}, outcome=WaitingStatus.OFFERED.value)
        case Waiting.Lapsed(hold_id=hold_id):
            rows.set(waitlist_offer, {"entry_id": id, "hold_id": hold_id}, outcome="lapsed")
            rows.set(waitlist_entry, {"id": id}, outcome=WaitingStatus.WAITING.value)
        case Waiting.Accepted(appointment_id=appointment_id, timestamp=at):
            ended = {"outcome": WaitingStatus.ACCEPTED.value, "ended_at": at, "appointment_id": appointment_id}
            rows.set(waitlist_entry, {"id": id}, **ended)
        case Waiting.Left(timestamp=at):
            rows.set(waitlist_entry, {"id": id}, outcome=WaitingStatus.LEFT.value, ended_at=at)
        case _:
            pass


def _joined(event: Waiting.Joined) -> Row:
    return {
        "service_id": event.service_id,
        "provider_id": event.provider_id,
        "person_id": event.customer_id,
        "joined_at": event.timestamp,
        "joined_date": local_date(event.timestamp, zone(event.timezone)),
        "outcome": WaitingStatus.WAITING.value,
        "ended_at": None,
        "appointment_id": None,
    }
