"""One writer, many commands: nobody suffers for another, nobody hangs, nothing is said twice or in vain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any, NamedTuple

import psycopg
import pytest

from application.event_log import Unavailable
from domain.errors import Invalid
from domain.kernel import new_id
from infrastructure.event_log.group_commit import MOST_COMMANDS
from infrastructure.event_log.journal import Appended, DuplicateCommand, LogEntry, StaleReads
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry, row
from tests.infrastructure.event_log.gate import shut_gate, until
from tests.support.faultproxy import TO_CLIENT, TO_SERVER, FaultProxy
from tests.support.waiting import BUSY, assert_took

PATIENCE = 1.0
OpenJournal = Callable[..., Awaitable[PostgresJournal]]


class Shaky(NamedTuple):
    """A journal that reaches its database through a faulty network."""

    journal: PostgresJournal
    proxy: FaultProxy


@pytest.fixture
async def open_journal(database: Database) -> AsyncIterator[OpenJournal]:
    """Opens journals on the database as it is by then."""
    async with AsyncExitStack() as stack:

        async def open_journal(**options: Any) -> PostgresJournal:
            journal = PostgresJournal(database.application, **options)
            await journal.open()
            stack.push_async_callback(journal.close)
            return journal

        yield open_journal


@pytest.fixture
async def journal(open_journal: OpenJournal) -> PostgresJournal:
    return await open_journal()


@pytest.fixture
async def shaky(database: Database) -> AsyncIterator[Shaky]:
    async with FaultProxy(database.application) as proxy:
        journal = PostgresJournal(proxy.dsn, patience=PATIENCE)
        await journal.open()
        yield Shaky(journal, proxy)
        proxy.flow()
        await journal.close()


def ask(dsn: str, query: str, *values: object) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode(), values).fetchone()
        return row and row[0]


def recorded(database: Database) -> object:
    return ask(database.owner, "SELECT count(*) FROM log.stored_events")


POISON = {
    "NUL in the metadata": lambda: entry(rows=[row(new_id(), 1, metadata='"a\0b"')]),
    "NUL in the topic": lambda: entry(rows=[row(new_id(), 1, topic="a\0b")]),
    "metadata that is no JSON": lambda: entry(rows=[row(new_id(), 1, metadata="{")]),
    "a lone surrogate in the metadata": lambda: entry(rows=[row(new_id(), 1, metadata='"\ud800"')]),
    "a lone surrogate in the topic": lambda: entry(rows=[row(new_id(), 1, topic="\ud800")]),
    "one version twice": lambda: entry(rows=[row(stream := new_id(), 1), row(stream, 1)]),
    "a version that no bigint holds": lambda: entry(new_id(), reads={new_id(): 2**63}),
    "a key longer than an index takes": lambda: entry(new_id(), key=b"".join(new_id().bytes for _ in range(1000))),
}


@pytest.mark.parametrize("poison", POISON)
async def test_a_poisoned_command_harms_no_other_of_its_batch(
    journal: PostgresJournal, database: Database, poison: str
) -> None:
    async with shut_gate(database.owner) as gate:
        first = asyncio.create_task(journal.append(entry(new_id())))
        await gate.wait_for(1)
        batch = [entry(new_id()) for _ in range(9)]
        batch.insert(5, POISON[poison]())
        answers = [asyncio.create_task(journal.append(e)) for e in batch]
        await until(lambda: journal.writer.depth == 10)
        await gate.open()
        said = await asyncio.gather(first, *answers, return_exceptions=True)
    assert [type(answer) for answer in said].count(Appended) == 10
    assert isinstance(said[6], Invalid)
    assert recorded(database) == 10


async def test_twins_in_one_batch_are_recorded_once_and_answered_alike(
    journal: PostgresJournal, database: Database
) -> None:
    """Each is a request of its own, for a thing with an id of its own."""
    stream = new_id()
    async with shut_gate(database.owner) as gate:
        first = asyncio.create_task(journal.append(entry(new_id())))
        await gate.wait_for(1)
        twins = [asyncio.create_task(journal.append(entry(of, key=b"k" * 32))) for of in (stream, new_id(), new_id())]
        await until(lambda: journal.writer.depth == 3)
        await gate.open()
        answers = await asyncio.gather(*twins)
        await first
    assert answers == [Appended(2), DuplicateCommand(stream, 1, 2, b""), DuplicateCommand(stream, 1, 2, b"")]


async def test_commands_that_wait_together_share_a_batch(journal: PostgresJournal, database: Database) -> None:
    async with shut_gate(database.owner) as gate:
        waiting = [asyncio.create_task(journal.append(entry(new_id())))]
        await gate.wait_for(1)
        waiting += [asyncio.create_task(journal.append(entry(new_id()))) for _ in range(MOST_COMMANDS + 1)]
        await until(lambda: journal.writer.depth == MOST_COMMANDS + 1)
        await gate.open()
        await asyncio.gather(*waiting)
    batches = ask(database.owner, "SELECT array_agg(upto - since + 1 ORDER BY upto) FROM log.seal")
    assert batches == [1, MOST_COMMANDS, 1]


async def test_a_decision_that_another_of_its_batch_overtakes_is_refused(
    journal: PostgresJournal, database: Database
) -> None:
    hours, day = new_id(), new_id()
    await journal.append(entry(hours))
    async with shut_gate(database.owner) as gate:
        first = asyncio.create_task(journal.append(entry(new_id())))
        await gate.wait_for(1)
        closing = asyncio.create_task(journal.append(entry(hours, at=1)))
        booking = asyncio.create_task(journal.append(entry(day, reads={hours: 1})))
        await until(lambda: journal.writer.depth == 2)
        await gate.open()
        await first
        assert isinstance(await closing, Appended)
        assert isinstance(await booking, StaleReads)
    assert await journal.read([day]) == []


@pytest.mark.fault(6)
async def test_a_full_queue_refuses_at_once_and_everybody_is_answered(
    database: Database, open_journal: OpenJournal
) -> None:
    journal = await open_journal(queue_size=5)
    async with shut_gate(database.owner) as gate:
        waiting = [asyncio.create_task(journal.append(entry(new_id())))]
        await gate.wait_for(1)
        waiting += [asyncio.create_task(journal.append(entry(new_id()))) for _ in range(5)]
        await until(lambda: journal.writer.depth == 5)
        before = monotonic()
        with pytest.raises(Unavailable):
            await journal.append(entry(new_id()))
        assert_took(before, 0.1)
        await gate.open()
        assert all(isinstance(answer, Appended) for answer in await asyncio.gather(*waiting))
    assert isinstance(await journal.append(entry(new_id())), Appended)


async def test_closing_records_what_is_queued_and_refuses_what_comes_later(
    journal: PostgresJournal, database: Database
) -> None:
    async with shut_gate(database.owner) as gate:
        waiting = [asyncio.create_task(journal.append(entry(new_id())))]
        await gate.wait_for(1)
        waiting += [asyncio.create_task(journal.append(entry(new_id()))) for _ in range(20)]
        await until(lambda: journal.writer.depth == 20)
        closing = asyncio.create_task(journal.close())
        await gate.open()
        await closing
    assert all(isinstance(answer, Appended) for answer in await asyncio.gather(*waiting))
    with pytest.raises(Unavailable):
        await journal.append(entry(new_id()))


async def test_a_commit_whose_answer_is_lost_is_answered_though_it_commits_late(
    shaky: Shaky, database: Database
) -> None:
    stream = new_id()
    async with shut_gate(database.owner) as gate:
        booking = asyncio.create_task(shaky.journal.append(entry(stream)))
        await gate.wait_for(1)
        shaky.proxy.stall(TO_CLIENT)
        shaky.proxy.cut()  # the backend has the call, waits for the gate, and will commit unheard
        shaky.proxy.flow()
        await gate.wait_for(2)  # the same call again, behind the orphan
        await gate.open()
        assert await booking == DuplicateCommand(stream, 1, 1, b"")
    assert recorded(database) == 1


async def test_a_call_that_never_arrived_is_sent_again(shaky: Shaky, database: Database) -> None:
    await shaky.journal.append(entry(new_id()))
    shaky.proxy.stall(TO_SERVER)
    booking = asyncio.create_task(shaky.journal.append(entry(new_id())))
    await until(lambda: shaky.journal.writer.depth == 0)
    shaky.proxy.cut()
    shaky.proxy.flow()
    assert await booking == Appended(2)
    assert recorded(database) == 2


@pytest.mark.parametrize("directions", [(TO_CLIENT,), (TO_SERVER,), (TO_CLIENT, TO_SERVER)])
async def test_a_network_that_swallows_everything_fails_commands_in_bounded_time(
    shaky: Shaky, database: Database, directions: tuple[str, ...]
) -> None:
    stream = new_id()
    await shaky.journal.append(entry(stream))
    shaky.proxy.stall(*directions)
    before = monotonic()
    said = await asyncio.gather(
        *(shaky.journal.append(entry(new_id())) for _ in range(20)),
        *(shaky.journal.read([stream]) for _ in range(5)),
        shaky.journal.peek(None, {stream: 1}),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Unavailable) for answer in said), said
    assert_took(before, 2.5 * PATIENCE)
    shaky.proxy.flow()
    shaky.proxy.cut()
    before = monotonic()
    assert isinstance(await persistently(shaky.journal, entry(new_id())), Appended | DuplicateCommand)
    assert await answered(lambda: shaky.journal.read([stream]))
    assert_took(before, 2.5 * PATIENCE)


async def test_a_writer_whose_wire_went_silent_tries_another_by_itself(shaky: Shaky) -> None:
    shaky.proxy.stall(TO_CLIENT)
    with pytest.raises(Unavailable):
        await shaky.journal.append(entry(new_id()))
    shaky.proxy.flow()
    shaky.proxy.stall(TO_SERVER)  # what the silent wire kept back may flow; nothing new does
    shaky.proxy.flow()
    before = monotonic()
    await persistently(shaky.journal, entry(new_id()))
    assert_took(before, 2.5 * PATIENCE)


async def test_closing_takes_bounded_time_when_the_network_is_silent(shaky: Shaky) -> None:
    shaky.proxy.stall(TO_CLIENT)
    waiting = asyncio.create_task(shaky.journal.append(entry(new_id())))
    await until(lambda: shaky.journal.writer.depth == 0)
    before = monotonic()
    await shaky.journal.close()
    assert_took(before, 3 * PATIENCE)
    with pytest.raises(Unavailable):
        await waiting


async def test_killed_backends_are_replaced_and_nothing_acknowledged_is_lost(
    journal: PostgresJournal, database: Database
) -> None:
    acknowledged = 0
    with psycopg.connect(database.owner, autocommit=True) as killer:
        for _ in range(10):
            answers = [asyncio.create_task(journal.append(entry(new_id()))) for _ in range(10)]
            await asyncio.sleep(0)
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'daybook-%' AND datname = current_database()"
            )
            said = await asyncio.gather(*answers)
            acknowledged += sum(isinstance(answer, Appended | DuplicateCommand) for answer in said)
    assert acknowledged == 100
    assert recorded(database) == 100


async def test_connections_that_died_while_nobody_looked_do_not_fail_a_reader(
    journal: PostgresJournal, database: Database
) -> None:
    await asyncio.gather(*(journal.read([new_id()]) for _ in range(20)))  # over several connections
    ask(
        database.owner,
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE application_name = 'daybook-store' AND datname = current_database()",
    )
    assert await journal.read([new_id()]) == []


@pytest.mark.parametrize(
    "trouble",
    [
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA log FROM daybook_app",
    ],
)
async def test_trouble_of_the_database_is_not_blamed_on_the_command(
    database: Database, open_journal: OpenJournal, trouble: str
) -> None:
    name = database.owner.rpartition("/")[2]
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(trouble.format(name).encode())
    journal = await open_journal()
    said = await asyncio.gather(*(journal.append(entry(new_id())) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in said), said


async def persistently(journal: PostgresJournal, wanted: LogEntry) -> object:
    """Append as a client that tries again on 503, with the same key."""
    return await answered(lambda: journal.append(wanted))


async def answered(ask: Callable[[], Awaitable[object]]) -> object:
    """The answer of a call that is tried again on 503: connections come back one by one, with pauses between."""
    async with asyncio.timeout(BUSY * 20):
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(0.01)
