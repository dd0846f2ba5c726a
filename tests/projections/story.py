"""The people and things that the tests of read models tell about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms
from domain.booking.calendar_day import Day, days_touched, reserve
from domain.booking.origin import Origin
from domain.booking.placement import Booking, Move, Placement
from domain.booking.policy import Policy
from domain.booking.seat import Seat
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.people.customer import Customer
from domain.personal_data import PersonalData

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
"""A Monday."""


def at(hour: int, minute: int = 0, day: int = 7) -> datetime:
    """A time of January 2030, UTC."""
    return datetime(2030, 1, day, hour, minute, tzinfo=UTC)


def a_provider(name: str = "Ada", owner_id: UUID | None = None, **profile: Any) -> Provider:
    details = {
        "name": name,
        "timezone": "Europe/Paris",
        "organization_id": None,
        "bio": "",
        "address": None,
        "location": None,
        "tags": [],
    }
    return Provider.join(uuid4(), owner_id or uuid4(), {**details, **profile}, NOW)


def a_service(*providers: Provider, name: str = "Haircut", **terms: Any) -> Service:
    details = {
        "name": name,
        "provider_ids": [str(provider.id) for provider in providers],
        "organization_id": None,
        "duration": 30,
        "step": None,
        "align": "opening",
        "buffer_before": 0,
        "buffer_after": 0,
        "capacity": 1,
        "price": 4000,
        "currency": "EUR",
        "min_notice": 0,
        "window": None,
        "hours": None,
        "cancel_notice": 0,
        "reschedule_notice": 0,
        "max_reschedules": None,
        "late_cancel": "refuse",
        "late_fee": None,
        "tags": [],
    }
    return Service(id=uuid4(), by=uuid4(), terms={**details, **terms}, timestamp=NOW)


def a_customer(name: str = "Carl", by: UUID | None = None, **more: Any) -> Customer:
    details = {"name": name, "email": None, "phone": None, "timezone": None, "note": "", **more}
    id = uuid4()
    return Customer(id=id, by=by or uuid4(), details=PersonalData(id, details), timestamp=NOW)


def an_organization(name: str = "Ada's", owner_id: UUID | None = None, **profile: Any) -> Organization:
    details = {"name": name, "timezone": None, "bio": None, "address": None, **profile}
    by = owner_id or uuid4()
    return Organization(id=uuid4(), by=by, owner_id=by, profile=details, timestamp=NOW)


def a_place(provider_id: UUID, start: datetime) -> tuple[Move, BookedTerms]:
    """Half an hour with a provider, on lenient terms."""
    policy: Policy = {
        "cancel_notice": 0,
        "reschedule_notice": 0,
        "max_reschedules": None,
        "late_cancel": "refuse",
        "late_fee": None,
    }
    placement = Placement(provider_id, start, 30, 0, 0, "Europe/Paris")
    return Move(placement), BookedTerms(4000, "EUR", policy)


def an_appointment(
    provider_id: UUID | None = None,
    start: datetime | None = None,
    *,
    customer_id: UUID | None = None,
    service_id: UUID | None = None,
    organization_id: UUID | None = None,
    now: datetime = NOW,
) -> Appointment:
    """`organization_id`: of the provider, at the time of the booking."""
    move, terms = a_place(provider_id or uuid4(), start or at(10, day=8))
    origin = Origin(organization_id=organization_id)
    booking = Booking(uuid4(), service_id or uuid4(), customer_id or uuid4(), move.placement, origin)
    return Appointment.book(uuid4(), booking, terms, None, now)


def days(calendar_id: UUID, since: datetime, until: datetime) -> list[Day]:
    """New Days of a calendar, as many as the stretch touches."""
    return [
        Day(id=Day.id_of(calendar_id, day), calendar_id=calendar_id, date=day.isoformat(), timestamp=NOW)
        for day in days_touched(since, until)
    ]


def a_seat(start: datetime, *, minutes: int = 30, service_id: UUID | None = None) -> Seat:
    return Seat(uuid4(), service_id or uuid4(), start, start, start + timedelta(minutes=minutes))


def seat_all(of: list[Day], seat: Seat, capacity: int = 1) -> None:
    """Reserve the seat on all the days."""
    reserve(of, seat, capacity, NOW)
