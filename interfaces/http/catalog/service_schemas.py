"""Bodies, filters and answers about services: flat, durations in minutes, money in minor units."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.service import Service
from domain.catalog.service_terms import DEFAULTS
from interfaces.http.catalog.booking_window import BookingWindowBody
from interfaces.http.catalog.search_schemas import SearchFilters, ServiceEarliestStart, search_fields
from interfaces.http.framework.details.contact import Link
from interfaces.http.framework.details.external import ExternalId, Metadata
from interfaces.http.framework.fields import (
    Body,
    Buffer,
    Change,
    Currency,
    Ids,
    LateCancel,
    Length,
    Line,
    Money,
    Name,
    Notice,
    Reminders,
    Resource,
    Shape,
    Tags,
    Text,
    Ttl,
    Words,
    absent,
)
from interfaces.http.scheduling.opening_hours import WeeklyWindow, minutes_of_week, week_response
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models import directory
from projections.search.search import FoundService

Align = Annotated[Literal["opening", "clock"], EnumName("SlotAlignment")]
Weekly = Annotated[list[WeeklyWindow], Field(min_length=1, max_length=336)]


class ServiceTermsBody(Body):
    """The terms that do not depend on the service's providers."""

    organization_id: UUID | None = None
    price: Money = 0
    step: Length | None = Field(None, description="Minutes between starts; by default the duration.")
    align: Align = "opening"
    buffer_before: Buffer = 0
    buffer_after: Buffer = 0
    capacity: int = Field(1, ge=1, le=1000)
    min_notice: Notice = 0
    window: BookingWindowBody | None = Field(None, description="null: no limit.")
    hours: Weekly | None = Field(None, description="Only within these of the provider's opening hours.")
    cancel_notice: Notice = 0
    reschedule_notice: Notice = 0
    max_reschedules: int | None = Field(None, ge=0, le=1000)
    late_cancel: LateCancel = "refuse"
    late_fee: Money | None = None
    approval: bool = Field(default=False, description="Whether staff must confirm a booking of a customer's.")
    approval_ttl: Ttl = Field(1440, description="Minutes that staff have to confirm or decline a request.")
    hold_ttl: Ttl = Field(5, description="Minutes that a hold keeps a time.")
    offer_ttl: Ttl = Field(15, description="Minutes that an offer from the waitlist keeps a time.")
    reminders: Reminders = Field([1440, 120], description="Minutes before the start at which to remind.")
    complete_after: Notice = Field(720, description="Minutes after the end until it counts as completed.")
    tags: Tags = []
    description: Text | None = None
    category: Name | None = None
    place: Line | None = None
    meeting_url: Link | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class ReplaceServiceBody(ServiceTermsBody):
    """A service of one provider, or of an organization and some of its providers."""

    name: Name
    duration: Length = Field(examples=[30])
    currency: Currency | None = None
    provider_id: UUID | None = None
    provider_ids: Ids | None = None

    @model_validator(mode="after")
    def _check_who(self) -> Self:
        check_who(self)
        return self


class CreateServiceBody(ReplaceServiceBody):
    """A service of one provider, or of an organization and some of its providers."""


class ChangeServiceBody(Change, ServiceTermsBody):
    """Only the given fields change; null clears an optional one."""

    name: Name = absent()
    duration: Length = absent()
    currency: Currency = absent()
    provider_id: UUID = absent()
    provider_ids: Ids = absent()
    organization_id: UUID = absent()
    price: Money = absent()
    align: Align = absent()
    buffer_before: Buffer = absent()
    buffer_after: Buffer = absent()
    capacity: int = Field(default_factory=lambda: 1, ge=1, le=1000)
    min_notice: Notice = absent()
    cancel_notice: Notice = absent()
    reschedule_notice: Notice = absent()
    late_cancel: LateCancel = absent()
    approval: bool = absent()
    approval_ttl: Ttl = absent()
    hold_ttl: Ttl = absent()
    offer_ttl: Ttl = absent()
    reminders: Reminders = absent()
    complete_after: Notice = absent()
    tags: Tags = absent()
    metadata: Metadata = absent()

    @model_validator(mode="after")
    def _check_who(self) -> Self:
        if self.model_fields_set & {"provider_id", "organization_id", "provider_ids"}:
            check_who(self)
        return self


class ServiceResponse(Resource):
    """A service, which can be booked unless it is `withdrawn`."""

    name: str
    provider_id: UUID | None
    organization_id: UUID | None
    provider_ids: list[UUID]
    duration: int
    price: int
    currency: str
    step: int | None
    align: Align
    buffer_before: int
    buffer_after: int
    capacity: int
    min_notice: int
    window: BookingWindowBody | None
    hours: list[WeeklyWindow] | None
    cancel_notice: int
    reschedule_notice: int
    max_reschedules: int | None
    late_cancel: LateCancel
    late_fee: int | None
    approval: bool
    approval_ttl: int
    hold_ttl: int
    offer_ttl: int
    reminders: list[int]
    complete_after: int
    tags: list[str]
    description: str | None
    category: str | None
    place: str | None
    meeting_url: str | None
    external_id: str | None
    metadata: dict[str, str]
    withdrawn: bool
    status: CatalogStatus


_SHOWN_TERMS = tuple(
    name for name in ServiceResponse.model_fields if name not in {"id", "version", "withdrawn", "status"}
)


class ListedServiceResponse(ServiceResponse):
    """`distance`: kilometres from `near` to its nearest provider. `earliest`: when sorted by it."""

    distance: float | None = None
    earliest: ServiceEarliestStart | None = None


class ServicePage(Shape):
    items: list[ListedServiceResponse]
    next: str | None


class ServiceFilters(SearchFilters):
    """Services that can be booked. Prices are compared in minor units, whatever the currency.

    By `earliest`: only those with a free start in the next 62 days. `near`: those of a provider there.
    """

    provider_id: UUID | None = None
    q: Words | None = None
    sort: Annotated[Literal["name", "price", "distance", "earliest"], EnumName("ServiceOrder")] = "name"


def check_who(body: ReplaceServiceBody | ChangeServiceBody) -> None:
    """Raise a validation error unless the body names one provider, or an organization with providers."""
    own = body.provider_id is not None
    shared = body.organization_id is not None, body.provider_ids is not None
    if shared != (not own, not own):
        raise PydanticCustomError("who", "Give either `provider_id`, or `organization_id` and `provider_ids`.")


def terms(body: ReplaceServiceBody | ChangeServiceBody, *, partly: bool = False) -> dict[str, Any]:
    """The terms as they are recorded; `partly`: only the given ones."""
    values = body.model_dump(mode="json", by_alias=True, exclude_unset=partly)
    if body.provider_id is not None:
        values |= {"provider_ids": [str(body.provider_id)], "organization_id": None}
    elif body.provider_ids is not None:
        values["provider_id"] = None
    if body.window is not None:
        values["window"] = body.window.model_dump(mode="json", by_alias=True, exclude_none=True)
    if body.hours is not None:
        values["hours"] = minutes_of_week(body.hours)
    return values


def service_response(service: Service | directory.ListedService) -> Mapping[str, Any]:
    """A service as JSON."""
    terms: Mapping[str, Any] = service.terms
    values = {name: terms.get(name, DEFAULTS.get(name)) for name in _SHOWN_TERMS}
    hours, window = values["hours"], values["window"]
    return {
        "id": service.id,
        "version": service.version,
        **values,
        "hours": week_response(hours) if hours else None,
        "window": window and {"kind": window["kind"], **{k: window.get(k) for k in ("days", "from", "to")}},
        "withdrawn": service.withdrawn,
        "status": service.status,
    }


def listed_service_response(service: FoundService) -> Mapping[str, Any]:
    """A service in a list as JSON."""
    return {**service_response(service), **search_fields(service.metres, service.earliest, "provider_id")}
