"""What a webhook's server is told of an event: ids and times, as they were then, nothing about persons."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.catalog.provider import Provider
from domain.kernel import Aggregate, derived_id
from domain.scheduling.schedule import Schedule


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What is to be told. `subject`: as it was right after the event."""

    position: int
    type: str
    at: datetime
    subject: Aggregate


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """`id`: of one event to one webhook, the same however often it is sent. `body`: JSON."""

    id: str
    body: bytes
    at: datetime


def message_id(webhook_id: UUID, position: int) -> str:
    """Follows from what it is about, so that it is the same at every retry and redelivery."""
    return f"msg_{derived_id('webhook', webhook_id, position).hex}"


def payload(happening: WebhookEvent) -> bytes:
    """What is sent: ids and times, as they were then; nothing about persons. The same bytes every time."""
    said = {
        "type": happening.type,
        "timestamp": _written(happening.at),
        "data": {**_told(happening.subject), "position": happening.position},
    }
    return json.dumps(said, separators=(",", ":"), default=str).encode()


def _told(subject: Aggregate) -> Mapping[str, Any]:
    match subject:
        case Appointment():
            return {
                "id": subject.id,
                "version": subject.version,
                "status": str(subject.status),
                "service_id": subject.service_id,
                "provider_id": subject.provider_id,
                "customer_id": subject.customer_id,
                "start": _written(subject.starts_at),
                "end": _written(subject.ends_at),
                "timezone": subject.timezone,
            }
        case Schedule():
            return {
                "provider_id": subject.calendar_id,
                "version": subject.version,
                "timezone": subject.timezone,
            }
        case Provider():
            return {
                "id": subject.id,
                "version": subject.version,
                "status": "active" if subject.active else "deactivated",
                "organization_id": subject.profile.get("organization_id"),
                "timezone": subject.profile["timezone"],
            }
        case _:
            raise TypeError(f"nobody is told of {type(subject).__name__}")


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
