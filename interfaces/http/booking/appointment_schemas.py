"""Bodies and answers about appointments."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from application.booking.provider_selection import RuleOverride
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.move import MoveOutcome
from domain.booking.origin import OverridableRule, Party, ReasonCode
from domain.booking.orphan import OrphanChoice
from interfaces.http.booking.answers import Answers
from interfaces.http.framework.details.external import ExternalId, Metadata, empty
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    LateCancel,
    Query,
    Resource,
    Shape,
    Text,
    absent,
)

TEXTS = frozenset({"staff_note", "external_id", "metadata"})
"""What a body may say besides note and answers."""


class RuleOverrideBody(Body):
    """Booking rules that staff set aside, and why. Nobody books over another appointment, or in the past."""

    rules: list[OverridableRule] = Field(min_length=1, max_length=len(OverridableRule))
    reason: Annotated[Text, Field(min_length=1)]

    @property
    def command(self) -> RuleOverride:
        return RuleOverride(frozenset(self.rules), self.reason)


class BookAppointmentBody(Body):
    """Staff must name the customer. Without a provider, the one with the fewest appointments that week is booked.

    `hold_id`: one of the caller's holds, of the same service and start. Staff who set rules aside may leave out
    `start`: the appointment of a walk-in begins at the next full minute.
    """

    service_id: UUID
    start: Instant = absent()
    provider_id: UUID | None = None
    customer_id: UUID | None = None
    hold_id: UUID | None = None
    note: Text = ""
    answers: Answers = empty()
    staff_note: Text = absent()
    external_id: ExternalId | None = None
    metadata: Metadata = empty()
    override: RuleOverrideBody | None = None


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
    override: RuleOverrideBody | None = None
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


class ConfirmedPlaceResponse(Shape):
    """The confirmed time and provider, which are kept until the customer's request to move is answered."""

    provider_id: UUID
    start: datetime
    end: datetime


class AppointmentMoveResponse(Shape):
    """The last move, or request for one. `by_customer`: whether the customer moved it or asked for that."""

    at: datetime
    by: UUID
    by_customer: bool
    outcome: MoveOutcome
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


class OrphanStateResponse(Shape):
    """Since when it lies outside the opening hours, and whether its customer was asked to choose another time."""

    at: datetime
    by: UUID
    choice: OrphanChoice | None


class AppointmentResponse(Resource):
    """An appointment, with the price and policy of when the customer booked or moved it.

    `expires_at`: when a request that nobody has confirmed loses its time. `confirmed`: where the appointment stays
    unless a requested move is confirmed. `orphaned`: it lies outside the opening hours, which were changed after it was
    booked; null once that is settled. `overridden`: the rules that staff set aside to book it or to move it.
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
    currency_exponent: int
    policy: AppointmentPolicyResponse
    free_cancellation: bool
    overridden: list[OverridableRule]
    note: str
    answers: dict[str, Any]
    external_id: str | None
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    orphaned: OrphanStateResponse | None
    confirmed: ConfirmedPlaceResponse | None
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


def texts(body: BookAppointmentBody | ChangeAppointmentBody) -> dict[str, Any]:
    """The given texts besides note and answers."""
    return {name: getattr(body, name) for name in sorted(TEXTS & body.model_fields_set)}
