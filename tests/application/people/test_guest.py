"""Guests whom staff entered with an address become theirs who prove it."""

from typing import Any
from uuid import UUID

import pytest

from application.access import Caller, Role
from application.booking.appointment import (
    CancelAppointment,
    ChangeAppointment,
    MarkAppointment,
    cancel_appointment,
    change_appointment,
)
from application.booking.attendance import complete_appointment
from application.people.account import RegisterAccount, register_account
from application.people.contact import ChangeAddress, change_address
from application.people.customer import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    change_customer,
    create_customer,
    delete_customer,
)
from domain.errors import NotFound
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.customer import Customer
from domain.people.email_address import Address
from tests.application.conftest import Clocked
from tests.application.looking import look
from tests.support.builders import OpenWeek, a_booked_appointment, somebody

EMAIL, OTHER = "grace@example.org", "hopper@example.org"


def details(**changes: Any) -> dict[str, Any]:
    return {"name": "Grace", "email": EMAIL, "phone": None, "timezone": None, "note": ""} | changes


async def a_guest(store: Clocked, staff: Caller, email: str = EMAIL) -> UUID:
    address = await store.address_id(email)
    command = CreateCustomer(by=staff, id=new_id(), details=details(email=email), address=address)
    return (await create_customer(command, store)).aggregate.id


async def registered(store: Clocked, email: str = EMAIL, role: Role = Role.CUSTOMER) -> Caller:
    id = new_id()
    contact = {"email": email, "name": "Grace", "timezone": None, "language": None}
    command = RegisterAccount(
        by=Caller(id, role), account_id=id, role=role, address=await store.address_id(email), contact=contact
    )
    await register_account(command, store)
    return Caller(id, role)


async def owners(store: Clocked, guest: UUID) -> tuple[UUID, ...]:
    customer = await look(store, Customer, guest)
    assert customer is not None
    return customer.owners


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.PROVIDER])
async def test_whoever_proves_the_address_claims_all_its_guests(store: Clocked, week: OpenWeek, role: Role) -> None:
    guests = [await a_guest(store, week.owner), await a_guest(store, somebody(Role.PROVIDER), EMAIL.upper())]
    other = await a_guest(store, week.owner, OTHER)
    grace = await registered(store, role=role)
    for guest in guests:
        assert await owners(store, guest) == (guest, grace.account)
    assert await owners(store, other) == (other,)
    account = await look(store, Account, Account.id_of(grace.account))
    assert account is not None
    assert account.guests == tuple(guests)
    address = await look(store, Address, await store.address_id(EMAIL))
    assert address is not None
    assert address.guests == ()


async def test_a_changed_address_claims_as_well(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    grace = await registered(store, OTHER)
    address = await store.address_id(EMAIL)
    await change_address(ChangeAddress(by=grace, email=EMAIL, address=address), store)
    assert await owners(store, guest) == (guest, grace.account)


async def test_a_guest_is_found_by_the_address_that_it_has_now(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    change = ChangeCustomer(
        by=week.owner, customer_id=guest, details={"email": OTHER}, address=await store.address_id(OTHER)
    )
    await change_customer(change, store)
    await registered(store)
    assert await owners(store, guest) == (guest,)
    grace = await registered(store, OTHER)
    assert await owners(store, guest) == (guest, grace.account)


async def test_without_an_address_it_is_found_no_more(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    await change_customer(ChangeCustomer(by=week.owner, customer_id=guest, details={"phone": "123"}), store)
    await change_customer(ChangeCustomer(by=week.owner, customer_id=guest, details={"email": None}), store)
    await registered(store)
    assert await owners(store, guest) == (guest,)


async def test_one_that_has_ended_is_not_claimed(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    await delete_customer(DeleteCustomer(by=week.owner, customer_id=guest), store)
    await registered(store)
    assert await owners(store, guest) == (guest,)


async def test_what_customers_write_into_their_own_record_makes_them_nobodys_guest(store: Clocked) -> None:
    carl = somebody()
    command = CreateCustomer(by=carl, id=carl.account, details=details(), address=await store.address_id(EMAIL))
    await create_customer(command, store)
    await registered(store)
    assert await owners(store, carl.account) == (carl.account,)


async def test_who_claimed_a_guest_is_its_customer_and_nobody_else_is(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
    grace, stranger = await registered(store), await registered(store, OTHER)
    note = {"appointment_id": appointment.id, "note": "By the window."}
    with pytest.raises(NotFound):
        await change_appointment(ChangeAppointment(by=stranger, **note), store)
    assert (await change_appointment(ChangeAppointment(by=grace, **note), store)).aggregate.note
    with pytest.raises(NotFound):
        await change_customer(ChangeCustomer(by=stranger, customer_id=guest, details={"phone": "1"}), store)
    await change_customer(ChangeCustomer(by=grace, customer_id=guest, details={"phone": "1"}), store)
    done = await cancel_appointment(CancelAppointment(by=grace, appointment_id=appointment.id), store)
    assert done.aggregate.customer_id == guest


async def test_who_claimed_a_guest_is_not_staff(store: Clocked, week: OpenWeek) -> None:
    guest = await a_guest(store, week.owner)
    appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
    grace = await registered(store, role=Role.PROVIDER)
    with pytest.raises(NotFound):
        await complete_appointment(MarkAppointment(by=grace, appointment_id=appointment.id), store)
