"""What belonging to an organization lets people do with its providers, services, appointments and guests."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from application.access import Caller, Role
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.attendance import check_in_appointment
from application.catalog.organization import (
    ChangeMember,
    DeleteOrganization,
    RemoveMember,
    change_member,
    delete_organization,
    remove_member,
)
from application.catalog.provider import (
    ChangeProvider,
    CreateProvider,
    DeleteProvider,
    change_provider,
    create_provider,
    delete_provider,
)
from application.catalog.service import (
    ChangeService,
    CreateService,
    DeleteService,
    change_service,
    create_service,
    delete_service,
)
from application.people.customer import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    change_customer,
    create_customer,
    delete_customer,
)
from application.scheduling.schedule import (
    ReplaceOverride,
    ReplaceSchedule,
    TakeTimeOff,
    replace_override,
    replace_schedule,
    take_time_off,
)
from domain.catalog.organization import Organization, Rank
from domain.catalog.service import NotOfferedBy
from domain.errors import Forbidden, Invalid, NotFound
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from tests.application.conftest import Clocked
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_provider,
    a_service,
    an_open_week,
    an_organization,
    profile,
    somebody,
    terms,
)

ADMIN = somebody(Role.ADMIN)
DETAILS = {"name": "Guest", "email": None, "phone": None, "timezone": None, "note": ""}


class Salon(NamedTuple):
    """An organization with a member of each rank; the week's provider belongs to it."""

    id: UUID
    week: OpenWeek
    owner: Caller
    manager: Caller
    staff: Caller
    store: Clocked


Act = Callable[[Caller, Salon], Awaitable[Any]]


@pytest.fixture
async def salon(store: Clocked, week: OpenWeek) -> Salon:
    owner, manager, staff = (somebody(Role.PROVIDER) for _ in range(3))
    id = await an_organization(store, owner, manager=manager, staff=staff)
    await affiliate(store, week.provider_id, id)
    return Salon(id, week, owner, manager, staff, store)


async def affiliate(store: Clocked, provider_id: UUID, organization_id: UUID | None) -> None:
    told = {"organization_id": organization_id and str(organization_id)}
    await change_provider(ChangeProvider(by=ADMIN, provider_id=provider_id, profile=told), store)


async def a_guest(by: Caller, store: Clocked, organization_id: UUID | None = None) -> UUID:
    command = CreateCustomer(by=by, id=new_id(), details=DETAILS, organization_id=organization_id)
    return (await create_customer(command, store)).aggregate.id


async def book(by: Caller, it: Salon) -> Any:
    guest = await a_guest(by, it.store)
    return await book_appointment(it.week.booking("10:00", by, customer_id=guest), it.store)


async def book_with_any(by: Caller, it: Salon) -> Any:
    guest = await a_guest(by, it.store)
    return await book_appointment(it.week.booking("10:30", by, customer_id=guest, provider_id=None), it.store)


async def cancel(by: Caller, it: Salon) -> Any:
    made = await a_booked_appointment(it.store, it.week, "11:00")
    return await cancel_appointment(CancelAppointment(by=by, appointment_id=made.id, reason="ill"), it.store)


async def move(by: Caller, it: Salon) -> Any:
    made = await a_booked_appointment(it.store, it.week, "12:00")
    command = RescheduleAppointment(by=by, appointment_id=made.id, start=it.week.at("13:00"))
    return await reschedule_appointment(command, it.store)


async def check_in(by: Caller, it: Salon) -> Any:
    made = await a_booked_appointment(it.store, it.week, "14:00")
    it.store.set_clock(it.week.at("14:00"))
    return await check_in_appointment(MarkAppointment(by=by, appointment_id=made.id), it.store)


async def set_hours(by: Caller, it: Salon) -> Any:
    command = ReplaceSchedule(by=by, calendar_id=it.week.provider_id, timezone="UTC", weekly={"0": [[0, 60]]})
    return await replace_schedule(command, it.store)


async def close_a_date(by: Caller, it: Salon) -> Any:
    day = date(2026, 12, 25)
    return await replace_override(ReplaceOverride(by=by, calendar_id=it.week.provider_id, date=day, hours=[]), it.store)


async def take_off(by: Caller, it: Salon) -> Any:
    off = Interval(it.week.at("00:00"), it.week.at("01:00"))
    return await take_time_off(TakeTimeOff(by=by, calendar_id=it.week.provider_id, id=new_id(), off=off), it.store)


async def change_the_provider(by: Caller, it: Salon) -> Any:
    command = ChangeProvider(by=by, provider_id=it.week.provider_id, profile={"bio": "x"})
    return await change_provider(command, it.store)


async def end_the_provider(by: Caller, it: Salon) -> Any:
    return await delete_provider(DeleteProvider(by=by, provider_id=it.week.provider_id), it.store)


async def change_the_service(by: Caller, it: Salon) -> Any:
    return await change_service(ChangeService(by=by, service_id=it.week.service_id, terms={"price": 1}), it.store)


async def withdraw_the_service(by: Caller, it: Salon) -> Any:
    return await delete_service(DeleteService(by=by, service_id=it.week.service_id), it.store)


STAFF: dict[str, Act] = {
    "book": book,
    "book with any": book_with_any,
    "cancel": cancel,
    "move": move,
    "check in": check_in,
    "set hours": set_hours,
    "close a date": close_a_date,
    "take time off": take_off,
}
MANAGERS: dict[str, Act] = {
    "change the provider": change_the_provider,
    "end the provider": end_the_provider,
    "change the service": change_the_service,
    "withdraw the service": withdraw_the_service,
}


@pytest.mark.parametrize("what", sorted(STAFF))
@pytest.mark.parametrize("who", ["owner", "manager", "staff"])
async def test_members_look_after_appointments_and_hours(salon: Salon, what: str, who: str) -> None:
    before = salon.store.position
    await STAFF[what](getattr(salon, who), salon)
    assert salon.store.position > before


@pytest.mark.parametrize("what", sorted(MANAGERS))
async def test_managers_look_after_providers_and_services(salon: Salon, what: str) -> None:
    with pytest.raises(NotFound):
        await MANAGERS[what](salon.staff, salon)
    before = salon.store.position
    await MANAGERS[what](salon.manager, salon)
    assert salon.store.position > before


@pytest.mark.parametrize("what", sorted(STAFF | MANAGERS))
async def test_members_of_another_organization_are_strangers(salon: Salon, what: str) -> None:
    stranger = somebody(Role.PROVIDER)
    await an_organization(salon.store, stranger)
    with pytest.raises(NotFound):
        await (STAFF | MANAGERS)[what](stranger, salon)


@pytest.mark.parametrize("what", sorted(STAFF | MANAGERS))
async def test_who_was_removed_acts_no_more(salon: Salon, what: str) -> None:
    removal = RemoveMember(by=salon.owner, organization_id=salon.id, account_id=salon.manager.account)
    await remove_member(removal, salon.store)
    with pytest.raises(NotFound):
        await (STAFF | MANAGERS)[what](salon.manager, salon)


@pytest.mark.parametrize("what", sorted(STAFF | MANAGERS))
async def test_when_the_provider_leaves_members_are_strangers(salon: Salon, what: str) -> None:
    await affiliate(salon.store, salon.week.provider_id, None)
    with pytest.raises(NotFound):
        await (STAFF | MANAGERS)[what](salon.owner, salon)


async def test_a_lowered_rank_counts_at_once(salon: Salon) -> None:
    lower = ChangeMember(by=salon.owner, organization_id=salon.id, account_id=salon.manager.account, rank=Rank.STAFF)
    await change_member(lower, salon.store)
    with pytest.raises(NotFound):
        await change_the_provider(salon.manager, salon)
    await set_hours(salon.manager, salon)


async def test_membership_counts_with_the_role_of_staff_alone(salon: Salon) -> None:
    with pytest.raises(NotFound):
        await cancel(Caller(salon.owner.id, Role.CUSTOMER), salon)
    for role in (Role.CUSTOMER, Role.AUDITOR, Role.ANALYST):
        with pytest.raises(Forbidden):
            await set_hours(Caller(salon.owner.id, role), salon)


async def test_a_member_who_cancels_gives_a_reason_as_staff_do(salon: Salon) -> None:
    made = await a_booked_appointment(salon.store, salon.week, "11:00")
    with pytest.raises(Invalid):
        await cancel_appointment(CancelAppointment(by=salon.staff, appointment_id=made.id), salon.store)


@pytest.mark.parametrize("by", ["owner of the provider", "admin", "customer"])
async def test_the_organization_is_not_looked_at_where_it_does_not_matter(salon: Salon, by: str) -> None:
    made = await a_booked_appointment(salon.store, salon.week, "11:00", patron := somebody())
    caller = {"owner of the provider": salon.week.owner, "admin": ADMIN, "customer": patron}[by]
    salon.store.cache.clear()
    await cancel_appointment(CancelAppointment(by=caller, appointment_id=made.id, reason="ill"), salon.store)
    assert salon.id not in salon.store.cache


class TestAffiliation:
    async def test_managers_make_providers_in_their_organization(self, salon: Salon) -> None:
        for by in (salon.owner, salon.manager, ADMIN):
            told = profile(organization_id=str(salon.id))
            await create_provider(CreateProvider(by=by, id=new_id(), profile=told), salon.store)

    async def test_an_organization_one_does_not_manage_does_not_exist(self, salon: Salon) -> None:
        mine = await a_provider(salon.store, salon.staff)
        for by, id in ((salon.staff, salon.id), (somebody(Role.PROVIDER), salon.id), (ADMIN, new_id())):
            told = {"organization_id": str(id)}
            making = CreateProvider(by=by, id=new_id(), profile=profile(**told))
            with pytest.raises(Invalid) as refused:
                await create_provider(making, salon.store)
            assert (refused.value.pointer, refused.value.detail) == (
                "/organization_id",
                f"There is no organization {id}, or you do not have access.",
            )
        told = {"organization_id": str(salon.id)}
        joining = ChangeProvider(by=salon.staff, provider_id=mine, profile=told)
        with pytest.raises(Invalid) as refused:
            await change_provider(joining, salon.store)
        assert refused.value.pointer == "/organization_id"

    async def test_what_stays_as_it_is_need_not_be_one_s_own_to_give(self, salon: Salon) -> None:
        told = {"bio": "new", "organization_id": str(salon.id)}
        change = ChangeProvider(by=salon.week.owner, provider_id=salon.week.provider_id, profile=told)
        assert (await change_provider(change, salon.store)).aggregate.details["bio"] == "new"

    async def test_nothing_new_is_put_under_a_closed_organization(self, salon: Salon) -> None:
        await delete_organization(DeleteOrganization(by=salon.owner, organization_id=salon.id), salon.store)
        told = profile(organization_id=str(salon.id))
        with pytest.raises(Invalid):
            await create_provider(CreateProvider(by=salon.owner, id=new_id(), profile=told), salon.store)

    async def test_a_manager_lets_a_provider_go_but_takes_none_along(self, salon: Salon) -> None:
        own = await an_organization(salon.store, salon.manager)
        whom: dict[str, Any] = {"by": salon.manager, "provider_id": salon.week.provider_id}
        taking = ChangeProvider(**whom, profile={"organization_id": str(own)})
        with pytest.raises(Invalid) as refused:
            await change_provider(taking, salon.store)
        assert refused.value.pointer == "/organization_id"
        await change_provider(ChangeProvider(**whom, profile={"organization_id": None}), salon.store)

    async def test_an_owner_takes_the_provider_out(self, salon: Salon) -> None:
        leaving = ChangeProvider(
            by=salon.week.owner, provider_id=salon.week.provider_id, profile={"organization_id": None}
        )
        assert (await change_provider(leaving, salon.store)).aggregate.profile["organization_id"] is None


class TestServicesOfAnOrganization:
    async def shared(self, salon: Salon, by: Caller, *provider_ids: UUID, **changes: Any) -> UUID:
        told = terms(*(provider_ids or [salon.week.provider_id]), organization_id=str(salon.id), **changes)
        return (await create_service(CreateService(by=by, id=new_id(), terms=told), salon.store)).aggregate.id

    async def test_managers_offer_change_and_withdraw_them(self, salon: Salon) -> None:
        id = await self.shared(salon, salon.manager)
        for by in (salon.staff, salon.week.owner, somebody(Role.PROVIDER)):
            with pytest.raises(NotFound):
                await change_service(ChangeService(by=by, service_id=id, terms={"price": 1}), salon.store)
        await change_service(ChangeService(by=salon.owner, service_id=id, terms={"price": 1}), salon.store)
        await delete_service(DeleteService(by=salon.manager, service_id=id), salon.store)

    async def test_only_managers_name_the_organization(self, salon: Salon) -> None:
        for by in (salon.staff, salon.week.owner):
            with pytest.raises(Invalid) as refused:
                await self.shared(salon, by)
            assert refused.value.pointer == "/organization_id"
        claim = ChangeService(
            by=salon.week.owner, service_id=salon.week.service_id, terms={"organization_id": str(salon.id)}
        )
        with pytest.raises(Invalid) as refused:
            await change_service(claim, salon.store)
        assert refused.value.pointer == "/organization_id"

    async def test_they_are_offered_by_its_providers_alone(self, salon: Salon) -> None:
        own = await a_provider(salon.store, salon.manager)
        with pytest.raises(Invalid) as refused:
            await self.shared(salon, salon.manager, own)
        assert refused.value.pointer == "/provider_ids"

    async def test_who_has_left_offers_them_no_more(self, salon: Salon) -> None:
        stays = await a_provider(salon.store, salon.manager, organization_id=str(salon.id))
        id = await self.shared(salon, salon.manager, salon.week.provider_id, stays)
        await affiliate(salon.store, salon.week.provider_id, None)
        booking: dict[str, Any] = {"service_id": id, "by": somebody(), "start": salon.week.at("09:00")}
        named = BookAppointment(id=new_id(), provider_id=salon.week.provider_id, **booking)
        with pytest.raises(NotOfferedBy):
            await book_appointment(named, salon.store)
        done = await book_appointment(BookAppointment(id=new_id(), **booking), salon.store)
        assert done.aggregate.provider_id == stays

    async def test_an_organization_of_which_nothing_is_known_is_nobody_s(self, store: Clocked) -> None:
        week = await an_open_week(store)
        with pytest.raises(Invalid):
            await a_service(store, week.owner, week.provider_id, organization_id=str(new_id()))


class TestGuests:
    async def test_members_change_and_book_for_guests_made_for_the_organization(self, salon: Salon) -> None:
        guest = await a_guest(salon.staff, salon.store, salon.id)
        await change_customer(
            ChangeCustomer(by=salon.manager, customer_id=guest, details={"note": "tall"}), salon.store
        )
        await book_appointment(salon.week.booking("10:00", salon.owner, customer_id=guest), salon.store)
        await delete_customer(DeleteCustomer(by=salon.owner, customer_id=guest), salon.store)

    async def test_a_guest_made_for_oneself_is_unknown_to_colleagues(self, salon: Salon) -> None:
        guest = await a_guest(salon.staff, salon.store)
        with pytest.raises(NotFound):
            await delete_customer(DeleteCustomer(by=salon.owner, customer_id=guest), salon.store)
        with pytest.raises(NotFound):
            await book_appointment(salon.week.booking("10:00", salon.owner, customer_id=guest), salon.store)

    async def test_who_was_removed_knows_the_organization_s_guests_no_more(self, salon: Salon) -> None:
        guest = await a_guest(salon.staff, salon.store, salon.id)
        removal = RemoveMember(by=salon.owner, organization_id=salon.id, account_id=salon.staff.account)
        await remove_member(removal, salon.store)
        change = ChangeCustomer(by=salon.staff, customer_id=guest, details={"note": "mine"})
        with pytest.raises(NotFound):
            await change_customer(change, salon.store)

    @pytest.mark.parametrize("role", [Role.PROVIDER, Role.CUSTOMER])
    async def test_nobody_makes_guests_for_an_organization_of_others(self, salon: Salon, role: Role) -> None:
        with pytest.raises(Invalid) as refused:
            await a_guest(somebody(role), salon.store, salon.id)
        assert refused.value.pointer == "/organization_id"

    async def test_a_member_who_is_a_customer_makes_none_for_it(self, salon: Salon) -> None:
        with pytest.raises(Invalid):
            await a_guest(Caller(salon.staff.id, Role.CUSTOMER), salon.store, salon.id)


async def test_a_removal_recorded_elsewhere_undoes_what_builds_on_the_membership(salon: Salon) -> None:
    """What this process remembers of the organization is held against the log when it records."""
    made = await a_booked_appointment(salon.store, salon.week, "11:00")
    other = Clocked()
    other.journal = other.memory = salon.store.memory
    removal = RemoveMember(by=salon.owner, organization_id=salon.id, account_id=salon.staff.account)
    await remove_member(removal, other)
    known = salon.store.cache.get(salon.id)
    assert isinstance(known, Organization)
    assert salon.staff.id in known.members
    with pytest.raises(NotFound):
        await cancel_appointment(CancelAppointment(by=salon.staff, appointment_id=made.id, reason="spite"), salon.store)
