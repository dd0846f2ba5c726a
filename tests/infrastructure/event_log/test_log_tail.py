"""A process learns what others append before its own commands need it, and reads nothing while it is alone."""

from collections.abc import AsyncIterator
from secrets import token_bytes

import pytest

from application.access import Role
from application.booking.appointment import book_appointment
from application.catalog.tag import CreateTag, RenameTag, create_tag, rename_tag
from domain.booking.calendar_day import Day
from domain.catalog.tag import Tag
from infrastructure.event_log import log_tail
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import Appended, LogEntry
from infrastructure.event_log.log_tail import LogTail
from infrastructure.event_log.metrics import CONFLICTS
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.event_log.gate import until
from tests.support.builders import an_open_week, somebody
from tests.support.faultproxy import FaultProxy

ADMIN = somebody(Role.ADMIN)
VEGAN = Tag.id_of("vegan")


@pytest.fixture
async def proxy(database: Database) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(database.application) as proxy:
        yield proxy


@pytest.fixture
async def ours(open_store: Open, proxy: FaultProxy) -> EventStore:
    """The store of this process."""
    return await open_store(proxy.dsn, patience=1.0)


@pytest.fixture
async def tail(ours: EventStore) -> AsyncIterator[LogTail]:
    """By which it follows the log."""
    assert isinstance(ours.journal, PostgresJournal)
    async with LogTail(ours.journal, ours.cache) as tail:
        yield tail


@pytest.fixture
async def theirs(open_store: Open, database: Database) -> EventStore:
    """The store of another process."""
    return await open_store(database.application)


async def coin(store: EventStore, slug: str) -> None:
    await create_tag(CreateTag(by=ADMIN, slug=slug, name=slug), store)


async def rename(store: EventStore, *names: str) -> None:
    for name in names:
        await rename_tag(RenameTag(by=ADMIN, tag_id=VEGAN, name=name), store)


def cached(store: EventStore) -> str:
    """The name that the process knows the tag by."""
    tag = store.cache.get(VEGAN)
    assert isinstance(tag, Tag)
    return tag.name


def lost_attempts() -> float:
    (samples,) = CONFLICTS.collect()
    return samples.samples[0].value


async def test_after_its_own_append_a_process_knows_what_was_appended_in_between(
    ours: EventStore, theirs: EventStore, tail: LogTail
) -> None:
    await coin(ours, "vegan")
    await rename(theirs, "Plants", "Greens")
    assert cached(ours) == "vegan"
    await coin(ours, "halal")
    await until(lambda: cached(ours) == "Greens")
    assert tail.position == 4


async def test_one_that_appends_nothing_hears_it_from_the_projector(
    ours: EventStore, theirs: EventStore, tail: LogTail
) -> None:
    await coin(ours, "vegan")
    await rename(theirs, "Plants")
    tail.hear(2)
    await until(lambda: cached(ours) == "Plants")


async def test_of_processes_that_book_in_turns_none_decides_on_an_old_day(
    ours: EventStore, theirs: EventStore, tail: LogTail
) -> None:
    assert isinstance(theirs.journal, PostgresJournal)
    async with LogTail(theirs.journal, theirs.cache) as their_tail:
        week = await an_open_week(ours)
        day = Day.id_of(week.provider_id, week.monday.date())
        await book_appointment(week.booking("09:00"), theirs)
        lost = lost_attempts()
        for n, clock in enumerate(("09:30", "10:00", "10:30", "11:00", "11:30", "12:00")):
            at = (await book_appointment(week.booking(clock), (ours, theirs)[n % 2])).position
            for each, store in ((tail, ours), (their_tail, theirs)):
                each.hear(at)
                await until(lambda store=store, n=n: len(store.cache.get(day).seats) == n + 2)  # type: ignore[misc]
        assert lost_attempts() == lost


async def test_a_process_that_is_alone_reads_nothing(ours: EventStore, tail: LogTail) -> None:
    await coin(ours, "vegan")
    for name in map(str, range(20)):
        await rename(ours, name)
        tail.hear(tail.position)
    assert (tail.position, tail.looks) == (21, 0)


async def test_streams_that_it_has_not_read_are_not_cached(ours: EventStore, theirs: EventStore, tail: LogTail) -> None:
    await coin(theirs, "vegan")
    tail.hear(1)
    await until(lambda: tail.position == 1)
    assert VEGAN not in ours.cache


async def test_of_a_long_stretch_it_reads_the_end_and_decides_right_all_the_same(
    ours: EventStore, theirs: EventStore, tail: LogTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "MOST", 3)
    await coin(ours, "vegan")
    await rename(theirs, "Plants")
    for slug in ("halal", "kosher", "raw"):
        await coin(theirs, slug)
    tail.hear(5)
    await until(lambda: tail.position == 5)
    assert cached(ours) == "vegan"
    await rename(ours, "Greens")
    await until(lambda: tail.position == 6)
    assert (cached(ours), ours.cache.get(VEGAN).version) == ("Greens", 3)


async def test_an_event_of_a_later_release_ends_nothing(ours: EventStore, theirs: EventStore, tail: LogTail) -> None:
    await coin(ours, "vegan")
    await coin(ours, "halal")
    unheard = encode(Tag.Retired(VEGAN, 2, timestamp=theirs.now(), by=ADMIN.id), "{}")._replace(topic="Tag.Unheard")
    entry = LogEntry(token_bytes(32), b"", (VEGAN, 2), {}, [unheard])
    assert isinstance(await theirs.journal.append(entry), Appended)
    tail.hear(3)
    await until(lambda: VEGAN not in ours.cache)
    halal = Tag.id_of("halal")
    await rename_tag(RenameTag(by=ADMIN, tag_id=halal, name="Pure"), theirs)
    tail.hear(4)
    await until(lambda: ours.cache.get(halal).name == "Pure")


async def test_it_goes_on_after_an_outage(
    ours: EventStore, theirs: EventStore, tail: LogTail, proxy: FaultProxy
) -> None:
    await coin(ours, "vegan")
    proxy.stall("to server")
    await rename(theirs, "Plants")
    tail.hear(2)
    await until(lambda: tail.looks == 1)
    proxy.cut()
    proxy.flow()
    await until(lambda: cached(ours) == "Plants")


async def test_another_log_is_followed_from_its_head(ours: EventStore, theirs: EventStore, tail: LogTail) -> None:
    assert isinstance(ours.journal, PostgresJournal)
    await coin(ours, "vegan")
    await rename(ours, "Plants", "Greens")
    tail.position = 1_000  # of the log before, which was longer
    ours.journal.known.end(ours.journal.epoch, 3)
    assert VEGAN not in ours.cache
    await rename(theirs, "Leaves")
    tail.hear(1_001)
    await until(lambda: tail.position == 4)
    await rename(ours, "Roots")
    await rename(theirs, "Stems")
    tail.hear(6)
    await until(lambda: cached(ours) == "Stems")
