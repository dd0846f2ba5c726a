"""The query parameters of a list of appointments."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from domain.booking.appointment_status import AppointmentStatus
from interfaces.http.framework.details.external import ExternalId
from interfaces.http.framework.fields import (
    Instant,
    Paging,
    Several,
)
from projections.read_models.agenda.selection import AppointmentFilter, AppointmentOrder

MOST_PROVIDERS = 100


class AppointmentFilters(Paging):
    """Appointments, by default in the order of their start."""

    from_: Instant | None = Field(None, alias="from", description="Starting at this instant or later.")
    to: Instant | None = Field(None, description="Starting before this instant.")
    overlapping: bool = Field(
        default=False, description="Also those that start before `from` and end after it, such as across midnight."
    )
    updated_since: Instant | None = None
    status: Annotated[tuple[AppointmentStatus, ...] | None, Several] = None
    service_id: UUID | None = None
    provider_id: Annotated[tuple[UUID, ...] | None, Field(max_length=MOST_PROVIDERS), Several] = None
    customer_id: UUID | None = None
    organization_id: UUID | None = None
    external_id: ExternalId | None = None
    orphaned: bool = False
    sort: AppointmentOrder = AppointmentOrder.START

    @field_validator("to")
    @classmethod
    def _check_order(cls, to: datetime | None, earlier: ValidationInfo) -> datetime | None:
        since = earlier.data.get("from_")
        if to is not None and since is not None and to < since:
            raise PydanticCustomError("order", "`to` must not be before `from`.")
        return to


_SAME = {field.name for field in fields(AppointmentFilter)} - {"since", "until", "statuses", "provider_ids"}


def wanted(filters: AppointmentFilters) -> AppointmentFilter:
    """The filters as the read model takes them."""
    given = filters.model_dump(include=_SAME)
    return AppointmentFilter(
        since=filters.from_,
        until=filters.to,
        statuses=filters.status,
        provider_ids=filters.provider_id,
        **given,
    )
