"""Bodies, filters and answers about appointments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from application.catalog.currency import minor_digits
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.origin import Party, ReasonCode
from domain.catalog.service_terms import DEFAULTS, POLICY
from interfaces.http.booking.answers import Answers
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    LateCancel,
    Paging,
    Query,
    Resource,
    Several,
    Shape,
    Text,
    absent,
    plain,
)
from projections.read_models.agenda.listed import ListedAppointment
from projections.read_models.agenda.selection import AppointmentFilter, AppointmentOrder

TEXTS = frozenset({"staff_note", "external_id", "metadata"})
"""What a body may say besides note and answers."""


class BookAppointmentBody(Body):
    """Staff must name the customer. Without a provider, the one with the fewest appointments that week is booked.

    `hold_id`: one of the caller's holds, of the same service and start.
    """

    service_id: UUID
    start: Instant
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    hold_id: UUID | None = None
    note: Text = ""
    answers: Answers = {}
    staff_note: Text = absent()
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class ChangeAppointmentBody(Change):
    """Only the given fields change."""

    note: Text = absent()
    answers: Answers = absent()
    staff_note: Text = absent()
    external_id: ExternalId | None = None
    metadata: Metadata = absent()


class RescheduleAppointmentBody(Body):
    """Another start, and optionally another provider."""

    start: Instant
    provider_id: UUID | None = None
    reason: Text = ""


_CODE = Field(None, description="The reason as statistics count it. Unlike the words, it stays after an erasure.")


class CancelAppointmentBody(Body):
    """Staff must give a reason."""

    reason: Text | None = None
    reason_code: ReasonCode | None = _CODE


class DeclineAppointmentBody(Body):
    """The customer is sent the reason."""

    reason: Text | None = None
    reason_code: ReasonCode | None = _CODE


class CancelAppointmentQuery(Query):
    """Staff must give a reason."""

    reason: Text | None = None
    reason_code: ReasonCode | None = _CODE


class AppointmentFilters(Paging):
    """Appointments, by default in the order of their start."""

    from_: Instant | None = Field(None, alias="from", description="Starting at this instant or later.")
    to: Instant | None = Field(None, description="Starting before this instant.")
    updated_since: Instant | None = None
    status: Annotated[tuple[AppointmentStatus, ...] | None, Several] = None
    service_id: UUID | None = None
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    organization_id: UUID | None = None
    external_id: ExternalId | None = None
    sort: AppointmentOrder = AppointmentOrder.START

    @field_validator("to")
    @classmethod
    def _check_order(cls, to: datetime | None, earlier: ValidationInfo) -> datetime | None:
        since = earlier.data.get("from_")
        if to is not None and since is not None and to < since:
            raise PydanticCustomError("order", "`to` must not be before `from`.")
        return to


class AppointmentPolicyResponse(Shape):
    """The service's policy when the appointment was booked or moved, in minutes and minor units."""

    cancel_notice: int
    reschedule_notice: int
    max_reschedules: int | None
    late_cancel: LateCancel
    late_fee: int | None
    reminders: list[int]
    complete_after: int


class DeclinationResponse(Shape):
    at: datetime
    by: UUID
    reason: str
    reason_code: ReasonCode | None


class CancellationResponse(Shape):
    """`party`: the side that cancelled; null where release 0.1.0 recorded it."""

    at: datetime
    by: UUID
    party: Party | None
    reason: str
    reason_code: ReasonCode | None
    late: bool
    fee: int


class AppointmentMoveResponse(Shape):
    """The last move. `by_customer`: whether the customer moved it."""

    at: datetime
    by: UUID
    by_customer: bool
    reason: str


class AppointmentServiceResponse(Shape):
    """The service as it is now."""

    id: UUID
    name: str
    category: str | None
    place: str | None
    meeting_url: str | None


class AppointmentProviderResponse(Shape):
    """The provider as it is now."""

    id: UUID
    name: str
    address: str | None
    phone: str | None
    email: str | None
    photo_url: str | None


class AppointmentCustomerResponse(Shape):
    """The customer as it is now; its name is empty once the person is erased."""

    id: UUID
    name: str
    email: str | None
    phone: str | None


class AppointmentResponse(Resource):
    """An appointment, with the price and policy of when the customer booked or moved it.

    `expires_at`: when a request that nobody has confirmed loses its time. `free_cancellation`: staff moved it, so
    that the customer may cancel at no cost until the start.
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
    currency_exponent: int
    policy: AppointmentPolicyResponse
    free_cancellation: bool
    note: str
    answers: dict[str, Any]
    external_id: str | None
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    staff_note: str | None = absent()
    service: AppointmentServiceResponse | None = absent()
    provider: AppointmentProviderResponse | None = absent()
    customer: AppointmentCustomerResponse | None = absent()
    rescheduled: AppointmentMoveResponse | None = absent()
    cancelled: CancellationResponse | None = absent()
    declined: DeclinationResponse | None = absent()


class AppointmentPage(Shape):
    items: list[AppointmentResponse]
    next: str | None


def wanted(filters: AppointmentFilters) -> AppointmentFilter:
    """The filters as the read model takes them."""
    same = ("updated_since", "service_id", "provider_id", "customer_id", "organization_id", "external_id")
    values: dict[str, Any] = {name: getattr(filters, name) for name in same}
    return AppointmentFilter(since=filters.from_, until=filters.to, statuses=filters.status, **values)


def texts(body: BookAppointmentBody | ChangeAppointmentBody) -> dict[str, Any]:
    """The given texts besides note and answers."""
    return {name: getattr(body, name) for name in sorted(TEXTS & body.model_fields_set)}


def noted_response(appointment: Appointment) -> Mapping[str, Any]:
    """An appointment as JSON, for a caller who has just written its staff note."""
    return {**appointment_response(appointment), "staff_note": appointment.staff_note}


def appointment_response(appointment: Appointment | ListedAppointment) -> Mapping[str, Any]:
    """An appointment as JSON. Only a read model knows names, and whether the caller may see the staff note."""
    answer = {
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
        "currency_exponent": minor_digits(appointment.currency),
        "policy": {name: appointment.policy.get(name, DEFAULTS.get(name)) for name in POLICY},
        "free_cancellation": appointment.free_cancellation,
        "note": appointment.note,
        "answers": appointment.answers,
        "external_id": appointment.external_id,
        "metadata": appointment.metadata,
        "created_at": plain(appointment.created_at),
        "updated_at": plain(appointment.updated_at),
        "expires_at": appointment.expires_at and plain(appointment.expires_at),
    }
    if isinstance(appointment, ListedAppointment):
        answer |= _listed(appointment)
    return answer | _changes(appointment)


def _listed(appointment: ListedAppointment) -> dict[str, Any]:
    """The names of what it is about, and what staff may see."""
    about = {
        "service": (appointment.service_id, appointment.service),
        "provider": (appointment.provider_id, appointment.provider),
        "customer": (appointment.customer_id, appointment.customer),
    }
    found = {name: {"id": id, **shown} for name, (id, shown) in about.items() if shown is not None}
    return found | ({"staff_note": appointment.staff_note} if appointment.for_staff else {})


def _changes(appointment: Appointment | ListedAppointment) -> dict[str, Any]:
    """How it was moved, cancelled or declined, if it was."""
    shapes: Mapping[str, type[Shape]] = {
        "rescheduled": AppointmentMoveResponse,
        "cancelled": CancellationResponse,
        "declined": DeclinationResponse,
    }
    happened = {name: getattr(appointment, name) for name in shapes}
    return {
        name: {**{field: what.get(field) for field in shapes[name].model_fields}, "at": plain(what["at"])}
        for name, what in happened.items()
        if what is not None
    }
