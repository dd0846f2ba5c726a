"""Bodies, filters and answers about appointments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from application.booking.provider_selection import RuleOverride
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.origin import OverridableRule, Party, ReasonCode
from domain.catalog.service_terms import DEFAULTS, POLICY
from interfaces.http.booking.answers import Answers
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    LateCancel,
    Paging,
    Query,
    Resource,
    Shape,
    Text,
    absent,
    plain,
)
from projections.read_models.appointment import ListedAppointment


class RuleOverrideBody(Body):
    """Booking rules that staff set aside, and why. Nobody books over another appointment, or in the past."""

    rules: list[OverridableRule] = Field(min_length=1, max_length=len(OverridableRule))
    reason: Annotated[Text, Field(min_length=1)]

    @property
    def command(self) -> RuleOverride:
        return RuleOverride(frozenset(self.rules), self.reason)


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
    override: RuleOverrideBody | None = None


class ChangeAppointmentBody(Change):
    """Only the given fields change."""

    note: Text = absent()
    answers: Answers = absent()


class RescheduleAppointmentBody(Body):
    """Another start, and optionally another provider."""

    start: Instant
    provider_id: UUID | None = None
    override: RuleOverrideBody | None = None


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
    """Appointments in the order of their start."""

    from_: Instant | None = Field(None, alias="from", description="Starting at this instant or later.")
    to: Instant | None = Field(None, description="Starting before this instant.")
    overlapping: bool = Field(
        default=False, description="Also those that start before `from` and end after it, such as across midnight."
    )
    status: AppointmentStatus | None = None
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    organization_id: UUID | None = None

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
    by: UUID
    reason: str
    reason_code: ReasonCode | None


class CancellationResponse(Shape):
    """`party`: the side that cancelled; null where release 0.1.0 recorded it."""

    by: UUID
    party: Party | None
    reason: str
    reason_code: ReasonCode | None
    late: bool
    fee: int


class ConfirmedPlaceResponse(Shape):
    """The confirmed time and provider, which are kept until the customer's request to move is answered."""

    provider_id: UUID
    start: datetime
    end: datetime


class AppointmentResponse(Resource):
    """An appointment, with the price and policy of when the customer booked or moved it.

    `expires_at`: when a request that nobody has confirmed loses its time. `confirmed`: where the appointment stays
    unless a requested move is confirmed. `overridden`: the rules that staff set aside to book it or to move it.
    `free_cancellation`: staff moved it, so that the customer may cancel at no cost until the start.
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
    free_cancellation: bool
    overridden: list[OverridableRule]
    note: str
    answers: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    confirmed: ConfirmedPlaceResponse | None
    cancelled: CancellationResponse | None = absent()
    declined: DeclinationResponse | None = absent()


class AppointmentPage(Shape):
    items: list[AppointmentResponse]
    next: str | None


def _place(provider_id: UUID, start: datetime, end: datetime) -> Mapping[str, Any]:
    return {"provider_id": provider_id, "start": plain(start), "end": plain(end)}


def appointment_response(appointment: Appointment | ListedAppointment) -> Mapping[str, Any]:
    """An appointment as JSON."""
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
        "policy": {name: appointment.policy.get(name, DEFAULTS.get(name)) for name in POLICY},
        "free_cancellation": appointment.free_cancellation,
        "overridden": appointment.overridden,
        "note": appointment.note,
        "answers": appointment.answers,
        "created_at": plain(appointment.created_at),
        "expires_at": appointment.expires_at and plain(appointment.expires_at),
        "confirmed": appointment.confirmed_place and _place(**appointment.confirmed_place),
    }
    return {**answer, **_ending(appointment)}


def _ending(appointment: Appointment | ListedAppointment) -> Mapping[str, Any]:
    if appointment.cancelled is not None:
        return {"cancelled": {name: appointment.cancelled.get(name) for name in CancellationResponse.model_fields}}
    if appointment.declined is not None:
        return {"declined": {name: appointment.declined.get(name) for name in DeclinationResponse.model_fields}}
    return {}
