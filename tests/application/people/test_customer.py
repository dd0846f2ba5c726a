"""Customers register themselves; staff make guests."""

from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.people.customer import (
    ChangeCustomer,
    CreateCustomer,
    DeleteCustomer,
    change_customer,
    create_customer,
    delete_customer,
)
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from domain.people.customer import CustomerDeleted, CustomerExists
from tests.application.conftest import Clocked
from tests.support.builders import somebody

ME, STAFF, ADMIN = somebody(), somebody(Role.PROVIDER), somebody(Role.ADMIN)


def details(**changes: Any) -> dict[str, Any]:
    return {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""} | changes


async def test_a_customer_registers_once_under_their_own_account(store: Clocked) -> None:
    register = CreateCustomer(by=ME, id=new_id(), details=details())
    assert (await create_customer(register, store)).aggregate.id == ME.id
    with pytest.raises(CustomerExists):
        await create_customer(register, store)


async def test_a_zone_must_exist(store: Clocked) -> None:
    with pytest.raises(Invalid):
        await create_customer(CreateCustomer(by=ME, id=ME.account, details=details(timezone="Mars")), store)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (somebody(Role.AUDITOR), Forbidden),
        (somebody(Role.ANALYST), Forbidden),
        (somebody(Role.CUSTOMER), NotFound),
        (somebody(Role.PROVIDER), NotFound),
    ],
)
async def test_strangers_neither_change_nor_end_one(store: Clocked, by: Caller, refusal: type[Exception]) -> None:
    guest = await create_customer(CreateCustomer(by=STAFF, id=new_id(), details=details()), store)
    id = guest.aggregate.id
    with pytest.raises(refusal):
        await change_customer(ChangeCustomer(by=by, customer_id=id, details={"name": "X"}), store)
    with pytest.raises(refusal):
        await delete_customer(DeleteCustomer(by=by, customer_id=id), store)


@pytest.mark.parametrize("by", [STAFF, ADMIN])
async def test_those_who_made_a_guest_and_admins_do(store: Clocked, by: Caller) -> None:
    guest = await create_customer(CreateCustomer(by=STAFF, id=new_id(), details=details()), store)
    id = guest.aggregate.id
    change = ChangeCustomer(by=by, customer_id=id, details={"name": "Rob"}, version=1)
    assert (await change_customer(change, store)).aggregate.name == "Rob"
    with pytest.raises(Stale):
        await change_customer(change, store)
    await delete_customer(DeleteCustomer(by=by, customer_id=id), store)
    with pytest.raises(CustomerDeleted):
        await change_customer(ChangeCustomer(by=by, customer_id=id, details={"name": "X"}), store)


async def test_a_customer_changes_and_ends_their_own(store: Clocked) -> None:
    await create_customer(CreateCustomer(by=ME, id=new_id(), details=details()), store)
    change = ChangeCustomer(by=ME, customer_id=ME.account, details={"phone": "1"})
    done = await change_customer(change, store)
    assert (done.aggregate.name, done.aggregate.phone) == ("Bob", "1")
    end = DeleteCustomer(by=ME, customer_id=ME.account)
    await delete_customer(end, store)
    before = store.position
    await delete_customer(end, store)
    assert store.position == before
