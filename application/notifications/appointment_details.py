"""The facts that a notice states about an appointment or an offered start."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
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
    """`timezone`: the provider's. `cancel_until`: None once it has passed. `may_move`: whether the customer may now.

    `late_fee`: of a later cancellation, in minor units; None if that is refused. `sequence` rises with each change;
    `changed_at`: the time of the last one. `email`, `phone`: the public contact; empty if there is none.
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
    may_move: bool = False
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class FormerPlace:
    """Start and provider before a move."""

    starts_at: datetime
    provider: str


async def visit_of(
    appointment: Appointment, provider: Provider, now: datetime, store: EventStore
) -> AppointmentDetails:
    """The details of an appointment, with the price and policy of its booking."""
    policy = appointment.policy
    until = appointment.cancellable_until
    return AppointmentDetails(
        **await place(appointment.service_id, provider, store),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        timezone=appointment.timezone,
        price=appointment.price,
        currency=appointment.currency,
        cancel_until=until if until >= now else None,
        late_fee=(policy["late_fee"] or 0) if policy["late_cancel"] == "fee" else None,
        sequence=appointment.version - 1,
        changed_at=appointment.modified_on,
        may_move=appointment.customer_may_move(now),
    )


async def former_place(appointment: Appointment, store: EventStore) -> FormerPlace | None:
    """Where it was before its last move, or stays while a move is requested.

    None if it was never moved, or the provider is erased.
    """
    before = appointment.confirmed.placement if appointment.confirmed is not None else appointment.former
    provider = await current_state(Provider, before.provider_id, store) if before is not None else None
    return FormerPlace(before.starts_at, provider.details["name"]) if before and provider else None


async def place_of(hold: Hold, provider: Provider, store: EventStore) -> AppointmentDetails:
    """The details of an offered start, on the service's present terms."""
    service = await current_state(Service, hold.service_id, store)
    return AppointmentDetails(
        **await place(hold.service_id, provider, store),
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        timezone=hold.timezone,
        price=service.terms["price"] if service else 0,
        currency=service.terms["currency"] if service else "",
    )


class PlaceNames(TypedDict):
    """What a mail says of a service and its provider besides the time."""

    service: str
    provider: str
    address: str
    email: str
    phone: str


async def place(service_id: UUID, provider: Provider, store: EventStore) -> PlaceNames:
    """Service, provider, address and public contact: the provider's own, else the organization's."""
    service = await current_state(Service, service_id, store)
    details = provider.details
    organization_id = details.get("organization_id")
    organization = await current_state(Organization, UUID(organization_id), store) if organization_id else None
    both: list[Mapping[str, Any]] = [details, organization.profile if organization else {}]

    def first(name: str) -> str:
        return next((str(each[name]) for each in both if each.get(name)), "")

    return {
        "service": service.terms["name"] if service else "",
        "provider": details["name"],
        "address": first("address"),
        "email": first("email"),
        "phone": first("phone"),
    }
