"""`daybook rebuild` and `daybook projections`: read models are made anew and mended while people look."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from infrastructure.event_log.journal import Appended, LogEntry
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.privacy.master_keys import MasterKeys
from tests.projections.story import a_customer
from tests.support.instances import Instance, Process, a_folder, ask, eventually, within
from tests.support.sealed import rows_of
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Person, Shop, Town, at, good, position, written

pytestmark = pytest.mark.timeout(900)

HISTORY = 8_000  # events: so many that a rebuild takes a while
UNHURRIED = 600  # seconds


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """One of this file's own, with two API processes and some history."""
    with a_folder() as folder, Instance.start(folder, apis=2) as instance:
        asyncio.run(_customers(instance))
        within(60, lambda: marks(instance) == {(head(instance), None)})
        yield instance


async def _customers(instance: Instance) -> None:
    journal = PostgresJournal(instance.database)
    await journal.open()
    for _ in range(HISTORY // 500):
        events = [event for _ in range(500) for event in a_customer().collect_events()]
        rows = await rows_of(journal, events, "{}", MasterKeys(instance.master_key))
        entry = LogEntry(secrets.token_bytes(32), b"", (rows[0].stream, 1), {}, rows)
        assert isinstance(await journal.append(entry), Appended)
    await journal.close()


@pytest.fixture
async def town(instance: Instance) -> AsyncIterator[Town]:
    """After the test the log and all read models are checked."""
    async with Town(instance) as town:
        yield town
        await checked(instance, town.acknowledged)


def daybook(instance: Instance, *arguments: str) -> Process:
    """A command on what runs in the instance's folder."""
    return Process.start(instance.data, *arguments, "--data", str(instance.data))


async def run(instance: Instance, *arguments: str) -> tuple[int, str]:
    """The command's exit status and all that it said."""
    process = await asyncio.to_thread(daybook, instance, *arguments)
    return await asyncio.to_thread(process.wait, 120), process.said


def live(instance: Instance) -> int:
    ((generation,),) = ask(instance.superuser_database, "SELECT generation FROM read.live")
    assert isinstance(generation, int)
    return generation


def head(instance: Instance) -> int:
    ((position,),) = ask(instance.superuser_database, "SELECT max(upto) FROM log.seal")
    assert isinstance(position, int)
    return position


def marks(instance: Instance, generation: int | None = None) -> set[tuple[object, ...]]:
    """Position and where stopped, of the readers."""
    query = "SELECT position, stopped_at FROM read.bookmark WHERE generation = %s"
    return set(ask(instance.superuser_database, query, [generation or live(instance)]))


def schemas(instance: Instance) -> set[object]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_%'"
    return {name for (name,) in ask(instance.superuser_database, query)}


def waits_for_the_projector(instance: Instance) -> bool:
    query = "SELECT 1 FROM pg_locks WHERE relation = 'read.bookmark'::regclass AND NOT granted"
    return bool(ask(instance.superuser_database, query))


@contextmanager
def a_page_under_way(instance: Instance) -> Iterator[None]:
    """As if a projector wrote all the while."""
    with psycopg.connect(instance.superuser_database) as connection:
        connection.execute("LOCK TABLE read.bookmark IN ROW EXCLUSIVE MODE")
        yield


@contextmanager
def nothing_else(instance: Instance) -> Iterator[None]:
    yield


def begun(instance: Instance, made: int) -> bool:
    return f"read_{made}" in schemas(instance)


def half_way(instance: Instance, made: int) -> bool:
    return any(isinstance(at, int) and at > HISTORY // 3 for at, _ in marks(instance, made))


def about_to_take_over(instance: Instance, made: int) -> bool:
    return waits_for_the_projector(instance)


def taken_over(instance: Instance, made: int) -> bool:
    return live(instance) == made


@pytest.mark.parametrize(
    ("moment", "meanwhile"),
    [
        (begun, nothing_else),
        (half_way, nothing_else),
        (about_to_take_over, a_page_under_way),
        (taken_over, nothing_else),
    ],
)
async def test_killed_at_any_moment_it_starts_again_cleanly(
    instance: Instance,
    town: Town,
    moment: Callable[[Instance, int], bool],
    meanwhile: Callable[[Instance], Any],
) -> None:
    made = live(instance) + 1
    with meanwhile(instance):
        killed = daybook(instance, "rebuild", "--grace", str(UNHURRIED))
        try:
            within(60, lambda: moment(instance, made) or killed.process.poll() is not None)
            assert killed.process.poll() is None, killed.said
        finally:
            killed.kill()
    assert (live(instance) == made) is (moment is taken_over)
    good(await town.somebody().ask("GET", "/v1/appointments"))

    status, said = await run(instance, "rebuild", "--grace", "0")
    assert (status, said) == (0, f"Generation {live(instance)} is in use, at position {head(instance)}.\n")
    assert schemas(instance) == {f"read_{live(instance)}"}
    status, said = await run(instance, "rebuild", "--check")
    assert (status, said) == (0, f"No difference, at position {head(instance)}.\n")


async def test_of_two_at_once_one_says_that_it_is_busy(instance: Instance, town: Town) -> None:
    made = live(instance) + 1
    first = daybook(instance, "rebuild", "--grace", str(UNHURRIED))
    try:
        within(60, lambda: live(instance) == made)
        for command in (["rebuild"], ["rebuild", "--check"]):
            assert await run(instance, *command) == (1, "Another rebuild is under way.\n")
    finally:
        first.kill()
    assert (await run(instance, "rebuild", "--grace", "0"))[0] == 0


async def test_a_check_names_what_differs_and_changes_nothing(instance: Instance, town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    booked = await ada.book(shop, at("09:00"))
    id = good(booked, 201)["id"]
    await ada.get(f"/v1/appointments/{id}", seen=position(booked))
    table = f"read_{live(instance)}.appointment"
    row = f"SELECT t::text FROM {table} t WHERE id = '{id}'"
    ((right,),) = ask(instance.superuser_database, row)
    before = live(instance), schemas(instance)
    ask(instance.superuser_database, f"UPDATE {table} SET price = price + 1 WHERE id = '{id}'")
    ((wrong,),) = ask(instance.superuser_database, row)
    status, said = await run(instance, "rebuild", "--check")
    assert (status, said) == (1, f"appointment:\n  in use  {wrong}\n  rebuilt {right}\n")
    assert (live(instance), schemas(instance)) == before

    assert (await run(instance, "rebuild", "--grace", "0"))[0] == 0
    shown = good(await ada.get(f"/v1/appointments/{id}", seen=position(booked)))
    told = good(booked, 201)
    assert {name: shown[name] for name in told} == told, "the rebuild has mended it"


class Onlookers:
    """People who ask again and again, each time for no less than anybody has seen."""

    def __init__(self, town: Town, shop: Shop, owner: Person, appointment: str) -> None:
        day = at("00:00").date()
        span = f"service_id={shop.service_id}&from={day}&to={day + timedelta(days=6)}&tz=UTC"
        self.paths = (
            f"/v1/appointments?provider_id={shop.provider_id}&limit=200",
            f"/v1/appointments/{appointment}",
            f"/v1/availability?{span}",
            "/v1/providers?limit=200",
        )
        self.seen = 0
        self.answers = dict.fromkeys(self.paths, 0)
        self._town, self._owner = town, owner

    @asynccontextmanager
    async def watching(self, each: int = 2) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(self._watch(path)) for path in self.paths for _ in range(each)]
            yield
            for task in watching:
                task.cancel()

    async def see_more(self, events: int) -> None:
        """Until so many more are read, in the read models that are in use by then."""
        goal = self.seen + events

        async def seen() -> bool:
            return self.seen > goal

        await eventually(seen, 300)

    async def _watch(self, path: str) -> None:
        version = 0
        while True:
            asked = self.seen
            answer = await self._owner.ask("GET", path, daybook_position=str(asked))
            told = good(answer)
            assert position(answer) >= asked, path
            assert told.get("version", version) >= version, "an appointment as it was before"
            version = told.get("version", version)
            self.seen = max(self.seen, position(answer))
            self.answers[path] += 1


class Bookers:
    """People who book, move and cancel, one after another."""

    def __init__(self, town: Town, shop: Shop, moved: dict[str, Any]) -> None:
        self.recorded = 0
        self._town, self._shop, self._moved = town, shop, moved

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._book(stop))
            tasks.create_task(self._move(stop))
            yield
            stop.set()

    async def _book(self, stop: asyncio.Event) -> None:
        for n in count():
            if stop.is_set():
                return
            ada = self._town.somebody()
            booked = await ada.book(self._shop, at("00:00", day=n // 48 % 5) + timedelta(minutes=n % 48 * 30))
            cancelled = await ada.change(good(booked, 201), "cancel")
            assert good(cancelled)["status"] == "cancelled"
            self.recorded = position(cancelled)

    async def _move(self, stop: asyncio.Event) -> None:
        for n in count():
            if stop.is_set():
                return
            start = {"start": written(at("00:00", day=6) + timedelta(minutes=n % 48 * 30))}
            self._moved = good(await self._shop.owner.change(self._moved, "reschedule", start))


@pytest.mark.fault(15)
async def test_under_load_no_look_fails_or_goes_back_in_time(instance: Instance, town: Town) -> None:
    shop = await town.a_shop()
    moved = await town.somebody().book(shop, at("23:30", day=6))
    first = good(moved, 201)
    await shop.owner.get(f"/v1/appointments/{first['id']}", seen=position(moved))
    onlookers, bookers = Onlookers(town, shop, shop.owner, first["id"]), Bookers(town, shop, first)
    before = live(instance)
    async with bookers.busy(), onlookers.watching():
        for _ in range(2):
            status, said = await run(instance, "rebuild", "--grace", "1")
            assert status == 0, said
            await onlookers.see_more(20)
    assert live(instance) == before + 2
    assert schemas(instance) == {f"read_{before + 2}"}
    assert all(answers > 20 for answers in onlookers.answers.values()), onlookers.answers
    within(20, lambda: marks(instance) == {(head(instance), None)})
    assert (await run(instance, "rebuild", "--check"))[0] == 0


@contextmanager
def no_projector(instance: Instance) -> Iterator[None]:
    """It is there, but does nothing."""
    within(20, lambda: marks(instance) == {(head(instance), None)})
    pids = instance.pids("project")
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_without_a_projector_the_rebuilt_shows_what_nobody_had_read(instance: Instance, town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    with no_projector(instance):
        booked = await ada.book(shop, at("09:00"))
        told, seen = good(booked, 201), position(booked)
        path = f"/v1/appointments/{told['id']}"
        unread = await ada.ask("GET", path, daybook_position=str(seen))
        assert unread.status_code == 503
        assert (await run(instance, "rebuild", "--grace", "0"))[0] == 0
        shown = good(await ada.get(path, seen=seen))
        assert {name: shown[name] for name in told} == told
    booked = await ada.book(shop, at("10:00"))
    assert at("10:00") not in (await shop.starts(seen=position(booked)))["starts"]


async def test_a_stopped_reader_is_listed_and_goes_on_once_it_is_mended_and_resumed(
    instance: Instance, town: Town
) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    odd = await shop.offer(price=666)
    status, said = await run(instance, "projections")
    assert status == 0
    for reader in ("agenda", "availability", "customer", "directory", "occupancy"):
        assert reader in said
    planted = f"read_{live(instance)}.appointment"
    ask(instance.superuser_database, f"ALTER TABLE {planted} ADD CONSTRAINT planted CHECK (price <> 666)")
    before = await ada.book(shop, at("08:00"))
    bad = await ada.book(shop, at("09:00"), service=odd)
    after = await ada.book(shop, at("10:00"))
    ids = [good(booked, 201)["id"] for booked in (before, bad, after)]
    ((at_position,),) = ask(
        instance.superuser_database,
        "SELECT notification_id FROM log.stored_events WHERE originator_id = %s", [ids[1]],
    )  # fmt: skip

    def stopped() -> bool:
        found = ask(instance.superuser_database, "SELECT reader, stopped_at FROM read.bookmark WHERE error > ''")
        return found == [("agenda", at_position)]

    within(20, stopped)
    assert at("10:00") not in (await shop.starts(seen=position(after)))["starts"], "the others go on"
    behind = await ada.ask("GET", f"/v1/appointments/{ids[2]}", daybook_position=str(position(after)))
    assert behind.status_code == 503, "never stale as if it were fresh"

    status, said = await run(instance, "projections")
    assert status == 1
    assert f"agenda stopped at position {at_position}: CheckViolation: " in said
    assert said.endswith("Fix the cause, then run `daybook projections resume agenda`.\n")
    resume = "projections", "resume"
    assert await run(instance, *resume, "directory") == (0, "directory is running; nothing to resume.\n")
    assert await run(instance, *resume, "agenda") == (0, "agenda has resumed.\n")
    status, said = await run(instance, *resume, "foo")
    assert (status, said.partition(", ")[0]) == (2, "There is no projection foo. Projections: account")
    within(20, stopped)  # not mended: the same event stops it again

    ask(instance.superuser_database, f"ALTER TABLE {planted} DROP CONSTRAINT planted")
    assert (await run(instance, *resume, "agenda"))[0] == 0
    for id in ids:
        assert good(await ada.get(f"/v1/appointments/{id}", seen=position(after)))["id"] == id
    assert (await run(instance, "projections"))[0] == 0
    assert (await run(instance, "rebuild", "--check"))[0] == 0
