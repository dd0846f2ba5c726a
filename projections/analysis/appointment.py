"""An appointment's row of facts, event by event."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BeginFields, MoveFields
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.origin import Party
from domain.scheduling.wallclock import local_date, zone
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import Row

EVENTS: Mapping[type, str] = {
    Appointment.Booked: "booked",
    Appointment.Requested: "requested",
    Appointment.Confirmed: "confirmed",
    Appointment.Declined: "declined",
    Appointment.Expired: "expired",
    Appointment.Rescheduled: "moved",
    Appointment.MoveRequested: "move_requested",
    Appointment.MoveDeclined: "move_declined",
    Appointment.MoveExpired: "move_expired",
    Appointment.Transferred: "transferred",
    Appointment.Cancelled: "cancelled",
    Appointment.CheckedIn: "checked_in",
    Appointment.Completed: "completed",
    Appointment.NoShow: "no_show",
    Appointment.NoShowUndone: "no_show_undone",
}
"""The events that have a row of their own, and its name."""

_TO_TAKE_PLACE = {each.value for each in AppointmentStatus} - {"requested", "cancelled", "declined", "expired"}
_VISITED = {AppointmentStatus.CHECKED_IN.value, AppointmentStatus.COMPLETED.value}


def begun(id: UUID, event: BeginFields, at: datetime, organization_id: UUID | None) -> Row:
    """The row of an appointment that is booked or requested. `organization_id`: of its provider at that time."""
    requested = isinstance(event, Appointment.Requested)
    status = AppointmentStatus.REQUESTED if requested else AppointmentStatus.BOOKED
    nothing = dict.fromkeys(_LATER)
    return _judged(
        {
            **nothing,
            "id": id,
            "service_id": event.service_id,
            "person_id": event.customer_id,
            "status": status.value,
            "channel": event.channel,
            "demo": event.demo,
            "requested": requested,
            "made_at": at,
            "made_date": local_date(at, zone(event.timezone)),
            "first_start_at": event.starts_at,
            **_placed(event, event.provider_id, organization_id, at),
            **dict.fromkeys(("fee", "moves_by_customer", "moves_by_staff", "recovered_minutes"), 0),
        }
    )


def changed(row: Row, event: Appointment.Event) -> Row:
    """The row after another event."""
    at = event.timestamp
    match event:
        case Appointment.Rescheduled():
            return _judged({**row, **_moved(row, event, at)})
        case Appointment.MoveRequested():
            asked = {**_moved(row, event, at), "status": AppointmentStatus.BOOKED.value}
            return {**row, "asked": {name: _written(value) for name, value in asked.items()}}
        case Appointment.Confirmed():
            return _judged({**row, **_confirmed(row, at)})
        case Appointment.Transferred(organization_id=organization_id):
            return {**row, **_transferred(row, organization_id)}
        case _:
            return _judged({**row, **_ended(event)})


def _ended(event: Appointment.Event) -> Row:
    at = event.timestamp
    match event:
        case Appointment.MoveDeclined() | Appointment.MoveExpired():
            return {"asked": None}
        case Appointment.Cancelled(party=party, late=late, fee=fee, reason_code=reason_code):
            ended = {"released_at": at, "cancelled_by": party, "cancelled_late": late, "fee": fee}
            return {**ended, "reason_code": reason_code, "asked": None, "status": AppointmentStatus.CANCELLED.value}
        case Appointment.Declined(reason_code=reason_code):
            return {"reason_code": reason_code, "answered_at": at, "status": AppointmentStatus.DECLINED.value}
        case _ if type(event) in _ATTENDANCE:
            status, column = _ATTENDANCE[type(event)]
            return {"status": status.value, **({column: at} if column else {})}
        case _:
            return {}


_ATTENDANCE: Mapping[type, tuple[AppointmentStatus, str | None]] = {
    Appointment.Expired: (AppointmentStatus.EXPIRED, None),
    Appointment.CheckedIn: (AppointmentStatus.CHECKED_IN, "checked_in_at"),
    Appointment.Completed: (AppointmentStatus.COMPLETED, "completed_at"),
    Appointment.NoShow: (AppointmentStatus.NO_SHOW, None),
    Appointment.NoShowUndone: (AppointmentStatus.BOOKED, None),
}
_LATER = (
    "answered_at",
    "checked_in_at",
    "completed_at",
    "released_at",
    "cancelled_by",
    "cancelled_late",
    "reason_code",
    "visit_number",
    "first_visit_date",
    "previous_visit_date",
    "next_made_at",
    "asked",
)
_INSTANTS = {"start_at", "end_at", "taken_at"}


def event_row(recorded: RecordedEvent, event: Appointment.Event, row: Row) -> Row | None:
    """What happened, as a row; None for what no figure counts. `row`: the appointment's, after the event."""
    name = EVENTS.get(type(event))
    if name is None:
        return None
    start = getattr(event, "starts_at", None)
    date = local_date(event.timestamp, zone(row["timezone"]))
    row = {"position": recorded.position, "appointment_id": recorded.stream, "event": name, "at": event.timestamp}
    return {**row, "date": date, "by_party": _party(event), "start_at": start}


def _party(event: Appointment.Event) -> str | None:
    match event:
        case Appointment.Cancelled(party=party):
            return party
        case MoveFields(by_customer=by_customer):
            return (Party.CUSTOMER if by_customer else Party.STAFF).value
        case Appointment.Expired() | Appointment.MoveExpired():
            return Party.SYSTEM.value
        case _:
            return None


def _moved(row: Row, event: MoveFields, at: datetime) -> Row:
    organization_id = event.organization_id if event.organization_recorded else row["organization_id"]
    counted = "moves_by_customer" if event.by_customer else "moves_by_staff"
    place = _placed(event, event.provider_id, organization_id, at)
    return {**place, counted: row[counted] + 1, "status": AppointmentStatus.BOOKED.value, "asked": None}


def _confirmed(row: Row, at: datetime) -> Row:
    if row["asked"] is not None:
        return {name: _read(name, value) for name, value in row["asked"].items()}
    return {"status": AppointmentStatus.BOOKED.value, "answered_at": at}


def _transferred(row: Row, organization_id: UUID | None) -> Row:
    asked = row["asked"]
    if asked is not None:
        named = organization_id and str(organization_id)
        asked = {**asked, "organization_id": named, "place_id": named or asked["provider_id"]}
    return {"organization_id": organization_id, "place_id": organization_id or row["provider_id"], "asked": asked}


def _placed(event: BeginFields | MoveFields, provider_id: UUID, organization_id: UUID | None, at: datetime) -> Row:
    start, tz = event.starts_at, zone(event.timezone)
    return {
        "provider_id": provider_id,
        "organization_id": organization_id,
        "place_id": organization_id or provider_id,
        "timezone": event.timezone,
        "start_at": start,
        "end_at": start + timedelta(minutes=event.duration),
        "start_date": local_date(start, tz),
        "start_hour": start.astimezone(tz).hour,
        "taken_at": at,
        "price": event.price,
        "currency": event.currency,
    }


def _judged(row: Row) -> Row:
    late = row["status"] == AppointmentStatus.CANCELLED and bool(row["cancelled_late"])
    return {**row, "due": late or row["status"] in _TO_TAKE_PLACE, "visited": row["status"] in _VISITED}


def _written(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)


def _read(name: str, value: Any) -> Any:
    if name in _INSTANTS:
        return datetime.fromisoformat(value).astimezone(UTC)
    if name == "start_date":
        return datetime.fromisoformat(value).date()
    return UUID(value) if name.endswith("_id") and value is not None else value
