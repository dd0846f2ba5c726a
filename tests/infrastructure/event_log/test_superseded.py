"""A server that was superseded goes on answering: what was decided on it is never recorded on the new one."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

import psycopg
import pytest

from application.catalog.tag import CreateTag, create_tag
from application.event_log import Command, EventLog, EventStore, command
from domain.catalog.tag import Tag
from domain.kernel import new_id
from infrastructure.event_log.append_call import call_of
from infrastructure.event_log.append_connection import ANOTHER_LOG
from infrastructure.event_log.journal import AppendResult, LogEntry
from infrastructure.event_log.log_head import KnownHead
from infrastructure.event_log.postgres_journal import APPLICATION_NAME, PostgresJournal
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.test_append import ask, call
from tests.infrastructure.event_log.test_event_store import ADMIN, renamed

TABLES = ("stored_events", "seal", "command_key")
END = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE application_name = %s AND datname = current_database()"""


def copy_log(source: Database, target: Database) -> None:
    with psycopg.connect(source.owner) as out, psycopg.connect(target.owner) as into:
        for table in TABLES:
            with (
                out.cursor().copy(f"COPY log.{table} TO STDOUT".encode()) as rows,
                into.cursor().copy(f"COPY log.{table} FROM STDIN".encode()) as copy,
            ):
                for part in rows:
                    copy.write(part)


class Failover:
    """`database` is the old server, `new` the one that took over without its last event; `tag` is on both."""

    def __init__(self, old: Database, new: Database, store: EventStore, tag: UUID) -> None:
        self.old, self.new, self.store, self.tag = old, new, store, tag

    def end(self, name: str) -> None:
        """End connections to the old server, as a failover does to some of them."""
        with psycopg.connect(self.old.owner, autocommit=True) as admin:
            admin.execute(END.encode(), [name])

    def lead(self) -> None:
        """New connections lead to the new server."""
        journal = self.store.journal
        assert isinstance(journal, PostgresJournal)
        journal.writer.connection._dsn = self.new.application
        journal._pool.conninfo = self.new.application

    def names(self) -> list[str]:
        """Those that the tag had on the new server, in order."""
        found = ask(
            self.new.owner,
            f"SELECT convert_from(state, 'UTF8')::json ->> 'name' FROM log.stored_events "
            f"WHERE originator_id = '{self.tag}' ORDER BY originator_version",
        )
        return [name for (name,) in found]


@pytest.fixture
async def failover(
    database: Database, new_database: Callable[[], Database], open_store: Open
) -> AsyncIterator[Failover]:
    new = new_database()
    setup = await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="yoga"), setup)).aggregate
    copy_log(database, new)
    store = await open_store(database.application, pool_size=1)
    await renamed(setup, tag.id, "of the old")
    await renamed(await open_store(new.application), tag.id, "of the new")
    await store.fetch([tag.id])  # with its version 2, as on the new one
    yield Failover(database, new, store, tag.id)
    await store.close()
    ask(database.owner, f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{new.name}'")
    with psycopg.connect(database.owner, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {new.name} WITH (FORCE)".encode())


WRITER, READERS = "daybook-writer", APPLICATION_NAME


@pytest.mark.parametrize(
    ("ended", "cached", "decided"),
    [
        ([WRITER], True, ["of the old", "of the new"]),
        ([WRITER], False, ["of the old", "of the new"]),
        ([WRITER, READERS], True, ["of the old", "of the new"]),
        ([WRITER, READERS], False, ["of the new"]),
        ([READERS], False, ["of the new"]),
    ],
)
async def test_what_was_decided_on_the_old_one_is_decided_again(
    failover: Failover, ended: list[str], cached: bool, decided: list[str]
) -> None:
    """Whichever connections have ended: the others still reach the old one, which answers."""
    if not cached:
        failover.store.cache.clear()
    failover.lead()
    for name in ended:
        failover.end(name)
    seen: list[str] = []
    await exclaimed(failover, seen)
    assert [name for n, name in enumerate(seen) if name not in seen[:n]] == decided
    assert failover.names() == ["yoga", "of the new", "of the new!"]


async def test_while_nothing_says_so_the_old_one_takes_it_and_the_new_one_never_does(failover: Failover) -> None:
    failover.lead()
    await exclaimed(failover, [])
    assert failover.names() == ["yoga", "of the new"]
    failover.end(WRITER)
    await exclaimed(failover, [])
    assert failover.names() == ["yoga", "of the new", "of the new!"]


async def exclaimed(failover: Failover, seen: list[str]) -> None:
    """Rename the tag after the name that it has. `seen`: the names that were decided on."""

    @command
    async def exclaim(cmd: Command, log: EventLog, now: datetime) -> Tag:
        tag = await log.edit(Tag, failover.tag)
        seen.append(str(tag.name))
        tag.rename(new_id(), f"{tag.name}!", now)
        await log.record(tag)
        return tag

    await exclaim(Command(by=ADMIN), failover.store)


def test_an_append_on_a_log_without_one_of_the_seals_records_nothing(database: Database) -> None:
    call(database.application, entry(new_id()))
    call(database.application, entry(new_id()))
    one, two = ask(database.owner, "SELECT upto, hash FROM log.seal ORDER BY upto")
    with psycopg.connect(database.application, autocommit=True) as connection:
        for seals in ([one, (2, one[1])], [(3, two[1])], [one, (4, b"")]):
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(*call_of([entry(new_id())], seals), binary=True)
            assert refused.value.sqlstate == ANOTHER_LOG
        connection.execute(*call_of([entry(new_id())], [one, two]), binary=True)
    assert ask(database.owner, "SELECT count(*) FROM log.stored_events") == [(3,)]


async def test_an_aggregate_of_an_epoch_that_ended_is_not_cached_in_the_next(
    database: Database, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends between the answer of an append and the command that goes on with it: recorded, or lost a race."""
    store, other = await open_store(database.application), await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="yoga"), store)).aggregate
    journal = store.journal
    assert isinstance(journal, PostgresJournal)
    original = journal.append

    async def append(entry: LogEntry) -> AppendResult:
        answer = await original(entry)
        monkeypatch.undo()
        journal.known.end(journal.epoch)  # as a read that comes back just now
        assert tag.id not in store.cache
        for aggregate in of_the_next:
            store.cache.put(tag.id, aggregate)
        return answer

    older = (await store.fetch([tag.id]))[0][tag.id]
    of_the_next = [older]
    monkeypatch.setattr(journal, "append", append)
    await renamed(store, tag.id, "recorded")
    assert store.cache.get(tag.id) is older
    of_the_next.clear()

    store.cache.clear()
    await store.fetch([tag.id])
    await renamed(other, tag.id, "first")
    learnt: list[object] = []
    monkeypatch.setattr(journal, "append", append)
    with pytest.MonkeyPatch.context() as watching:  # which `append` does not undo
        watching.setattr(store.cache, "advance", learnt.append)
        await renamed(store, tag.id, "second")
    assert learnt == []


class TestKnownHead:
    """Every log that holds its seals holds all that was read."""

    def test_a_head_stands_for_the_seals_that_its_log_holds(self) -> None:
        known = KnownHead()
        known.saw((), 5, b"five")
        known.saw(known.seals, 9, b"nine")
        assert known.seals == {(9, b"nine")}

    def test_heads_of_reads_that_crossed_are_all_asked_for(self) -> None:
        known = KnownHead()
        known.saw((), 5, b"five")
        sent = known.seals
        known.saw(sent, 7, b"of the old")
        known.saw(sent, 8, b"of the new")
        assert known.seals == {(7, b"of the old"), (8, b"of the new")}

    def test_an_empty_log_and_an_old_snapshot_change_nothing_that_is_known(self) -> None:
        known = KnownHead()
        known.saw((), None, None)
        assert known.seals == frozenset()
        known.saw((), 5, b"five")
        known.saw((), 4, b"four")
        assert known.seals == {(5, b"five"), (4, b"four")}

    def test_with_an_epoch_its_seals_end(self) -> None:
        known = KnownHead()
        known.saw((), 5, b"five")
        known.end(0)
        known.end(0)
        assert (known.epoch, known.seals) == (1, frozenset())
