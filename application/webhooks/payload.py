"""The message that a webhook's server receives of an event: ids and times as of the event, no personal data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.provider import Provider
from domain.kernel import Aggregate, derived_id
from domain.log_position import position_text
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A published event. `subject`: the aggregate as it was right after the event."""

    position: int
    type: str
    at: datetime
    subject: Aggregate


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """A message about one event to one webhook. `id`: the same at every attempt; `body`: JSON."""

    id: str
    body: bytes
    at: datetime


def message_id(webhook_id: UUID, position: int, at: datetime) -> str:
    """The id of a message, derived from webhook and event: the same at every retry and redelivery.

    After a restore, other events get positions that were used before; the time of the event tells them apart.
    """
    return f"msg_{derived_id('webhook', webhook_id, position, _written(at)).hex}"


def payload(happening: WebhookEvent) -> bytes:
    """The body of the message: ids and times as of the event, no personal data. The same bytes every time."""
    body = {
        "type": happening.type,
        "timestamp": _written(happening.at),
        "data": {**_data(happening.subject), "position": position_text(happening.position)},
    }
    return json.dumps(body, separators=(",", ":"), default=str).encode()


def _data(subject: Aggregate) -> Mapping[str, Any]:
    match subject:
        case Appointment():
            return _appointment(subject)
        case Schedule():
            return {"provider_id": subject.calendar_id, "version": subject.version, "timezone": subject.timezone}
        case Provider():
            return _provider(subject)
        case _:
            raise TypeError(f"no webhook receives events of {type(subject).__name__}")


def _appointment(appointment: Appointment) -> Mapping[str, Any]:
    return {
        "id": appointment.id,
        "version": appointment.version,
        "status": str(appointment.status),
        "service_id": appointment.service_id,
        "provider_id": appointment.provider_id,
        "customer_id": appointment.customer_id,
        "start": _written(appointment.starts_at),
        "end": _written(appointment.ends_at),
        "timezone": appointment.timezone,
    }


def _provider(provider: Provider) -> Mapping[str, Any]:
    return {
        "id": provider.id,
        "version": provider.version,
        "status": "deactivated" if provider.status is CatalogStatus.ENDED else provider.status.value,
        "organization_id": provider.profile.get("organization_id"),
        "timezone": provider.profile["timezone"],
    }


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
