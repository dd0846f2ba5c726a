"""Stories that tests start from, told through the application's own commands, on any store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from application.access import Caller, Role
from application.booking.appointment import BookAppointment, book_appointment
from application.catalog.organization import (
    AddMember,
    CreateOrganization,
    add_member,
    create_organization,
)
from application.catalog.provider import CreateProvider, create_provider
from application.catalog.service import CreateService, create_service
from application.event_log import CommandResult, EventStore, IdempotencyKey
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.booking.appointment import Appointment
from domain.catalog.organization import Rank
from domain.kernel import new_id

OFFICE_HOURS: dict[str, Any] = {str(day): [[9 * 60, 17 * 60]] for day in range(7)}


def somebody(role: Role = Role.CUSTOMER) -> Caller:
    """A caller with an account of its own."""
    return Caller(new_id(), role)


def a_key(value: str = "", request: str = "") -> IdempotencyKey:
    """An Idempotency-Key; the same words make the same key and fingerprint."""
    return IdempotencyKey((value or str(new_id())).encode().ljust(32, b"."), request.encode())


def profile(**changes: Any) -> dict[str, Any]:
    """A provider's profile."""
    return {
        "name": "Ada",
        "timezone": "UTC",
        "organization_id": None,
        "bio": "",
        "address": "",
        "location": None,
        "tags": [],
    } | changes


def terms(*provider_ids: UUID, **changes: Any) -> dict[str, Any]:
    """A service's terms: half an hour, one customer, cancelled and moved at any time before the start."""
    return {
        "name": "Haircut",
        "provider_ids": [str(id) for id in provider_ids],
        "organization_id": None,
        "duration": 30,
        "step": None,
        "align": "opening",
        "buffer_before": 0,
        "buffer_after": 0,
        "capacity": 1,
        "price": 2500,
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
    } | changes


@dataclass(frozen=True)
class OpenWeek:
    """A provider open 09:00-17:00 UTC every day, and a service. `monday`: 00:00 UTC of a Monday ahead."""

    store: EventStore
    owner: Caller
    provider_id: UUID
    service_id: UUID
    monday: datetime

    def at(self, clock: str, day: int = 0) -> datetime:
        """This time of day, so many days after the Monday."""
        hours, minutes = map(int, clock.split(":"))
        return self.monday + timedelta(days=day, hours=hours, minutes=minutes)

    def booking(self, clock: str, by: Caller | None = None, **more: Any) -> BookAppointment:
        """The command that books this time of the Monday, with the week's provider."""
        said = {"id": new_id(), "service_id": self.service_id, "provider_id": self.provider_id} | more
        return BookAppointment(by=by or somebody(), start=self.at(clock), **said)


async def an_organization(store: EventStore, owner: Caller, **members: Caller) -> UUID:
    """One of the owner's; `members`: `manager=`, `staff=`."""
    details = {"name": "Ada's", "timezone": None, "bio": None, "address": None}
    founding = CreateOrganization(by=owner, id=new_id(), profile=details)
    id = (await create_organization(founding, store)).aggregate.id
    for rank, member in members.items():
        adding = AddMember(by=owner, organization_id=id, account_id=member.account, rank=Rank(rank))
        await add_member(adding, store)
    return id


async def a_provider(
    store: EventStore, owner: Caller | None = None, hours: dict[str, Any] = OFFICE_HOURS, **changes: Any
) -> UUID:
    """A provider with weekly hours. `owner`: who works there."""
    owner = owner or somebody(Role.PROVIDER)
    zone = changes.get("timezone", "UTC")
    made = await create_provider(CreateProvider(by=owner, id=new_id(), profile=profile(**changes)), store)
    id = made.aggregate.id
    await replace_schedule(ReplaceSchedule(by=owner, calendar_id=id, timezone=zone, weekly=hours), store)
    return id


async def a_service(store: EventStore, owner: Caller, *provider_ids: UUID, **changes: Any) -> UUID:
    """A service of these providers, who are the owner's."""
    made = CreateService(by=owner, id=new_id(), terms=terms(*provider_ids, **changes))
    return (await create_service(made, store)).aggregate.id


async def an_open_week(store: EventStore, **changes: Any) -> OpenWeek:
    """A provider with office hours and a service. `changes`: of the service's terms."""
    owner = somebody(Role.PROVIDER)
    provider_id = await a_provider(store, owner)
    service_id = await a_service(store, owner, provider_id, **changes)
    return OpenWeek(store, owner, provider_id, service_id, monday_after(store.now()))


async def a_booked_appointment(
    store: EventStore,
    week: OpenWeek | None = None,
    clock: str = "09:00",
    by: Caller | None = None,
    **more: Any,
) -> Appointment:
    """An appointment on the week's Monday."""
    week = week or await an_open_week(store)
    done: CommandResult[Appointment] = await book_appointment(week.booking(clock, by, **more), store)
    return done.aggregate


def monday_after(now: datetime) -> datetime:
    """00:00 UTC of the first Monday at least a week after `now`."""
    day = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=8)
    return day + timedelta(days=-day.weekday() % 7)
