"""Accounts made without mail: the first admin, and those of the demo."""

from collections.abc import AsyncIterator

import pytest

from application.access import OPERATOR, Role
from application.identity.credentials import WeakPassword
from application.people.account import FindAccount, find_account
from application.people.email_address import NotDeliverable
from domain.kernel import new_id
from domain.people.email_address import AddressTaken
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.identity.account_provisioning import AccountProvisioning, NewAccount
from infrastructure.identity.credentials import Credentials
from infrastructure.identity.passwords import Passwords
from tests.infrastructure.conftest import Open

PASSWORD, PEPPER = "a ship in port is safe", b"pepper of the tests"


@pytest.fixture
async def rows(database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application) as rows:
        yield rows


@pytest.fixture
async def store(database, open_store: Open) -> EventStore:
    return await open_store(database.application)


@pytest.fixture
def registrar(store: EventStore, rows: RowPool) -> AccountProvisioning:
    return AccountProvisioning(store, Credentials(rows, store.keyring), PEPPER)


def newcomer(email: str = "ada@example.org", role: Role = Role.ADMIN) -> NewAccount:
    return NewAccount(new_id(), role, email, "Ada")


async def test_who_is_made_can_sign_in(registrar: AccountProvisioning, store: EventStore, rows: RowPool) -> None:
    ada, bea = newcomer(), newcomer("bea@example.org", Role.AUDITOR)
    await registrar.make([ada, bea], PASSWORD)
    for each in (ada, bea):
        found = FindAccount(by=OPERATOR, address=await store.address_id(each.email))
        account = (await find_account(found, store)).aggregate
        assert (account.account_id, account.role) == (each.account_id, each.role)
        credential = await Credentials(rows, store.keyring).get(each.account_id)
        assert credential is not None
        assert await Passwords(PEPPER).verify(PASSWORD, credential.password)


async def test_those_who_are_there_stay_as_they_are(
    registrar: AccountProvisioning, store: EventStore, rows: RowPool
) -> None:
    ada = newcomer()
    await registrar.settle([ada], PASSWORD)
    before = await rows.all("SELECT * FROM auth.credential")
    await registrar.settle([ada, newcomer(), newcomer("ADA@example.org")], "another ship at sea")
    assert await rows.all("SELECT * FROM auth.credential") == before
    assert (await rows.all("SELECT count(*) FROM log.stored_events WHERE topic = 'Account.Registered'")) == [(1,)]


async def test_an_address_that_is_taken_gets_no_second_account_and_no_password(
    registrar: AccountProvisioning, rows: RowPool
) -> None:
    await registrar.make([newcomer()], PASSWORD)
    with pytest.raises(AddressTaken):
        await registrar.make([newcomer()], PASSWORD)
    assert await rows.all("SELECT count(*) FROM auth.credential") == [(1,)]


async def test_a_weak_password_and_no_address_are_refused(registrar: AccountProvisioning, rows: RowPool) -> None:
    with pytest.raises(WeakPassword):
        await registrar.make([newcomer()], "short")
    with pytest.raises(NotDeliverable):
        await registrar.make([newcomer("ada")], PASSWORD)
    assert await rows.all("SELECT * FROM auth.credential") == []
    assert await rows.all("SELECT * FROM log.stored_events") == []
