"""What a notice says of an appointment, or of a place that is kept for somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.current_state import current_state
from application.event_log import EventStore
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service


@dataclass(frozen=True, slots=True)
class AppointmentDetails:
    """When, what, with whom, where, at what price. `timezone`: the provider's.

    `cancel_until`: None once it has passed. `late_fee`: what cancelling costs then, None if it is refused.
    `sequence` rises with each change; `changed_at`: when the last was.
    """

    service: str
    provider: str
    address: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    price: int
    currency: str
    cancel_until: datetime | None = None
    late_fee: int | None = None
    sequence: int = 0
    changed_at: datetime | None = None


async def visit_of(
    appointment: Appointment, provider: Provider, now: datetime, store: EventStore
) -> AppointmentDetails:
    """What is told of an appointment: price and policy as it keeps them."""
    policy = appointment.policy
    until = appointment.starts_at - timedelta(minutes=policy["cancel_notice"])
    return AppointmentDetails(
        **await _place(appointment.service_id, provider, store),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        timezone=appointment.timezone,
        price=appointment.price,
        currency=appointment.currency,
        cancel_until=until if until > now else None,
        late_fee=(policy["late_fee"] or 0) if policy["late_cancel"] == "fee" else None,
        sequence=appointment.version - 1,
        changed_at=appointment.modified_on,
    )


async def place_of(hold: Hold, provider: Provider, store: EventStore) -> AppointmentDetails:
    """What is told of a place that is kept: on the service's terms of today."""
    service = await current_state(Service, hold.service_id, store)
    terms: Mapping[str, Any] = service.terms if service else {"price": 0, "currency": ""}
    return AppointmentDetails(
        **await _place(hold.service_id, provider, store),
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        timezone=hold.timezone,
        price=terms["price"],
        currency=terms["currency"],
    )


async def _place(service_id: UUID, provider: Provider, store: EventStore) -> dict[str, Any]:
    """What, with whom, and where: at the provider's address, else at the organization's."""
    service = await current_state(Service, service_id, store)
    told = provider.told
    address, organization_id = told.get("address"), told.get("organization_id")
    if not address and organization_id is not None:
        organization = await current_state(Organization, UUID(organization_id), store)
        address = organization.profile.get("address") if organization else None
    return {
        "service": service.terms["name"] if service else "",
        "provider": told["name"],
        "address": address or "",
    }
