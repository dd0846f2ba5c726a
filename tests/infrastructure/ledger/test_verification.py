"""Whatever somebody with all rights does to the log, the ledger names the first thing that does not hold."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.kernel import new_id
from infrastructure.event_log.event_codec import digest, seal_hash, sealed_keys
from infrastructure.ledger.verification import LedgerHeads, LogHead, VerificationResult, head_of, verify
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry, row
from tests.infrastructure.event_log.test_append import ask, call

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
METADATA = '{"actor": "somebody",  "note":"as\\u0020written"}'
BATCHES = (2, 1, 3, 2, 1)  # seals 1-2, 3-3, 4-6, 7-8, 9-9
FORGED = "'\\x7b7d0a'"


def write(database: Database, batches: tuple[int, ...] = BATCHES) -> None:
    """Batches of so many events."""
    for events in batches:
        rows = [row(new_id(), 1, state=b'{"name":"\xc3\xa9"}', metadata=METADATA) for _ in range(events)]
        call(database.application, entry(rows=rows))


KEEP = """
    CREATE SCHEMA kept;
    CREATE TABLE kept.stored_events AS TABLE log.stored_events;
    CREATE TABLE kept.command_key AS TABLE log.command_key;
    CREATE TABLE kept.seal AS TABLE log.seal"""
RESTORE = """
    TRUNCATE log.stored_events, log.seal, log.command_key;
    ALTER TABLE log.stored_events
        ALTER state SET NOT NULL, ALTER metadata SET NOT NULL, ALTER digest SET NOT NULL,
        ALTER recorded_at SET NOT NULL, ALTER notification_id SET NOT NULL,
        DROP CONSTRAINT IF EXISTS stored_events_position,
        ADD CONSTRAINT stored_events_position UNIQUE (notification_id);
    ALTER TABLE log.seal ALTER since SET NOT NULL, ALTER at SET NOT NULL, ALTER hash SET NOT NULL;
    INSERT INTO log.stored_events TABLE kept.stored_events;
    INSERT INTO log.command_key TABLE kept.command_key;
    INSERT INTO log.seal TABLE kept.seal"""


@pytest.fixture(scope="module")
def kept(new_database: Callable[[], Database]) -> Database:
    """One database for all that is done to it; a fresh one for each takes longer than the test."""
    database = new_database()
    write(database)
    tamper(database, KEEP)
    return database


@pytest.fixture
def log(kept: Database) -> Database:
    """Nine events under five seals."""
    tamper(kept, RESTORE)
    return kept


@pytest.fixture
async def auditor(kept: Database) -> AsyncIterator[AsyncConnection]:
    """As the application's role, which may only read."""
    async with await AsyncConnection.connect(kept.application, autocommit=True) as connection:
        yield connection


def tamper(database: Database, *statements: str) -> None:
    """As the superuser."""
    with psycopg.connect(database.owner) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def shift(since: int, by: int) -> list[str]:
    """Move the events from a position on, and the seals above, further up or down."""
    far = 1_000_000
    moves = []
    for table, column in (("stored_events", "notification_id"), ("seal", "upto")):
        moves += [
            f"UPDATE log.{table} SET {column} = {column} + {far} WHERE {column} >= {since}",
            f"UPDATE log.{table} SET {column} = {column} - {far} + {by} WHERE {column} >= {far}",
        ]
    return [*moves, f"UPDATE log.seal SET since = since + {by} WHERE since > {since}"]


def insert(position: int, sealed: bytes | None = None, *, at: int = 4) -> str:
    """An event that was never appended, recorded when that at another position was."""
    id, stream = new_id(), new_id()
    said = sealed if sealed is not None else digest(id, stream, 1, "Tag.Renamed", b"{}", "{}")
    return f"""INSERT INTO log.stored_events SELECT '{stream}', 1, 'Tag.Renamed', '{{}}', {position}, '{id}',
        recorded_at, '{{}}', '\\x{said.hex()}' FROM log.stored_events WHERE notification_id = {at}"""


def exchange(columns: str, one: int, other: int) -> str:
    """What two events have in these columns."""
    return f"""UPDATE log.stored_events e SET ({columns}) = (
        SELECT {columns} FROM log.stored_events o WHERE o.notification_id = {one + other} - e.notification_id)
        WHERE notification_id IN ({one}, {other})"""


def change(what: str, position: int = 5) -> str:
    return f"UPDATE log.stored_events SET {what} WHERE notification_id = {position}"


def change_seal(what: str, upto: int = 6) -> str:
    return f"UPDATE log.seal SET {what} WHERE upto = {upto}"


def without(column: str, table: str = "stored_events") -> str:
    """A column of the event, or seal, at 5 or 6 that holds nothing any more."""
    key = "notification_id = 5" if table == "stored_events" else "upto = 6"
    drop = f"ALTER TABLE log.{table} ALTER {column} DROP NOT NULL"
    return f"{drop}; UPDATE log.{table} SET {column} = NULL WHERE {key}"


DIGEST = "event 5: its digest does not hold"
HASH = "seal 4-6: its hash does not hold"
TIME = "event 5: its time is not that of seal 4-6"
CHANGED = [
    *((change(f"state = {FORGED}", at), f"event {at}: its digest does not hold") for at in (1, 5, 9)),
    (change("topic = 'Tag.Forged'"), DIGEST),
    (change("metadata = replace(metadata::text, 'somebody', 'nobody')::json"), DIGEST),
    (change("metadata = metadata::jsonb::json"), DIGEST),
    (change("event_id = gen_random_uuid()"), DIGEST),
    (change("originator_id = gen_random_uuid()"), DIGEST),
    (change("originator_version = 2"), DIGEST),
    (change("digest = sha256(digest)"), DIGEST),
    (change("digest = ''"), DIGEST),
    (change("recorded_at = recorded_at + interval '1 microsecond'"), TIME),
    (change("recorded_at = 'infinity'"), TIME),
    (without("state"), DIGEST),
    (without("metadata"), DIGEST),
    (without("digest"), DIGEST),
    (without("recorded_at"), TIME),
    (exchange("state, digest", 1, 2), "event 1: its digest does not hold"),
    (
        exchange("event_id, topic, state, metadata, digest, recorded_at", 4, 7),
        "event 4: its digest does not hold",
    ),
]
ALL = "notification_id = -notification_id"
MOVED = [
    (
        (change(ALL, 4), change("notification_id = 4", 5), change("notification_id = 5", -4)),
        HASH,
    ),
    (
        (change(ALL, 6), change("notification_id = 6", 7), change("notification_id = 7", -6)),
        HASH,
    ),
    ((change("notification_id = 77"),), "event 5: it is missing"),
    ((change("notification_id = 77", 9),), "event 9: it is missing"),
    ((change("notification_id = 0", 9),), "event 0: it is before the first position"),
    ((change("notification_id = -5"),), "event -5: it is before the first position"),
]
DELETE_5 = "DELETE FROM log.stored_events WHERE notification_id = 5"
DELETED = [
    ((DELETE_5,), "event 5: it is missing"),
    ((DELETE_5, *shift(6, -1)), "seal 4-5: its hash does not hold"),
    (("DELETE FROM log.stored_events WHERE notification_id = 1",), "event 1: it is missing"),
    (("DELETE FROM log.stored_events WHERE notification_id >= 8",), "event 8: it is missing"),
    (("DELETE FROM log.stored_events",), "event 1: it is missing"),
    (("DELETE FROM log.seal WHERE upto = 6",), "seal 7-8: it does not follow position 3"),
    (("DELETE FROM log.seal WHERE upto = 2",), "seal 3-3: it does not follow position 0"),
    (("DELETE FROM log.seal WHERE upto = 9",), "event 9: it is under no seal"),
    (("TRUNCATE log.seal",), "event 1: it is under no seal"),
    (
        ("DELETE FROM log.stored_events WHERE notification_id = 3", "DELETE FROM log.seal WHERE upto = 3"),
        "seal 4-6: it does not follow position 2",
    ),
    (
        (
            "DELETE FROM log.stored_events WHERE notification_id = 3",
            "DELETE FROM log.seal WHERE upto = 3",
            *shift(4, -1),
            "UPDATE log.seal SET since = 3 WHERE since = 4",
        ),
        "seal 3-5: its hash does not hold",
    ),
]  # fmt: skip
INSERTED = [
    ((insert(10),), "event 10: it is under no seal"),
    ((insert(10, b"guess"),), "event 10: it is under no seal"),
    ((*shift(5, 1), insert(5)), "seal 4-7: its hash does not hold"),
    ((*shift(5, 1), insert(5, bytes(32))), "event 5: its digest does not hold"),
    ((insert(0),), "event 0: it is before the first position"),
    ((insert(-1),), "event -1: it is before the first position"),
    (
        ("ALTER TABLE log.stored_events DROP CONSTRAINT stored_events_position", insert(5)),
        "event 5: it is there twice",
    ),
]
SEALS = [
    ((change_seal("hash = sha256(hash)"),), HASH),
    ((change_seal("hash = ''"),), HASH),
    ((change_seal("hash = sha256(hash)", 9),), "seal 9-9: its hash does not hold"),
    ((change_seal("at = at + interval '1 microsecond'"),), HASH),
    ((change_seal("at = 'infinity'"),), HASH),
    ((change_seal("at = '-infinity'"),), HASH),
    ((change_seal("upto = 5"),), "seal 4-5: its hash does not hold"),
    ((change_seal("upto = 7"),), "seal 4-7: its hash does not hold"),
    ((change_seal("upto = 10", 9),), "event 10: it is missing"),
    ((change_seal("upto = 0"),), "seal 4-0: it is before the first position"),
    ((change_seal("since = 3"),), "seal 3-6: it does not follow position 3"),
    ((change_seal("since = 5"),), "seal 5-6: it does not follow position 3"),
    ((change_seal("since = 7"),), "seal 7-6: it does not follow position 3"),
    ((without("hash", "seal"),), HASH),
    ((without("at", "seal"),), HASH),
    ((without("since", "seal"),), "seal ?-6: it does not follow position 3"),
    (
        ("INSERT INTO log.seal SELECT 10, 10, at, sha256(hash) FROM log.seal WHERE upto = 9",),
        "event 10: it is missing",
    ),
    (
        ("INSERT INTO log.seal SELECT 5, 4, at, hash, version, keys_upto, keys FROM log.seal WHERE upto = 6",),
        "seal 4-5: its hash does not hold",
    ),
]


async def test_an_untouched_log_holds_all_of_it(log: Database, auditor: AsyncConnection) -> None:
    assert await verify(auditor) == VerificationResult(1, 9, 5)


async def test_an_empty_log_holds_and_ends_at_0(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, "TRUNCATE log.stored_events, log.seal")
    assert await head_of(auditor) == LogHead(0, b"", None)
    assert await verify(auditor) == VerificationResult(1, 0, 0)
    assert await verify(auditor, checkpoint=LedgerHeads(LogHead(0, b"", None))) == VerificationResult(1, 0, 0)


async def test_the_head_is_the_last_seal(log: Database, auditor: AsyncConnection) -> None:
    assert [tuple(await head_of(auditor))] == ask(log.owner, "SELECT upto, hash, at FROM log.seal WHERE upto = 9")


async def test_a_head_that_makes_no_sense_is_shown_all_the_same(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, "UPDATE log.seal SET at = 'infinity', hash = '' WHERE upto = 9")
    assert await head_of(auditor) == LogHead(9, b"", None)


@pytest.mark.parametrize(("statement", "named"), CHANGED)
async def test_a_change_of_any_part_of_an_event_is_named(
    log: Database, auditor: AsyncConnection, statement: str, named: str
) -> None:
    tamper(log, statement)
    assert (await verify(auditor)).broken == named


@pytest.mark.parametrize(("statements", "named"), [*MOVED, *DELETED, *INSERTED, *SEALS])
async def test_what_is_moved_deleted_inserted_or_sealed_otherwise_is_named(
    log: Database, auditor: AsyncConnection, statements: tuple[str, ...], named: str
) -> None:
    tamper(log, *statements)
    assert (await verify(auditor)).broken == named


async def test_an_event_without_a_position_is_named(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, without("notification_id"))
    ((id,),) = ask(log.owner, "SELECT event_id FROM log.stored_events WHERE notification_id IS NULL")
    assert (await verify(auditor)).broken == f"event {id}: it is before the first position"


async def test_an_event_in_an_empty_log_is_named(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, "DELETE FROM log.stored_events WHERE notification_id <> 1", "DELETE FROM log.seal")
    assert (await verify(auditor)).broken == "event 1: it is under no seal"


SELECT_EVENT = """
    SELECT event_id, originator_id, originator_version, topic, metadata::text
    FROM log.stored_events WHERE notification_id = %s"""
FORGE = "UPDATE log.stored_events SET state = '{}', digest = %s WHERE notification_id = %s"
DIGESTS = """
    SELECT string_agg(digest, '' ORDER BY notification_id) FROM log.stored_events
    WHERE notification_id BETWEEN %s AND %s"""


def rewrite(database: Database, position: int) -> None:
    """Change an event as somebody would who knows how digests and seals are made."""
    with psycopg.connect(database.owner) as connection:
        id, stream, version, topic, metadata = one(connection, SELECT_EVENT, position)
        connection.execute(FORGE, [digest(id, stream, version, topic, b"{}", metadata), position])
    reseal(database)


def reseal(database: Database) -> None:
    """Compute the hashes of all seals."""
    with psycopg.connect(database.owner) as connection:
        previous = b""
        seals = connection.execute("SELECT since, upto, at, keys_upto, keys FROM log.seal ORDER BY upto").fetchall()
        for since, upto, at, keys_upto, keys in seals:
            (digests,) = one(connection, DIGESTS, since, upto)
            micros = (at - EPOCH) // timedelta(microseconds=1)
            previous = seal_hash(previous, since, upto, micros, digests, sealed_keys(keys_upto, keys))
            connection.execute("UPDATE log.seal SET hash = %s WHERE upto = %s", [previous, upto])


def one(connection: psycopg.Connection, query: str, *values: object) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row


CUT = ("DELETE FROM log.stored_events WHERE notification_id > 6", "DELETE FROM log.seal WHERE upto > 6")


class TestAgainstACheckpoint:
    async def test_a_log_that_has_grown_since_holds(self, log: Database, auditor: AsyncConnection) -> None:
        head = await head_of(auditor)
        write(log, (3, 1))
        assert await verify(auditor, checkpoint=LedgerHeads(head)) == VerificationResult(1, 13, 7)

    @pytest.mark.parametrize("position", [1, 5, 9])
    async def test_a_tail_rewritten_with_all_digests_and_seals_is_found_by_it_alone(
        self, log: Database, auditor: AsyncConnection, position: int
    ) -> None:
        head = await head_of(auditor)
        rewrite(log, position)
        assert await verify(auditor) == VerificationResult(1, 9, 5)
        found = await verify(auditor, checkpoint=LedgerHeads(head))
        assert found.broken == "checkpoint: the log up to position 9 is not what was signed"

    async def test_what_was_rewritten_after_it_is_not_its_matter(self, log: Database, auditor: AsyncConnection) -> None:
        ((six, at),) = ask(log.owner, "SELECT hash, at FROM log.seal WHERE upto = 6")
        rewrite(log, 7)
        assert (await verify(auditor, checkpoint=LedgerHeads(LogHead(6, six, at)))).holds

    async def test_a_tail_that_was_cut_off_is_found_by_it_alone(self, log: Database, auditor: AsyncConnection) -> None:
        head = await head_of(auditor)
        tamper(log, *CUT)
        assert await verify(auditor) == VerificationResult(1, 6, 3)
        missing = "checkpoint: the log has no seal at position 9"
        assert (await verify(auditor, checkpoint=LedgerHeads(head))).broken == missing

    async def test_a_tail_cut_off_and_grown_anew_is_found(self, log: Database, auditor: AsyncConnection) -> None:
        head = await head_of(auditor)
        tamper(log, *CUT)
        write(log, (2, 1))
        assert await verify(auditor) == VerificationResult(1, 9, 5)
        found = await verify(auditor, checkpoint=LedgerHeads(head))
        assert found.broken == "checkpoint: the log up to position 9 is not what was signed"

    async def test_an_emptied_log_is_found(self, log: Database, auditor: AsyncConnection) -> None:
        head = await head_of(auditor)
        tamper(log, "TRUNCATE log.stored_events, log.seal")
        assert (await verify(auditor)).holds
        assert not (await verify(auditor, checkpoint=LedgerHeads(head))).holds

    async def test_what_does_not_hold_is_named_before_it(self, log: Database, auditor: AsyncConnection) -> None:
        head = await head_of(auditor)
        tamper(log, change("topic = 'Tag.Forged'"))
        assert (await verify(auditor, checkpoint=LedgerHeads(head))).broken == DIGEST


@pytest.mark.parametrize(
    ("first", "last", "seen"),
    [
        (1, 9, (1, 9, 5)),
        (-3, 9, (1, 9, 5)),
        (1, 1, (1, 2, 1)),
        (2, 3, (1, 3, 2)),
        (5, 5, (4, 6, 1)),
        (4, 6, (4, 6, 1)),
        (6, 7, (4, 8, 2)),
        (9, 9, (9, 9, 1)),
        (9, None, (9, 9, 1)),
        (7, 1_000, (7, 9, 2)),
        (10, 20, (10, 9, 0)),
    ],
)
async def test_a_part_of_it_is_looked_at_in_whole_batches(
    log: Database, auditor: AsyncConnection, first: int, last: int | None, seen: tuple[int, int, int]
) -> None:
    assert await verify(auditor, first, last) == VerificationResult(*seen)


@pytest.mark.parametrize(("first", "last", "holds"), [(1, 3, True), (4, 6, False), (6, 6, False), (7, 9, True)])
async def test_a_part_holds_whatever_has_become_of_the_others(
    log: Database, auditor: AsyncConnection, first: int, last: int, holds: bool
) -> None:
    tamper(log, change("topic = 'Tag.Forged'"))
    assert (await verify(auditor, first, last)).holds is holds


async def test_a_part_after_a_seal_that_was_changed_does_not_hold(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, change_seal("hash = sha256(hash)"))
    assert (await verify(auditor, 7, 8)).broken == "seal 7-8: its hash does not hold"


async def test_it_stops_at_the_first_of_two_and_says_how_far_it_held(log: Database, auditor: AsyncConnection) -> None:
    tamper(log, change("topic = 'Tag.Forged'", 8), change("topic = 'Tag.Forged'", 5))
    assert await verify(auditor) == VerificationResult(1, 4, 2, DIGEST)


async def test_progress_goes_up_to_the_end(log: Database, auditor: AsyncConnection) -> None:
    told: list[tuple[int, int]] = []
    await verify(auditor, progress=lambda *so_far: told.append(so_far))
    assert told == [(2, 9), (3, 9), (6, 9), (8, 9), (9, 9)]
    told.clear()
    await verify(auditor, 5, 7, progress=lambda *so_far: told.append(so_far))
    assert told == [(3, 4), (5, 5)]


async def test_batches_longer_than_what_is_fetched_at_once_are_one_batch(
    log: Database, auditor: AsyncConnection
) -> None:
    write(log, (990, 3, 2_500, 1))
    assert await verify(auditor) == VerificationResult(1, 3_503, 9)
    tamper(log, change("topic = 'Tag.Forged'", 3_400))
    assert (await verify(auditor)).broken == "event 3400: its digest does not hold"


async def test_appends_go_on_meanwhile_and_do_no_harm(log: Database, auditor: AsyncConnection) -> None:
    stop = asyncio.Event()

    async def append() -> int:
        appended = 9
        while not stop.is_set():
            await asyncio.to_thread(write, log, (2, 1))
            appended += 3
        return appended

    appending = asyncio.create_task(append())
    try:
        verdicts = [await verify(auditor) for _ in range(150)]
    finally:
        stop.set()
        appended = await appending
    assert [verdict.broken for verdict in verdicts] == [None] * 150
    assert len({verdict.upto for verdict in verdicts}) > 5, "the log did grow"
    assert (await verify(auditor)).upto == appended == (await head_of(auditor)).position
