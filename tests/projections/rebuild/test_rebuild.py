"""A rebuild makes the same read models from the log alone, and whoever asks meanwhile notices nothing."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from projections.engine.apply import Fenced
from projections.engine.event_feed import PAGE
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.projector import Projector
from projections.engine.row_batch import RowBatch
from projections.read_models.customer import customers
from projections.rebuild.compare import MOST, Difference
from projections.rebuild.rebuild import Rebuild, RebuildRunning, Rebuilt, UndecodableEvents
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.projections.rebuild.conftest import Ask
from tests.projections.story import NOW, a_customer, an_appointment
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC, Puzzled

TABLES = [table for reader in PROJECTIONS for table in reader.tables]


@pytest.fixture
def rebuild(owner: AsyncEngine) -> Rebuild:
    return Rebuild(owner, PROJECTIONS, CODEC)


async def rows(ask: Ask, generation: int) -> dict[str, list[tuple[Any, ...]]]:
    """Table -> its rows as text, in order."""
    return {
        table.name: await ask(f"SELECT t::text FROM read_{generation}.{table.name} t ORDER BY 1") for table in TABLES
    }


async def live(ask: Ask) -> int:
    ((generation,),) = await ask("SELECT generation FROM read.live")
    return int(generation)


async def schemas(ask: Ask) -> set[str]:
    return {name for (name,) in await ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read%'")}


async def marks(ask: Ask, generation: int) -> set[tuple[Any, ...]]:
    return set(await ask(f"SELECT position, stopped_at FROM read.bookmark WHERE generation = {generation}"))


CATALOGUE = (
    "SELECT nspacl::text, nspowner FROM pg_namespace WHERE oid = 'read_n'::regnamespace",
    """SELECT relname, relkind::text, relacl::text, relowner, relrowsecurity, relforcerowsecurity, reloptions
       FROM pg_class WHERE relnamespace = 'read_n'::regnamespace ORDER BY relname""",
    """SELECT relname, attname, atttypid, attnotnull, attacl::text, pg_get_expr(adbin, adrelid)
       FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
       LEFT JOIN pg_attrdef ON (adrelid, adnum) = (c.oid, attnum)
       WHERE relnamespace = 'read_n'::regnamespace AND attnum > 0 ORDER BY relname, attnum""",
    """SELECT relname, conname, condeferrable, condeferred, convalidated, pg_get_constraintdef(k.oid)
       FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid WHERE connamespace = 'read_n'::regnamespace
       ORDER BY relname, conname""",
    """SELECT indexname, replace(indexdef, 'read_n', 'read') FROM pg_indexes WHERE schemaname = 'read_n'
       ORDER BY indexname""",
    "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'read_n' ORDER BY 1, 2",
)
"""All that a generation consists of but its rows."""


class TestRunning:
    async def test_the_new_generation_has_the_rows_of_the_old_which_goes(
        self, life: int, rebuild: Rebuild, ask: Ask
    ) -> None:
        before = await rows(ask, 1)
        assert all(before[name] for name in ("appointment", "provider", "service", "tag", "occupancy", "visit"))
        assert await rebuild.run(grace=0) == Rebuilt(2, life)
        assert await rows(ask, 2) == before
        assert (await live(ask), await schemas(ask)) == (2, {"read", "read_2"})
        assert await marks(ask, 2) == {(life, None)}
        assert not await marks(ask, 1)

    async def test_it_has_the_same_grants_columns_constraints_and_indexes(
        self, life: int, rebuild: Rebuild, ask: Ask
    ) -> None:
        async def made(n: int) -> list[list[tuple[Any, ...]]]:
            return [await ask(question.replace("read_n", f"read_{n}")) for question in CATALOGUE]

        before = await made(1)
        assert all(before[:-1])
        await rebuild.run(grace=0)
        assert await made(2) == before

    async def test_again_and_again_each_makes_the_next(self, life: int, rebuild: Rebuild, ask: Ask) -> None:
        before = await rows(ask, 1)
        assert [(await rebuild.run(grace=0)).generation for _ in range(3)] == [2, 3, 4]
        assert await rows(ask, 4) == before
        assert await schemas(ask) == {"read", "read_4"}

    async def test_an_empty_log_makes_empty_tables(self, rebuild: Rebuild, ask: Ask) -> None:
        assert await rebuild.run(grace=0) == Rebuilt(2, 0)
        assert not any((await rows(ask, 2)).values())

    async def test_a_log_of_many_pages_is_told_with_its_progress(
        self, write: Any, catch_up: Any, owner: AsyncEngine, ask: Ask
    ) -> None:
        head = await write(*(a_customer() for _ in range(2 * PAGE + 7)))
        await catch_up()
        told: list[tuple[int, int]] = []
        rebuild = Rebuild(owner, PROJECTIONS, CODEC, lambda *so_far: told.append(so_far))
        assert await rebuild.run(grace=0) == Rebuilt(2, head)
        assert told == [(PAGE, head), (2 * PAGE, head)], "the rest is read while the projector is held off"
        assert await ask("SELECT count(*) FROM read_2.customer") == [(head,)]

    async def test_without_a_projector_it_is_ahead_of_the_old(
        self, write: Any, catch_up: Any, rebuild: Rebuild, ask: Ask
    ) -> None:
        head = await write(a_customer(), an_appointment())
        assert await rebuild.run(grace=0) == Rebuilt(2, head)
        assert await ask("SELECT count(*) FROM read_2.customer") == [(1,)]
        later = await write(a_customer())
        await catch_up()
        assert await marks(ask, 2) == {(later, None)}

    async def test_what_a_killed_one_has_left_goes(self, life: int, rebuild: Rebuild, ask: Ask) -> None:
        before = await rows(ask, 1)
        for left in (2, 5):
            await ask(f"CREATE SCHEMA read_{left}; CREATE TABLE read_{left}.appointment (half text)")
            await ask(f"INSERT INTO read.bookmark (reader, generation, position) VALUES ('agenda', {left}, 7)")
        await rebuild.run(grace=0)
        assert await rows(ask, 2) == before
        assert await schemas(ask) == {"read", "read_2"}
        assert await ask("SELECT DISTINCT generation FROM read.bookmark") == [(2,)]

    async def test_a_second_one_at_once_is_refused_until_the_first_has_dropped_the_old(
        self, life: int, owner: AsyncEngine, rebuild: Rebuild, ask: Ask
    ) -> None:
        first = asyncio.create_task(rebuild.run(grace=600))

        await eventually(partial(_is, 2, partial(live, ask)))
        second = Rebuild(owner, PROJECTIONS, CODEC)
        with pytest.raises(RebuildRunning):
            await second.run(grace=0)
        with pytest.raises(RebuildRunning):
            await second.check()
        assert await schemas(ask) == {"read", "read_1", "read_2"}
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second.run(grace=0)).generation == 3
        assert await schemas(ask) == {"read", "read_3"}

    async def test_one_that_follows_a_killed_one_keeps_the_grace_of_the_old(
        self, life: int, owner: AsyncEngine, rebuild: Rebuild, ask: Ask, look: Any
    ) -> None:
        async with look("agenda") as snapshot:
            first = asyncio.create_task(rebuild.run(grace=4))
            await eventually(partial(_is, 2, partial(live, ask)))
            first.cancel()  # as by a signal, while it waits for those that still read the old tables
            with pytest.raises(asyncio.CancelledError):
                await first
            second = asyncio.create_task(Rebuild(owner, PROJECTIONS, CODEC).run(grace=4))
            await asyncio.sleep(1)
            found = await snapshot.connection.execute(
                text(f"SELECT count(*) FROM read_{snapshot.generation}.appointment")
            )
            assert found.scalar_one() > 0
        assert (await second).generation == 3
        assert await schemas(ask) == {"read", "read_3"}

    async def test_one_that_can_not_drop_the_old_leaves_the_new_in_use(
        self, life: int, database: Database, ask: Ask
    ) -> None:
        impatient = create_async_engine(
            database.owner.replace("postgresql://", "postgresql+psycopg://"),
            connect_args={"options": "-c lock_timeout=200"},
        )
        async with await AsyncConnection.connect(database.application) as reading:
            await reading.execute("SELECT FROM read_1.appointment")
            with pytest.raises(OperationalError, match="lock timeout"):
                await Rebuild(impatient, PROJECTIONS, CODEC).run(grace=0)
        assert await live(ask) == 2
        assert await marks(ask, 2) == {(life, None)}
        assert {"read_1", "read_2"} < await schemas(ask)
        assert (await Rebuild(impatient, PROJECTIONS, CODEC).run(grace=0)).generation == 3
        assert await schemas(ask) == {"read", "read_3"}
        await impatient.dispose()


class TestAnEventThatCanNotBeRead:
    async def test_because_it_can_not_be_decoded_leaves_all_as_it_was(
        self, life: int, owner: AsyncEngine, ask: Ask
    ) -> None:
        before = await rows(ask, 1)
        with pytest.raises(UndecodableEvents, match=r"agenda can't read position \d+: LookupError: no such topic"):
            await Rebuild(owner, PROJECTIONS, Puzzled("Appointment.Cancelled")).run(grace=0)
        assert (await live(ask), await schemas(ask)) == (1, {"read", "read_1"})
        assert await rows(ask, 1) == before
        assert not await marks(ask, 2)

    async def test_by_one_reader_leaves_all_as_it_was(self, life: int, owner: AsyncEngine, ask: Ask) -> None:
        def picky(recorded: RecordedEvent, rows: RowBatch) -> None:
            if recorded.position == 5:
                raise ValueError("not this one")

        readers = [*PROJECTIONS, Projection("picky", (), picky, ())]
        with pytest.raises(UndecodableEvents, match="picky can't read position 5: ValueError: not this one"):
            await Rebuild(owner, readers, CODEC).run(grace=0)
        assert (await live(ask), await schemas(ask)) == (1, {"read", "read_1"})


async def _is(due: object, found: Callable[[], Awaitable[object]]) -> bool:
    return await found() == due


class TestBesideTheProjector:
    async def test_it_goes_on_with_the_new_generation(
        self, life: int, engine: AsyncEngine, write: Any, rebuild: Rebuild, ask: Ask
    ) -> None:
        following = asyncio.create_task(Projector(engine, PROJECTIONS, CODEC).run())
        try:
            for generation in (2, 3):
                await rebuild.run(grace=0)
                due = {(await write(an_appointment()), None)}
                await eventually(partial(_is, due, partial(marks, ask, generation)))
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert (await rebuild.check()).differences == []

    async def test_a_page_that_waits_for_the_switch_is_not_written_to_the_old(
        self, life: int, database: Database, engine: AsyncEngine, write: Any, rebuild: Rebuild, ask: Ask
    ) -> None:
        projector = Projector(engine, PROJECTIONS, CODEC)
        await projector.catch_up()

        async def waiting(for_lock: int) -> None:
            async def seen() -> bool:
                held = "relation = 'read.bookmark'::regclass AND NOT granted"
                ((count,),) = await ask(f"SELECT count(*) FROM pg_locks WHERE {held}")
                return bool(count == for_lock)

            await eventually(seen)

        async with await AsyncConnection.connect(database.owner) as page:
            await page.execute("LOCK TABLE read.bookmark IN ROW EXCLUSIVE MODE")  # as a page under way does
            rebuilding = asyncio.create_task(rebuild.run(grace=600))
            await waiting(1)
            head = await write(an_appointment())
            late = asyncio.create_task(projector.catch_up())
            await waiting(2)
        with pytest.raises(Fenced):
            await late
        assert await live(ask) == 2
        assert await marks(ask, 1) == {(life, None)}
        await projector.catch_up()
        assert await marks(ask, 2) == {(head, None)}
        rebuilding.cancel()
        await asyncio.gather(rebuilding, return_exceptions=True)

    async def test_a_stopped_reader_goes_on_in_the_new_generation(
        self, write: Any, catch_up: Any, rebuild: Rebuild, ask: Ask
    ) -> None:
        await ask("ALTER TABLE read_1.customer ADD CONSTRAINT planted CHECK (name <> 'Bad')")
        head = await write(a_customer("Good"), a_customer("Bad"), a_customer("Late"))
        await catch_up()
        assert await marks(ask, 1) == {(1, 2), (head, None)}
        assert await rebuild.run(grace=0) == Rebuilt(2, head)
        assert await marks(ask, 2) == {(head, None)}
        assert await ask("SELECT name FROM read_2.customer ORDER BY 1") == [("Bad",), ("Good",), ("Late",)]


class TestChecking:
    async def test_it_finds_no_difference_and_leaves_nothing(self, life: int, rebuild: Rebuild, ask: Ask) -> None:
        assert await rebuild.check() == Rebuilt(2, life, [])
        assert (await live(ask), await schemas(ask)) == (1, {"read", "read_1"})
        assert not await marks(ask, 2)

    async def test_it_names_a_row_that_was_changed_one_that_is_missing_and_one_too_many(
        self, life: int, rebuild: Rebuild, ask: Ask
    ) -> None:
        ((changed,), (missing,), *_) = await ask("SELECT id FROM read_1.appointment ORDER BY id")
        ((is_missing,),) = await ask(f"SELECT t::text FROM read_1.appointment t WHERE id = '{missing}'")
        ((was,),) = await ask(f"SELECT t::text FROM read_1.appointment t WHERE id = '{changed}'")
        await ask(f"UPDATE read_1.appointment SET price = price + 1 WHERE id = '{changed}'")
        await ask(f"DELETE FROM read_1.appointment WHERE id = '{missing}'")
        ((extra,),) = await ask("INSERT INTO read_1.host SELECT gen_random_uuid(), owner_id FROM read_1.host"
                                " LIMIT 1 RETURNING host::text")  # fmt: skip
        ((is_,),) = await ask(f"SELECT t::text FROM read_1.appointment t WHERE id = '{changed}'")
        assert set((await rebuild.check()).differences) == {
            Difference("appointment", is_, was),
            Difference("appointment", None, is_missing),
            Difference("host", extra, None),
        }

    async def test_it_looks_at_every_table(self, life: int, rebuild: Rebuild, ask: Ask) -> None:
        there = {table.name: (await ask(f"SELECT count(*) FROM read_1.{table.name}"))[0][0] for table in TABLES}
        for name in there:
            await ask(f"DELETE FROM read_1.{name}")
        found = Counter(difference.table for difference in (await rebuild.check()).differences)
        assert found == Counter({name: min(count, MOST) for name, count in there.items()})

    async def test_it_names_some_of_many(self, write: Any, catch_up: Any, rebuild: Rebuild, ask: Ask) -> None:
        await write(*(a_customer() for _ in range(MOST + 5)), an_appointment())
        await catch_up()
        await ask("DELETE FROM read_1.customer; DELETE FROM read_1.appointment")
        found = [difference.table for difference in (await rebuild.check()).differences]
        assert (found.count("customer"), found.count("appointment")) == (MOST, 1)

    async def test_a_stopped_reader_is_compared_where_it_stands(
        self, write: Any, catch_up: Any, owner: AsyncEngine, ask: Ask
    ) -> None:
        def picky(recorded: RecordedEvent, rows: RowBatch) -> None:
            if recorded.position == 2:
                raise ValueError("not this one")
            customers.project(recorded, rows)

        readers = [
            Projection(reader.name, reader.tables, picky, reader.handles) if reader is customers else reader
            for reader in PROJECTIONS
        ]
        head = await write(a_customer(), a_customer(), an_appointment())
        await Projector(owner, readers, CODEC).catch_up()
        assert await marks(ask, 1) == {(1, 2), (head, None)}
        assert await Rebuild(owner, readers, CODEC).check() == Rebuilt(2, head, [])
        await ask("DELETE FROM read_1.customer; DELETE FROM read_1.appointment")
        found = (await Rebuild(owner, readers, CODEC).check()).differences
        assert sorted(difference.table for difference in found) == ["appointment", "customer"]

    async def test_somebody_who_is_forgotten_meanwhile_is_no_difference(
        self, life: int, owner: AsyncEngine, write: Any, catch_up: Any, ask: Ask
    ) -> None:
        carl = a_customer()
        await write(carl)
        await catch_up()

        class Meanwhile(Rebuild):
            """Between its snapshot of the live rows and its own, somebody is forgotten, and the readers follow."""

            async def fill(self, *arguments: Any) -> None:
                if await ask(f"DELETE FROM keyring.person WHERE subject = '{carl.id}' RETURNING 1"):
                    carl.forget(carl.id, NOW)
                    await write(carl)
                    await catch_up()
                await super().fill(*arguments)

        assert (await Meanwhile(owner, PROJECTIONS, CODEC).check()).differences == []
        assert await ask(f"SELECT name FROM read_1.customer WHERE id = '{carl.id}'") == [("",)]
        assert await schemas(ask) == {"read", "read_1"}

    async def test_events_that_come_meanwhile_are_no_differences(
        self, life: int, engine: AsyncEngine, write: Any, rebuild: Rebuild
    ) -> None:
        following = asyncio.create_task(Projector(engine, PROJECTIONS, CODEC).run())
        stop = asyncio.Event()

        async def appear() -> int:
            position = 0
            while not stop.is_set():
                position = await write(an_appointment(), a_customer())
            return position

        appearing = asyncio.create_task(appear())
        try:
            checks = [await rebuild.check() for _ in range(3)]
        finally:
            stop.set()
            await appearing
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [check.differences for check in checks] == [[], [], []]
        assert life < checks[0].position < checks[2].position
