"""The append itself: order, seals, and what may go on beside it. On PostgreSQL."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from struct import pack
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.kernel import new_id
from infrastructure.event_log.append_call import APPEND, arguments, read_answers
from infrastructure.event_log.event_codec import digest, seal_hash, sealed_keys
from infrastructure.event_log.journal import Appended, AppendResult, DuplicateCommand, LogEntry, StaleReads
from infrastructure.local.servers import LocalServers
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry, row
from tests.infrastructure.event_log.gate import watched_gate
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_KEY = b"k" * 32


def call(dsn: str, *entries: LogEntry, settings: str = "") -> list[AppendResult]:
    """One call of the append, as one batch."""
    with psycopg.connect(dsn, autocommit=True, options=settings) as connection:
        rows = connection.execute(APPEND, arguments(entries), binary=True).fetchall()
        return read_answers(entries, rows).answers


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_key_that_is_twice_in_a_batch_is_recorded_once(database: Database) -> None:
    one, two = new_id(), new_id()
    first, second = call(database.application, entry(one, key=A_KEY), entry(two, key=A_KEY))
    assert first == Appended(1)
    assert isinstance(second, StaleReads)  # decides again, and then finds the key
    assert call(database.application, entry(two, key=A_KEY)) == [DuplicateCommand(one, 1, 1, b"")]
    assert ask(database.owner, "SELECT originator_id FROM log.stored_events") == [(one,)]


def test_a_command_is_refused_when_an_earlier_one_of_the_batch_writes_what_it_read(
    database: Database,
) -> None:
    hours, day, other = new_id(), new_id(), new_id()
    call(database.application, entry(hours))
    answers = call(
        database.application,
        entry(other, reads={hours: 1}),
        entry(hours, at=1),
        entry(day, reads={hours: 1}),
    )
    assert answers[:2] == [Appended(2), Appended(3)]
    assert isinstance(answers[2], StaleReads)
    assert [missed.version for missed in answers[2].missed] == [2]
    assert ask(database.owner, f"SELECT 1 FROM log.stored_events WHERE originator_id = '{day}'") == []


@pytest.mark.parametrize(
    "poison",
    [
        lambda: entry(rows=[row(new_id(), 1, metadata="{")]),
        lambda: entry(rows=[row(stream := new_id(), 1), row(stream, 1)]),
    ],
)
def test_a_batch_that_fails_leaves_nothing_behind(database: Database, poison: Any) -> None:
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        call(database.application, entry(new_id()), poison(), entry(new_id()))
    for table in ("stored_events", "seal", "command_key"):
        assert ask(database.owner, f"SELECT * FROM log.{table}") == []


def test_a_transaction_with_an_old_view_of_the_log_can_not_append(database: Database) -> None:
    with pytest.raises(psycopg.Error, match="read committed"):
        call(database.application, entry(new_id()), settings="-c default_transaction_isolation=serializable")


WRITER = """
import asyncio, random, sys
from uuid import UUID
from infrastructure.event_log.journal import StaleReads
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.infrastructure.event_log.entries import entry

async def write(journal, streams, seed):
    chance, lost = random.Random(seed), 0
    versions = dict.fromkeys(streams, 0)
    for _ in range(60):
        one, other = chance.sample(streams, 2)
        answer = await journal.append(entry(one, at=versions[one], reads={other: versions[other]}))
        if isinstance(answer, StaleReads):
            lost += 1
            for missed in answer.missed:
                versions[missed.stream] = max(versions[missed.stream], missed.version)
        else:
            versions[one] += 1
    return lost

async def main(dsn, *streams):
    journal = PostgresJournal(dsn)
    await journal.open()
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(await asyncio.gather(*(write(journal, list(map(UUID, streams)), n) for n in range(4)))))
    await journal.close()

asyncio.run(main(*sys.argv[1:]))
"""
WRITERS, WRITES = 3, 240


@contextmanager
def writing(database: Database) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that begin at one time to write on a few streams, each printing how often it lost a race."""
    command = [sys.executable, "-c", WRITER, database.application, *(str(new_id()) for _ in range(6))]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(WRITERS)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    yield processes
    for process in processes:
        process.communicate(timeout=PATIENCE)


def test_positions_of_several_processes_are_gapless_and_in_commit_order(database: Database) -> None:
    with writing(database) as processes:
        lost = [int(process.communicate(timeout=PATIENCE)[0]) for process in processes]
    assert all(lost), "they were to get in each other's way"
    rows = ask(
        database.owner,
        "SELECT notification_id, recorded_at, originator_id, originator_version FROM log.stored_events "
        "ORDER BY notification_id",
    )
    assert [position for position, *_ in rows] == list(range(1, WRITERS * WRITES - sum(lost) + 1))
    assert [at for _, at, *_ in rows] == sorted(at for _, at, *_ in rows)
    for stream in {stream for _, _, stream, _ in rows}:
        versions = [version for _, _, of, version in rows if of == stream]
        assert versions == list(range(1, len(versions) + 1))
    verify(database)


def test_no_reader_sees_a_position_before_all_lower_ones(database: Database) -> None:
    seen = pages = 0
    with writing(database) as processes, psycopg.connect(database.owner, autocommit=True) as reader:
        while any(process.poll() is None for process in processes):
            positions = [
                position
                for (position,) in reader.execute(
                    "SELECT notification_id FROM log.stored_events WHERE notification_id > %s ORDER BY 1",
                    [seen],
                )
            ]
            assert positions == list(range(seen + 1, seen + len(positions) + 1))
            seen += len(positions)
            pages += bool(positions)
    assert [process.returncode for process in processes] == [0] * WRITERS
    assert pages > 3, "it was to read while they wrote"


def verify(database: Database) -> None:
    """Every digest and every seal, computed again here."""
    events = ask(
        database.owner,
        "SELECT notification_id, event_id, originator_id, originator_version, topic, state, metadata::text, "
        "digest, recorded_at FROM log.stored_events ORDER BY 1",
    )
    for _, id, stream, version, topic, state, metadata, stored, _ in events:
        assert digest(id, stream, version, topic, bytes(state), metadata) == bytes(stored)
    keys = ask(
        database.owner,
        "SELECT number, key, fingerprint, stream, version, position, at FROM log.command_key ORDER BY 1",
    )
    upto, seal, last = 0, b"", 0
    for end, since, at, stored, keys_upto, key_digest in ask(
        database.owner, "SELECT upto, since, at, hash, keys_upto, keys FROM log.seal ORDER BY 1"
    ):
        assert since == upto + 1
        batch = events[upto:end]
        assert {event[8] for event in batch} == {at}
        digests = b"".join(bytes(event[7]) for event in batch)
        assert hashed([key for key in keys if last < key[0] <= keys_upto]) == key_digest
        sealed = sealed_keys(keys_upto, key_digest)
        upto, seal = end, seal_hash(seal, since, end, micros(at), digests, sealed)
        last = keys_upto
        assert seal == bytes(stored)
    assert upto == len(events) > 0
    assert [key[0] for key in keys] == list(range(1, len(keys) + 1))


def hashed(keys: list[tuple[Any, ...]]) -> bytes:
    """The digest over the rows of command keys, as PostgreSQL sends rows."""
    sent = b""
    for _, *columns in keys:
        sent += pack(">i", len(columns))
        for kind, value in zip((17, 17, 2950, 20, 20, 1184), columns, strict=True):
            sent += pack(">Ii", kind, len(value := as_sent(value))) + value
    return sha256(sent).digest()


def as_sent(value: Any) -> bytes:
    match value:
        case datetime():
            return pack(">q", (value - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
        case int():
            return pack(">q", value)
        case UUID():
            return value.bytes
    return bytes(value)


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def test_the_seals_of_batches_form_a_chain_over_every_event(database: Database) -> None:
    stream = new_id()
    call(database.application, entry(new_id()), entry(stream, new_id()))
    call(database.application, entry(stream))  # moved: records and seals nothing
    call(database.application, entry(rows=[], reads={stream: 1}), entry(rows=[], reads={stream: 1}))  # keys alone
    call(database.application, entry(stream, at=1), entry(rows=[], reads={new_id(): 0}))
    call(database.application, entry(new_id()))
    verify(database)


async def test_vacuum_does_not_wait_for_an_append_that_is_under_way(database: Database) -> None:
    """Nor for the appends that queue behind it."""
    one, two = entry(new_id()), entry(new_id())
    async with (
        await AsyncConnection.connect(database.application) as appending,
        await AsyncConnection.connect(database.application, autocommit=True) as queueing,
        await AsyncConnection.connect(database.owner, autocommit=True) as cleaning,
        watched_gate(database.owner) as gate,
    ):
        await appending.execute(APPEND, arguments([one]), binary=True)  # not committed: holds the gate
        queued = asyncio.create_task(queueing.execute(APPEND, arguments([two]), binary=True))
        await gate.wait_for(1)
        await cleaning.execute("SET lock_timeout = '200ms'")
        for table in ("stored_events", "seal", "command_key"):
            await cleaning.execute(f"VACUUM (FREEZE, ANALYZE) log.{table}".encode())
        assert not queued.done()
        await appending.commit()
        await queued


async def test_appends_do_not_wait_for_a_vacuum_that_is_under_way(database: Database) -> None:
    """What vacuum and autovacuum lock is held here by a transaction."""
    async with await AsyncConnection.connect(database.owner) as cleaning:
        for table in ("stored_events", "seal", "command_key"):
            await cleaning.execute(f"LOCK TABLE log.{table} IN SHARE UPDATE EXCLUSIVE MODE".encode())
        answers = await asyncio.to_thread(call, database.application, entry(new_id()), settings="-c lock_timeout=200ms")
        assert answers == [Appended(1)]


def test_the_clock_of_the_log_never_goes_back(database: Database) -> None:
    """Not even when the database's does, after a failover to a machine that is late."""
    call(database.application, entry(new_id()))
    ahead = ask(database.owner, "UPDATE log.seal SET at = now() + interval '1 hour' RETURNING at")
    call(database.application, entry(new_id()))
    assert ask(database.owner, "SELECT at FROM log.seal WHERE upto = 2") == ahead


def test_keys_younger_than_a_day_are_never_forgotten(database: Database) -> None:
    call(database.application, entry(new_id(), key=A_KEY), entry(new_id()))
    call(database.application, entry(new_id()))
    assert ask(database.application, "SELECT log.prune_keys('0')") == [(0,)]
    ask(database.owner, "UPDATE log.seal SET at = now() - interval '25 hours' WHERE upto = 2 RETURNING 1")
    assert ask(database.application, "SELECT log.prune_keys('26 hours')") == [(0,)]
    assert ask(database.application, "SELECT log.prune_keys('0')") == [(2,)]
    assert ask(database.application, "SELECT log.prune_keys(NULL)") == [(0,)]
    assert len(ask(database.owner, "SELECT 1 FROM log.command_key")) == 1


def test_the_log_takes_appends_on_the_version_of_postgresql_that_was_found(servers: LocalServers) -> None:
    ((version,),) = ask(servers.superuser_dsn(), "SHOW server_version_num")
    assert int(version) >= 150000
