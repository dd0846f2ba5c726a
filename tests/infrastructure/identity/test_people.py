"""Races about people, between two processes on one log: of each, one wins."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from application.access import OPERATOR, Caller, Role
from application.people.account import (
    ChangeAccount,
    FindAccount,
    RegisterAccount,
    change_account,
    find_account,
    register_account,
)
from application.people.customer import (
    ChangeCustomer,
    CreateCustomer,
    change_customer,
    create_customer,
)
from domain.kernel import new_id
from domain.people.admins import Admins, LastAdmin
from domain.people.customer import Customer
from domain.people.email_address import AddressTaken
from infrastructure.event_log.event_store import EventStore
from tests.application.looking import look
from tests.infrastructure.conftest import Open
from tests.support.builders import somebody

Two = tuple[EventStore, EventStore]
EMAIL = "grace@example.org"


@pytest.fixture
async def two(database, open_store: Open) -> Two:
    """Two processes on one PostgreSQL, each with a cache of its own."""
    return await open_store(database.application), await open_store(database.application)


async def a_registration(store: EventStore, role: Role = Role.CUSTOMER, email: str = EMAIL) -> RegisterAccount:
    id = new_id()
    return RegisterAccount(
        by=Caller(id, role) if role in {Role.CUSTOMER, Role.PROVIDER} else OPERATOR,
        account_id=id,
        role=role,
        address=await store.address_id(email),
        contact={"email": email, "name": "Grace", "timezone": None, "language": None},
    )


async def both(*acts: Any) -> list[Any]:
    return await asyncio.gather(*acts, return_exceptions=True)


@pytest.mark.parametrize("times", range(3))
async def test_two_registrations_of_one_address_at_once(two: Two, times: int) -> None:
    commands = [await a_registration(two[n % 2]) for n in range(8)]
    results = await both(*(register_account(c, two[n % 2]) for n, c in enumerate(commands)))
    won = [result for result in results if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert all(isinstance(result, AddressTaken) for result in results if result not in won)
    for store in two:
        found = await find_account(FindAccount(by=OPERATOR, address=commands[0].address), store)
        assert found.aggregate.account_id == won[0].aggregate.account_id


@pytest.mark.parametrize("times", range(3))
async def test_two_claims_of_one_guest_at_once(two: Two, times: int) -> None:
    staff, guest = somebody(Role.PROVIDER), new_id()
    details = {"name": "Grace", "email": EMAIL, "phone": None, "timezone": None, "note": ""}
    address = await two[0].address_id(EMAIL)
    await create_customer(CreateCustomer(by=staff, id=guest, details=details, address=address), two[0])
    commands = [await a_registration(two[n % 2]) for n in range(6)]
    results = await both(*(register_account(c, two[n % 2]) for n, c in enumerate(commands)))
    (won,) = [result for result in results if not isinstance(result, BaseException)]
    for store in two:
        customer = await look(store, Customer, guest)
        assert customer is not None
        assert customer.owners == (guest, won.aggregate.account_id)
        assert customer.version == 3


@pytest.mark.parametrize("times", range(3))
async def test_a_guest_whose_address_changes_while_both_are_proven_is_one_persons(two: Two, times: int) -> None:
    first, second = two
    staff, guest, other = somebody(Role.PROVIDER), new_id(), "hopper@example.org"
    details = {"name": "Grace", "email": EMAIL, "phone": None, "timezone": None, "note": ""}
    address = await first.address_id(EMAIL)
    await create_customer(CreateCustomer(by=staff, id=guest, details=details, address=address), first)
    move = ChangeCustomer(by=staff, customer_id=guest, details={"email": other}, address=await first.address_id(other))
    one, two = await a_registration(first), await a_registration(second, email=other)
    results = await both(register_account(one, first), register_account(two, second), change_customer(move, second))
    assert not [result for result in results if isinstance(result, BaseException)]
    customer = await look(first, Customer, guest)
    assert customer is not None
    claimed = set(customer.owners) - {guest}
    assert claimed <= {one.account_id, two.account_id}
    assert len(claimed) <= 1


@pytest.mark.parametrize("change", [{"role": Role.CUSTOMER}, {"disabled": True}], ids=["demote", "disable"])
@pytest.mark.parametrize("times", range(3))
async def test_two_admins_who_dismiss_each_other_at_once(two: Two, change: dict[str, Any], times: int) -> None:
    first, second = two
    ids: list[UUID] = []
    for email in ("ada@example.org", "bea@example.org"):
        command = await a_registration(first, Role.ADMIN, email)
        await register_account(command, first)
        ids.append(command.account_id)
    ada, bea = (Caller(id, Role.ADMIN) for id in ids)
    results = await both(
        change_account(ChangeAccount(by=ada, account_id=bea.account, **change), first),
        change_account(ChangeAccount(by=bea, account_id=ada.account, **change), second),
    )
    assert [type(result) for result in results if isinstance(result, BaseException)] == [LastAdmin]
    admins = await look(first, Admins, Admins.ID)
    assert admins is not None
    assert len(admins.accounts) == 1
