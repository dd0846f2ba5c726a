"""What an appointment looks like in requests and answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from domain.booking.appointment import Appointment, AppointmentStatus
from domain.catalog.service import DEFAULTS, POLICY
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    Paging,
    Query,
    Resource,
    Shape,
    Text,
    absent,
    plain,
)
from projections.read_models import appointment as agenda
from projections.read_models import history

MOST_ANSWERS = 100
LARGEST = 2**53 - 1
_ONE = [
    {"type": "string", "maxLength": 2000, "pattern": r"^[^\x00]*$"},
    {"type": "number", "maximum": LARGEST, "minimum": -LARGEST},
    {"type": "boolean"},
    {"type": "null"},
]
_SEVERAL = {"type": "array", "items": {"anyOf": _ONE}, "maxItems": MOST_ANSWERS}


def _answers(value: Any) -> Any:
    """Text, numbers, truth or a list of them, by question. Raises a validation error."""
    if not isinstance(value, dict):
        raise PydanticCustomError("answers", "Answers are an object.")
    if len(value) > MOST_ANSWERS:
        raise PydanticCustomError("answers", "There are too many answers.")
    for name, told in value.items():
        several = told if isinstance(told, list) else [told]
        if not _fits(name, 200) or len(several) > MOST_ANSWERS or not all(map(_simple, several)):
            raise PydanticCustomError("answers", "An answer is a text, a number, true or false, or a list of those.")
    return value


def _simple(told: Any) -> bool:
    if told is None or isinstance(told, bool):
        return True
    if isinstance(told, int | float):
        return -LARGEST <= told <= LARGEST
    return _fits(told, 2000)


def _fits(told: Any, longest: int) -> bool:
    return isinstance(told, str) and len(told) <= longest and "\0" not in told


Answers = Annotated[
    dict[str, Any],
    BeforeValidator(_answers),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MOST_ANSWERS,
            "propertyNames": {"maxLength": 200, "pattern": r"^[^\x00]*$"},
            "additionalProperties": {"anyOf": [*_ONE, _SEVERAL]},
        }
    ),
]


class BookAppointmentBody(Body):
    """Staff say for which customer. Without a provider, the one with the fewest appointments that week.

    `hold_id`: a hold of the caller's, of the same service and start.
    """

    service_id: UUID
    start: Instant
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    hold_id: UUID | None = None
    note: Text = ""
    answers: Answers = {}


class ChangeAppointmentBody(Change):
    """Only the fields given are changed."""

    note: Text = absent()
    answers: Answers = absent()


class RescheduleAppointmentBody(Body):
    """To another start, and perhaps another provider."""

    start: Instant
    provider_id: UUID | None = None


class CancelAppointmentBody(Body):
    """Staff must give a reason."""

    reason: Text | None = None


class DeclineAppointmentBody(Body):
    """The reason is told to the customer."""

    reason: Text | None = None


class CancelAppointmentQuery(Query):
    """Staff must give a reason."""

    reason: Text | None = None


class AppointmentFilters(Paging):
    """Appointments by start."""

    from_: Instant | None = Field(None, alias="from", description="Starting at this instant or later.")
    to: Instant | None = Field(None, description="Starting before this instant.")
    status: AppointmentStatus | None = None
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    organization_id: UUID | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.from_ and self.to and self.to < self.from_:
            raise PydanticCustomError("span", "`to` lies before `from`.")
        return self


class AppointmentPolicyResponse(Shape):
    """As it was when booked or moved; minutes and minor units."""

    cancel_notice: int
    reschedule_notice: int
    max_reschedules: int | None
    late_cancel: Literal["refuse", "fee"]
    late_fee: int | None
    reminders: list[int]
    complete_after: int


class DeclinationResponse(Shape):
    by: UUID
    reason: str


class CancellationResponse(Shape):
    by: UUID
    reason: str
    late: bool
    fee: int


class AppointmentResponse(Resource):
    """A customer's promise to be somewhere at a time, with price and policy as they were then.

    `expires_at`: until when a request keeps the time unless it is confirmed.
    """

    status: AppointmentStatus
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    start: datetime
    end: datetime
    timezone: str
    price: int
    currency: str
    policy: AppointmentPolicyResponse
    note: str
    answers: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    cancelled: CancellationResponse | None = absent()
    declined: DeclinationResponse | None = absent()


class AppointmentPage(Shape):
    items: list[AppointmentResponse]
    next: str | None


class HistoryItemResponse(Shape):
    """Something that happened. `data`: the event's fields."""

    position: int
    at: datetime
    type: str
    version: int
    actor: UUID | None
    data: dict[str, Any]


class HistoryPage(Shape):
    items: list[HistoryItemResponse]
    next: str | None


class HistoryFilters(Paging):
    """All that happened, in order."""


def appointment_response(appointment: Appointment | agenda.ListedAppointment) -> Mapping[str, Any]:
    """An appointment as answered."""
    told = {
        "id": appointment.id,
        "version": appointment.version,
        "status": appointment.status,
        "service_id": appointment.service_id,
        "provider_id": appointment.provider_id,
        "customer_id": appointment.customer_id,
        "start": plain(appointment.starts_at),
        "end": plain(appointment.ends_at),
        "timezone": appointment.timezone,
        "price": appointment.price,
        "currency": appointment.currency,
        "policy": {name: appointment.policy.get(name, DEFAULTS.get(name)) for name in POLICY},
        "note": appointment.note,
        "answers": appointment.answers,
        "created_at": plain(appointment.created_at),
        "expires_at": appointment.expires_at and plain(appointment.expires_at),
    }
    if appointment.cancelled is not None:
        told["cancelled"] = {name: appointment.cancelled[name] for name in CancellationResponse.model_fields}
    if appointment.declined is not None:
        told["declined"] = appointment.declined
    return told


def history_item_response(item: history.HistoryEntry) -> Mapping[str, Any]:
    """Something that happened, as answered."""
    return {
        "position": item.position,
        "at": plain(item.at),
        "type": item.type,
        "version": item.version,
        "actor": item.actor,
        "data": item.data,
    }
