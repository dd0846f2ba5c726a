"""Addresses that release 0.1.0 folded move to their own streams, by events, once."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from email_validator import validate_email

from application.access import OPERATOR, Role
from application.current_state import current_state
from application.people.account import RegisterAccount, register_account
from application.people.customer import CreateCustomer, create_customer
from domain.kernel import derived_id, new_id
from domain.people.account import Account
from domain.people.customer import Customer
from domain.people.email_address import Address
from infrastructure.address_streams import move_addresses
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import postgres_store
from tests.conftest import Database
from tests.support.builders import somebody
from tests.support.instances import ask
from tests.support.sealed import MASTERS
from tests.support.signing import change

SHARP, PLAIN, UMLAUT = "Info@straße.example", "info@strasse.example", "ida@bücher.example"
STAFF = somebody(Role.PROVIDER)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[EventStore]:
    store = postgres_store(database.application, MASTERS)
    await store.open()
    yield store
    await store.close()


async def folded(store: EventStore, email: str) -> UUID:
    """The stream of an address in release 0.1.0."""
    spelled = validate_email(email, check_deliverability=False, test_environment=True).normalized.casefold()
    key = await store.keyring.secret("addresses")
    return derived_id("address", hmac.digest(key, spelled.encode(), "sha256").hex())


async def an_account(store: EventStore, email: str, address: UUID) -> UUID:
    contact = {"email": email, "name": "Ida", "timezone": None, "language": None}
    command = RegisterAccount(by=OPERATOR, account_id=new_id(), role=Role.CUSTOMER, address=address, contact=contact)
    return (await register_account(command, store)).aggregate.account_id


async def a_guest(store: EventStore, email: str, address: UUID) -> UUID:
    details = {"name": "Guest", "email": email, "phone": None, "timezone": None, "note": ""}
    command = CreateCustomer(by=STAFF, id=new_id(), details=details, address=address)
    return (await create_customer(command, store)).aggregate.id


async def address_of(store: EventStore, account_id: UUID) -> UUID:
    account = await current_state(Account, Account.id_of(account_id), store)
    assert account is not None
    return account.address


async def stream(store: EventStore, id: UUID) -> tuple[UUID | None, tuple[UUID, ...]]:
    """Holder and guests of an address."""
    address = await current_state(Address, id, store)
    return (address.holder, address.guests) if address else (None, ())


async def moved(database: Database) -> int:
    return await asyncio.to_thread(move_addresses, database.owner, MASTERS)


def head(database: Database) -> int:
    ((upto,),) = ask(database.owner, "SELECT coalesce(max(notification_id), 0) FROM log.stored_events")
    assert isinstance(upto, int)
    return upto


def digests(database: Database) -> list[tuple[object, ...]]:
    return ask(database.owner, "SELECT digest FROM log.stored_events ORDER BY notification_id")


async def test_who_shared_a_stream_gets_their_own_and_others_stay(store: EventStore, database: Database) -> None:
    former = await folded(store, SHARP)
    assert former == await folded(store, PLAIN) == await store.address_id(PLAIN)
    ida = await an_account(store, SHARP, former)
    sharp, plain = await a_guest(store, SHARP, former), await a_guest(store, PLAIN, former)
    assert await folded(store, UMLAUT) == await store.address_id(UMLAUT)
    umlaut = await an_account(store, UMLAUT, await folded(store, UMLAUT))
    before = digests(database)

    assert await moved(database) == 2
    own = await store.address_id(SHARP)
    assert await address_of(store, ida) == own
    assert await stream(store, own) == (ida, (sharp,))
    assert await stream(store, former) == (None, (plain,))
    assert await address_of(store, umlaut) == await store.address_id(UMLAUT)
    assert digests(database)[: len(before)] == before, "nothing is rewritten"
    account = await current_state(Account, Account.id_of(ida), store)
    assert account is not None
    assert account.contact.get("email") == SHARP

    newcomer = await an_account(store, PLAIN, await store.address_id(PLAIN))
    guests = [await current_state(Customer, each, store) for each in (sharp, plain)]
    assert [guest and guest.claimed_by for guest in guests] == [None, newcomer]


@pytest.mark.parametrize("interrupted", [False, True])
async def test_a_second_run_records_nothing(store: EventStore, database: Database, interrupted: bool) -> None:
    await an_account(store, SHARP, await folded(store, SHARP))
    await a_guest(store, SHARP, await folded(store, SHARP))
    await moved(database)
    upto = head(database)
    if interrupted:  # after the events, before the mark
        ask(database.owner, "UPDATE auth.address_mark SET upto = 0")
    assert await moved(database) == 0
    assert head(database) == upto


async def test_of_two_runs_at_once_each_moves_what_is_left(store: EventStore, database: Database) -> None:
    for n in range(20):
        email = f"{n}@straße.example"
        await an_account(store, email, await folded(store, email))
    await asyncio.gather(moved(database), moved(database))
    for n in range(20):
        assert (await stream(store, await store.address_id(f"{n}@straße.example")))[0] is not None
        assert await stream(store, await folded(store, f"{n}@straße.example")) == (None, ())


async def test_what_an_older_process_records_meanwhile_moves_at_the_next_run(
    store: EventStore, database: Database
) -> None:
    assert await moved(database) == 0
    ida = await an_account(store, SHARP, await folded(store, SHARP))
    assert await moved(database) == 1
    assert await address_of(store, ida) == await store.address_id(SHARP)


async def test_a_disabled_account_moves_and_an_erased_one_stays(store: EventStore, database: Database) -> None:
    disabled = await an_account(store, SHARP, await folded(store, SHARP))
    await change(store, disabled, "disable")
    other = "other@straße.example"
    erased = await an_account(store, other, await folded(store, other))
    await change(store, erased, "forget")
    assert await moved(database) == 1
    assert await address_of(store, disabled) == await store.address_id(SHARP)
    assert await address_of(store, erased) == await folded(store, other)


async def test_an_address_that_is_taken_stays_with_its_holder(store: EventStore, database: Database) -> None:
    ida = await an_account(store, SHARP, await folded(store, SHARP))
    newer = await an_account(store, SHARP, await store.address_id(SHARP))
    assert await moved(database) == 0
    assert await address_of(store, ida) == await folded(store, SHARP)
    assert (await stream(store, await store.address_id(SHARP)))[0] == newer
