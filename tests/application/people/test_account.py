"""Registering, changing and counting accounts, on a log in memory."""

from typing import Any
from uuid import UUID

import pytest

from application.access import ANONYMOUS, OPERATOR, Caller, Role
from application.people.account import (
    ChangeAccount,
    FindAccount,
    RegisterAccount,
    change_account,
    find_account,
    register_account,
)
from application.people.contact import ChangeAddress, ChangeContact, change_address, change_contact
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.account_status import AccountDisabled, AccountStatus, OwnRole
from domain.people.admins import LastAdmin
from domain.people.customer import Customer
from domain.people.email_address import AddressTaken
from tests.application.conftest import Clocked
from tests.application.looking import look
from tests.support.builders import somebody

ADMIN = somebody(Role.ADMIN)


def contact(email: str = "ada@example.org", **changes: Any) -> dict[str, Any]:
    return {"email": email, "name": "Ada", "timezone": None, "language": None} | changes


async def registration(store: Clocked, email: str = "ada@example.org", role: Role = Role.CUSTOMER) -> RegisterAccount:
    """By whoever has proven the address."""
    id = new_id()
    return RegisterAccount(
        by=Caller(id, role),
        account_id=id,
        role=role,
        address=await store.address_id(email),
        contact=contact(email),
    )


async def made(store: Clocked, role: Role, email: str) -> Caller:
    """Somebody with an account that an admin has made."""
    id = new_id()
    command = RegisterAccount(
        by=OPERATOR, account_id=id, role=role, address=await store.address_id(email), contact=contact(email)
    )
    await register_account(command, store)
    return Caller(id, role)


async def account_of(store: Clocked, caller: Caller) -> Account:
    return (await find_account(FindAccount(by=OPERATOR, account_id=caller.account), store)).aggregate


class TestRegister:
    async def test_makes_account_address_and_the_customers_record_in_one(self, store: Clocked) -> None:
        command = await registration(store)
        account = (await register_account(command, store)).aggregate
        assert account.contact.value == contact()
        assert store.recorded() == [
            "Account.Registered",
            "Address.Noted",
            "Address.Claimed",
            "Customer.Registered",
        ]
        customer = await look(store, Customer, command.account_id)
        assert customer is not None
        assert not customer.is_guest
        found = await find_account(FindAccount(by=OPERATOR, address=command.address), store)
        assert found.aggregate.account_id == command.account_id

    async def test_a_provider_is_no_customer(self, store: Clocked) -> None:
        await register_account(await registration(store, role=Role.PROVIDER), store)
        assert "Customer.Registered" not in store.recorded()

    async def test_an_address_has_one_account_however_it_is_written(self, store: Clocked) -> None:
        await register_account(await registration(store), store)
        for spelling in ("ada@example.org", "ADA@Example.ORG"):
            with pytest.raises(AddressTaken):
                await register_account(await registration(store, spelling), store)

    async def test_once_is_enough(self, store: Clocked) -> None:
        command = await registration(store)
        await register_account(command, store)
        before = store.position
        await register_account(command, store)
        assert store.position == before

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ANALYST])
    async def test_nobody_makes_themselves_more_than_a_provider(self, store: Clocked, role: Role) -> None:
        with pytest.raises(Forbidden):
            await register_account(await registration(store, role=role), store)
        command = RegisterAccount(**{**_fields(await registration(store)), "role": role})
        with pytest.raises(Forbidden):
            await register_account(command, store)
        command = RegisterAccount(**{**_fields(await registration(store)), "role": Role.ADMIN})
        with pytest.raises(Forbidden):
            await register_account(command, store)

    async def test_nobody_registers_in_anothers_name(self, store: Clocked) -> None:
        command = await registration(store)
        for by, refusal in ((somebody(), Forbidden), (ANONYMOUS, Unauthenticated)):
            forged = RegisterAccount(**{**_fields(command), "by": by})
            with pytest.raises(refusal):
                await register_account(forged, store)

    async def test_a_zone_must_exist(self, store: Clocked) -> None:
        command = await registration(store)
        with pytest.raises(Invalid):
            await register_account(RegisterAccount(**{**_fields(command), "contact": contact(timezone="Mars")}), store)


def _fields(command: RegisterAccount) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__dataclass_fields__}


class TestContact:
    async def test_what_is_not_said_stays(self, store: Clocked) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        done = await change_contact(ChangeContact(by=ada, contact={"name": "Ada L."}, version=1), store)
        assert done.aggregate.contact.value == contact(name="Ada L.")
        with pytest.raises(Stale):
            await change_contact(ChangeContact(by=ada, contact={"name": "X"}, version=1), store)

    async def test_nothing_new_is_no_event(self, store: Clocked) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        before = store.position
        await change_contact(ChangeContact(by=ada, contact={"name": "Ada"}), store)
        assert store.position == before

    async def test_who_has_no_account_has_nothing_to_change(self, store: Clocked) -> None:
        with pytest.raises(NotFound):
            await change_contact(ChangeContact(by=somebody(), contact={"name": "X"}), store)


class TestAddress:
    async def test_the_former_one_is_free_for_others(self, store: Clocked) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        fresh = await store.address_id("ada@example.net")
        done = await change_address(ChangeAddress(by=ada, email="ada@example.net", address=fresh), store)
        assert done.aggregate.contact.get("email") == "ada@example.net"
        assert done.aggregate.address == fresh
        await register_account(await registration(store), store)

    async def test_one_that_is_taken_stays_so(self, store: Clocked) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        await made(store, Role.CUSTOMER, "bea@example.org")
        taken = await store.address_id("bea@example.org")
        with pytest.raises(AddressTaken):
            await change_address(ChangeAddress(by=ada, email="bea@example.org", address=taken), store)

    async def test_who_is_disabled_changes_nothing(self, store: Clocked) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        await change_account(ChangeAccount(by=ADMIN, account_id=ada.account, disabled=True), store)
        fresh = await store.address_id("ada@example.net")
        with pytest.raises(AccountDisabled):
            await change_address(ChangeAddress(by=ada, email="ada@example.net", address=fresh), store)
        with pytest.raises(AccountDisabled):
            await change_contact(ChangeContact(by=ada, contact={"name": "X"}), store)


class TestRoles:
    @pytest.mark.parametrize("by", [somebody(), somebody(Role.PROVIDER), somebody(Role.AUDITOR)])
    async def test_only_admins_change_them(self, store: Clocked, by: Caller) -> None:
        ada = await made(store, Role.CUSTOMER, "ada@example.org")
        with pytest.raises(Forbidden):
            await change_account(ChangeAccount(by=by, account_id=ada.account, role=Role.ADMIN), store)

    async def test_nobody_raises_or_lowers_themselves(self, store: Clocked) -> None:
        ada = await made(store, Role.ADMIN, "ada@example.org")
        await made(store, Role.ADMIN, "bea@example.org")
        for change in ({"role": Role.CUSTOMER}, {"disabled": True}):
            with pytest.raises(OwnRole):
                await change_account(ChangeAccount(by=ada, account_id=ada.account, **change), store)

    @pytest.mark.parametrize("change", [{"role": Role.CUSTOMER}, {"disabled": True}])
    async def test_one_active_admin_stays(self, store: Clocked, change: dict[str, Any]) -> None:
        ada = await made(store, Role.ADMIN, "ada@example.org")
        bea = await made(store, Role.ADMIN, "bea@example.org")
        await change_account(ChangeAccount(by=ada, account_id=bea.account, **change), store)
        with pytest.raises(LastAdmin):
            await change_account(ChangeAccount(by=bea, account_id=ada.account, **change), store)
        assert (await account_of(store, ada)).status is AccountStatus.ACTIVE

    async def test_who_is_made_an_admin_or_enabled_again_counts(self, store: Clocked) -> None:
        ada = await made(store, Role.ADMIN, "ada@example.org")
        bea = Caller((await made(store, Role.CUSTOMER, "bea@example.org")).account, Role.ADMIN)
        await change_account(ChangeAccount(by=ada, account_id=bea.account, disabled=True), store)
        await change_account(ChangeAccount(by=ada, account_id=bea.account, role=Role.ADMIN), store)
        with pytest.raises(LastAdmin):
            await change_account(ChangeAccount(by=bea, account_id=ada.account, disabled=True), store)
        await change_account(ChangeAccount(by=ada, account_id=bea.account, disabled=False), store)
        await change_account(ChangeAccount(by=bea, account_id=ada.account, disabled=True), store)
        assert (await account_of(store, ada)).status is AccountStatus.DISABLED

    async def test_one_that_is_not_there_is_not_found(self, store: Clocked) -> None:
        with pytest.raises(NotFound):
            await change_account(ChangeAccount(by=ADMIN, account_id=UUID(int=1), disabled=True), store)
