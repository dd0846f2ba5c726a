"""The facts that a notice states about an appointment or an offered start."""

from dataclasses import dataclass
from datetime import datetime
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
    """`timezone`: the provider's. `cancel_until`: None once it has passed.

    `late_fee`: of a later cancellation, in minor units; None if that is refused. `sequence` rises with each change;
    `changed_at`: the time of the last one.
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
    """The details of an appointment, with the price and policy of its booking."""
    policy = appointment.policy
    until = appointment.cancellable_until
    return AppointmentDetails(
        *await _place(appointment.service_id, provider, store),
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
    """The details of an offered start, on the service's present terms."""
    service = await current_state(Service, hold.service_id, store)
    return AppointmentDetails(
        *await _place(hold.service_id, provider, store),
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        timezone=hold.timezone,
        price=service.terms["price"] if service else 0,
        currency=service.terms["currency"] if service else "",
    )


async def _place(service_id: UUID, provider: Provider, store: EventStore) -> tuple[str, str, str]:
    """Service, provider and address: the provider's own, else the organization's."""
    service = await current_state(Service, service_id, store)
    details = provider.details
    address, organization_id = details.get("address"), details.get("organization_id")
    if not address and organization_id is not None:
        organization = await current_state(Organization, UUID(organization_id), store)
        address = organization.profile.get("address") if organization else None
    return service.terms["name"] if service else "", details["name"], address or ""
