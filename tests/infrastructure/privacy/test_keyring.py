"""One key a person: made once, gone for good with the record that says so, and wrapped anew without a gap."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.kernel import new_id
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from infrastructure.event_log.event_codec import decode, encode
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import Appended, LogEntry
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.privacy.field_encryption import decrypt, encrypt, personal_of, place_of
from infrastructure.privacy.keyring import Keyring, PersonKeyRows
from infrastructure.privacy.master_keys import MasterKeys, UnknownMasterKey, WrappedKey
from infrastructure.privacy.person_keys import PersonKeys
from tests.conftest import Database
from tests.support.builders import a_booked_appointment, an_open_week, somebody
from tests.support.instances import ask, clean_environment, within
from tests.support.sealed import MASTERS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD, NEW = "the old master key of the tests, long", "the new master key of the tests, long"


@pytest.fixture
async def journal(database: Database):
    journal = PostgresJournal(database.application)
    await journal.open()
    yield journal
    await journal.close()


async def test_new_persons_at_once_share_statements_and_have_one_key_each(database: Database) -> None:
    """By two processes, which make keys for the same persons at once: both use the one that was first."""
    async with AsyncExitStack() as stack:
        pools = [AsyncConnectionPool[AsyncConnection](database.application, open=False) for _ in range(2)]
        for pool in pools:
            await stack.enter_async_context(pool)
        rows = [CountedKeys(pool, 5.0) for pool in pools]
        keyrings, persons = [Keyring(each, MASTERS) for each in rows], [new_id() for _ in range(100)]
        made = await asyncio.gather(*(keyring.for_writing([each]) for each in persons for keyring in keyrings))
    found = [(person, key) for keys in made for person, key in keys.items()]
    assert len(found) == 200
    assert len(set(found)) == len({key for _, key in found}) == 100
    assert sum(each.statements for each in rows) < 20, "not one for each person"


class CountedKeys(PersonKeys):
    """Counts its statements."""

    statements = 0

    async def get(self, subjects: Collection[UUID]) -> Mapping[UUID, WrappedKey]:
        self.statements += 1
        return await super().get(subjects)

    async def add(self, keys: Mapping[UUID, WrappedKey]) -> Collection[UUID]:
        self.statements += 1
        return await super().add(keys)


def test_what_is_sealed_opens_with_its_key_at_its_place_alone() -> None:
    key, place = bytes(32), place_of(new_id(), 1, "details")
    sealed = encrypt(key, {"name": "Zoë Lovelace"}, place)
    assert decrypt(key, sealed, place) == {"name": "Zoë Lovelace"}
    assert b"Lovelace" not in sealed
    for other, where in ((b"x" * 32, place), (key, place + b"x")):
        with pytest.raises(UnknownMasterKey):
            decrypt(other, sealed, where)


def test_a_key_is_wrapped_for_its_person_alone_and_opens_with_either_master() -> None:
    who = new_id()
    wrapped = MasterKeys(OLD).wrap(who, bytes(32))
    assert MasterKeys(NEW, OLD).unwrap(who, wrapped) == bytes(32)
    with pytest.raises(UnknownMasterKey, match="another master key"):
        MasterKeys(NEW).unwrap(who, wrapped)
    with pytest.raises(UnknownMasterKey):
        MasterKeys(OLD).unwrap(new_id(), wrapped)
    with pytest.raises(UnknownMasterKey):
        MasterKeys(OLD).unwrap(who, WrappedKey(bytes(len(wrapped.key)), wrapped.master))


def test_what_is_recorded_holds_no_plain_text_and_neither_does_the_aggregate() -> None:
    id = new_id()
    carl = Customer(id=id, by=id, details=PersonalData(id, {"name": "Carl"}), timestamp=NOW)
    row = encode(carl.pending_events[0], "{}", {id: bytes(32)})
    assert b"Carl" not in row.state
    assert (carl.name, carl.details.value) == ("", None)
    assert json.loads(row.state)["details"].keys() == {"personal", "sealed"}
    event = decode(row.topic, row.state, row.stream, row.version)
    assert [said.subject for said in personal_of([event])] == [id]
    assert "Carl" not in repr(event)


async def test_many_at_once_make_one_key(journal: PostgresJournal) -> None:
    who = new_id()
    rings = [Keyring(journal.keys, MASTERS) for _ in range(8)]
    made = await asyncio.gather(*(ring.for_writing([who]) for ring in rings))
    assert len({keys[who] for keys in made}) == 1


async def test_a_key_goes_with_the_record_that_forgets_and_with_no_other(journal: PostgresJournal) -> None:
    store = EventStore(journal, MASTERS)
    who, other = new_id(), new_id()
    await store.keyring.for_writing([who, other])
    moved = LogEntry(bytes(32), b"", (who, 1), {new_id(): 7}, (), forgets=[who])
    await journal.append(moved)
    assert await store.knows(who), "what is not recorded forgets nobody"
    recorded = await journal.append(LogEntry(b"k" * 32, b"", (who, 1), {}, (), forgets=[who]))
    assert isinstance(recorded, Appended)
    assert (await store.knows(who), await store.knows(other)) == (False, True)


async def test_the_application_s_role_deletes_no_key_itself(database: Database, journal: PostgresJournal) -> None:
    await Keyring(journal.keys, MASTERS).for_writing([new_id()])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(database.application, "DELETE FROM keyring.person")


async def test_an_address_is_the_same_however_it_is_written(journal: PostgresJournal) -> None:
    ring = Keyring(journal.keys, MASTERS)
    assert await ring.address_id("Grace@Example.ORG") == await ring.address_id("grace@example.org")
    assert await ring.address_id("grace@example.org") != await ring.address_id("grace@example.com")


async def test_rotation_killed_half_way_goes_on_and_nothing_is_unreadable(
    database: Database, journal: PostgresJournal
) -> None:
    before = Keyring(journal.keys, MasterKeys(OLD))
    people = [new_id() for _ in range(3_000)]
    keys = await before.for_writing(people)
    both = Keyring(journal.keys, MasterKeys(NEW, OLD))
    await asyncio.to_thread(_kill_half_way, database)
    assert 0 < _rotated(database) < len(people)
    assert await both.for_reading(people) == keys, "half-way everything can be read"
    told: list[tuple[int, int]] = []
    await both.rotate(lambda *so_far: told.append(so_far), most=500)
    assert await Keyring(journal.keys, MasterKeys(NEW)).for_reading(people) == keys
    assert await both.rotate(lambda *_: None) == 0
    assert told == sorted(told)


def _kill_half_way(database: Database) -> None:
    """Start rotating in another process, and kill it as soon as it has got anywhere."""
    arguments = [sys.executable, "-c", _ROTATE, database.application, NEW, OLD]
    with subprocess.Popen(arguments, env=clean_environment()) as process:
        within(30, lambda: _rotated(database) > 0)
        process.kill()


def _rotated(database: Database) -> int:
    query = "SELECT count(*) FROM keyring.person WHERE master = %s"
    (count,) = ask(database.owner, query, [MasterKeys(NEW).current])[0]
    return int(str(count))


_ROTATE = """
import asyncio, sys
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.privacy.master_keys import MasterKeys

async def rotate():
    store = postgres_store(sys.argv[1], MasterKeys(sys.argv[2], sys.argv[3]))
    await store.open()
    await store.keyring.rotate(lambda *_: None, most=5)

asyncio.run(rotate())
"""


class _Counted:
    """The table of keys, which counts the look-ups and keeps each waiting until it may go on."""

    def __init__(self, rows: PersonKeyRows) -> None:
        self._rows = rows
        self.asked: list[int] = []
        self.go_on = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    async def get(self, subjects: Collection[UUID]) -> Mapping[UUID, WrappedKey]:
        self.asked.append(len(subjects))
        await self.go_on.wait()
        return await self._rows.get(subjects)


async def test_keys_that_are_asked_for_during_a_look_up_share_the_next_one(journal: PostgresJournal) -> None:
    persons = [new_id() for _ in range(100)]
    await Keyring(journal.keys, MASTERS).for_writing(persons)
    rows = _Counted(journal.keys)
    keyring = Keyring(rows, MASTERS)
    first = asyncio.create_task(keyring.for_reading(persons[:1]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(keyring.for_reading([person])) for person in persons[1:]]
    await asyncio.sleep(0)
    rows.go_on.set()
    found = await asyncio.gather(first, *others)
    assert [len(keys) for keys in found] == [1] * 100
    assert [set(keys) for keys in found] == [{person} for person in persons]
    assert rows.asked == [1, 99]


async def test_who_asks_after_an_erasure_finds_no_key_whatever_look_up_is_under_way(
    journal: PostgresJournal, database: Database
) -> None:
    person = new_id()
    await Keyring(journal.keys, MASTERS).for_writing([person])
    rows = _Counted(journal.keys)
    keyring = Keyring(rows, MASTERS)
    before = asyncio.create_task(keyring.for_reading([person]))
    await asyncio.sleep(0)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("DELETE FROM keyring.person WHERE subject = %s", [person])
    after = asyncio.create_task(keyring.for_reading([person]))
    rows.go_on.set()
    await before
    assert await after == {}


async def test_a_booking_with_a_note_looks_the_persons_key_up_once(journal: PostgresJournal) -> None:
    store = EventStore(journal, MASTERS)
    week = await an_open_week(store)
    by = somebody()
    await a_booked_appointment(store, week, "09:00", by, note="by the window")  # makes the key
    rows = _Counted(journal.keys)
    rows.go_on.set()
    store.keyring = Keyring(rows, MASTERS)
    booked = await a_booked_appointment(store, week, "10:00", by, note="by the window")
    assert booked.note == "by the window"
    assert rows.asked == [1]
