"""The messages that webhooks receive: their schemas, for the OpenAPI document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from domain.booking.appointment_status import AppointmentStatus
from domain.webhooks.webhook import TYPES
from interfaces.http.framework.fields import LogPosition, Shape
from interfaces.http.vocabulary.enum_name import EnumName


class AppointmentSnapshot(Shape):
    """An appointment right after the event."""

    id: UUID
    version: int
    status: AppointmentStatus
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    start: datetime
    end: datetime
    timezone: str
    position: LogPosition


class ScheduleSnapshot(Shape):
    """A schedule right after the event."""

    provider_id: UUID
    version: int
    timezone: str
    position: LogPosition


class ProviderSnapshot(Shape):
    """A provider right after the event."""

    id: UUID
    version: int
    status: Annotated[Literal["active", "paused", "deactivated"], EnumName("ProviderStatus")]
    organization_id: UUID | None
    timezone: str
    position: LogPosition


class _Message(Shape):
    type: str
    timestamp: datetime


class AppointmentMessage(_Message):
    """What happened to an appointment. It contains no personal data."""

    data: AppointmentSnapshot


class ScheduleMessage(_Message):
    """A schedule changed: weekly hours, an override, or time off."""

    data: ScheduleSnapshot


class ProviderMessage(_Message):
    """A provider's profile or organization changed, or the provider ended."""

    data: ProviderSnapshot


Message = AppointmentMessage | ScheduleMessage | ProviderMessage
_BY_SUBJECT: Mapping[str, type[Message]] = {
    "appointment": AppointmentMessage,
    "schedule": ScheduleMessage,
    "provider": ProviderMessage,
}
MESSAGES: Mapping[str, type[Message]] = {each: _BY_SUBJECT[each.partition(".")[0]] for each in TYPES}
"""By the type of the event."""
