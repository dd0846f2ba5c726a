"""Every reader gets every event once, in order, whatever happens meanwhile."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg.errors import LockNotAvailable
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from domain.booking.appointment import Appointment
from domain.booking.calendar_day import Day
from projections.engine import pg_notify
from projections.engine.apply import Fenced, apply
from projections.engine.event_feed import PAGE, EventFeed
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.projector import Projector
from projections.engine.row_batch import RowBatch
from projections.read_models.appointment import get
from projections.rebuild.generations import ensure
from projections.registry import PROJECTIONS
from tests.projections.story import NOW, a_customer, a_provider, a_seat, an_appointment, at, days, seat_all
from tests.projections.waiting import eventually
from tests.support.sealed import CODEC, Puzzled
from tests.support.waiting import PATIENCE

END_OF_LEAD = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'daybook-projector-lead' AND datname = current_database()"""
ENOUGH = 30.0  # seconds: one that goes on never ends


class Picky:
    """A reader that keeps nothing, and has something against one stream."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.against: UUID | None = None
        self.reader = Projection("picky", (), self.project, ())

    def project(self, recorded: RecordedEvent, rows: RowBatch) -> None:
        if recorded.stream == self.against:
            raise ValueError("not this one")
        self.seen.append(recorded.position)


@pytest.fixture
def picky(database) -> Picky:
    picky = Picky()
    owner = create_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    with owner.begin() as connection:
        ensure(connection, [*PROJECTIONS, picky.reader])
    owner.dispose()
    return picky


@pytest.fixture
def ask(database):
    """The rows of a query, as the application, on a connection of its own."""

    async def ask(query):
        connect = psycopg.AsyncConnection.connect(database.application, application_name="test")
        async with await connect as connection:
            await connection.execute("SELECT set_config('app.scope', 'all', false)")
            return await (await connection.execute(query)).fetchall()

    return ask


@pytest.fixture
def bookmarks(ask):
    """Reader -> (position, stopped_at)."""

    async def bookmarks():
        rows = await ask("SELECT reader, position, stopped_at FROM read.bookmark")
        return {reader: (position, stopped_at) for reader, position, stopped_at in rows}

    return bookmarks


@pytest.fixture
def everybody_at(bookmarks):
    """Whether all readers are at a position."""

    def everybody_at(position):
        async def there():
            return set((await bookmarks()).values()) == {(position, None)}

        return there

    return everybody_at


@asynccontextmanager
async def running(projector: Projector):
    task = asyncio.create_task(projector.run())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_it_brings_every_reader_to_the_head_and_keeps_it_there(engine, write, everybody_at):
    before = await write(a_customer())
    async with running(Projector(engine, PROJECTIONS, CODEC)):
        await eventually(everybody_at(before))
        for _ in range(3):
            await eventually(everybody_at(await write(a_customer())))


async def test_it_is_told_of_events_and_need_not_look(engine, write, everybody_at, monkeypatch):
    monkeypatch.setattr(pg_notify, "POLL", 10 * PATIENCE)
    async with running(Projector(engine, PROJECTIONS, CODEC)):
        await eventually(everybody_at(0))
        await eventually(everybody_at(await write(a_customer())))
        for _ in range(6):
            await eventually(everybody_at(await write(a_customer())))


async def test_many_pages_are_read_as_one_log(engine, write, picky):
    customers = [a_customer() for _ in range(2 * PAGE + 10)]
    await write(*customers)
    await Projector(engine, [picky.reader], CODEC).catch_up()
    assert picky.seen == list(range(1, 2 * PAGE + 11))


async def test_a_page_given_twice_counts_once(engine, write, bookmarks, ask):
    await write(an_appointment(), an_appointment())
    stretch = await EventFeed(engine, CODEC).after(0)
    async with engine.begin() as connection:
        await apply(connection, 1, PROJECTIONS, 0, stretch)
    with pytest.raises(Fenced):
        async with engine.begin() as connection:
            await apply(connection, 1, PROJECTIONS, 0, stretch)
    assert set((await bookmarks()).values()) == {(2, None)}
    assert await ask("SELECT count(*) FROM read_1.appointment") == [(2,)]


async def test_rows_and_bookmarks_are_kept_together_or_not_at_all(engine, write, bookmarks, ask):
    await write(an_appointment())
    stretch = await EventFeed(engine, CODEC).after(0)
    async with engine.connect() as connection:
        await apply(connection, 1, PROJECTIONS, 0, stretch)
        await connection.rollback()
    assert set((await bookmarks()).values()) == {(0, None)}
    assert await ask("SELECT count(*) FROM read_1.appointment") == [(0,)]


async def test_several_at_once_harm_nothing(engine, write, picky, ask, everybody_at):
    position = await write(*(an_appointment() for _ in range(PAGE + 10)))
    several = [Projector(engine, [*PROJECTIONS, picky.reader], CODEC) for _ in range(3)]

    async def insist(projector):
        while not await everybody_at(position)():
            with suppress(Fenced, LockNotAvailable):  # `run` goes on after both
                await projector.catch_up()

    await asyncio.gather(*map(insist, several))
    assert await ask("SELECT count(*) FROM read_1.appointment") == [(position,)]


class TestFailing:
    """An event that fails stops its reader, before it, and nobody else."""

    @pytest.mark.fault(12)
    async def test_it_stops_that_reader_alone_and_says_where_and_why(self, engine, write, picky, bookmarks, ask):
        bad = a_customer()
        picky.against = bad.id
        await write(a_customer(), a_customer(), bad, a_customer())
        with capture_logs() as lines:
            await Projector(engine, [*PROJECTIONS, picky.reader], CODEC).catch_up()
        marks = await bookmarks()
        assert marks.pop("picky") == (2, 3)
        assert set(marks.values()) == {(4, None)}
        assert await ask("SELECT error FROM read.bookmark WHERE reader = 'picky'") == [("ValueError: not this one",)]
        assert isinstance(lines[0].pop("exc_info"), ValueError)
        assert lines == [
            {
                "event": "projection stopped",
                "request_id": None,
                "log_level": "error",
                "projection": "picky",
                "position": 3,
                "error": "ValueError: not this one",
                "way_out": "fix the cause, then `daybook projections resume picky`",
            }
        ]
        assert REGISTRY.get_sample_value("daybook_reader_stopped", {"reader": "agenda"}) == 0

    async def test_it_stays_stopped_while_others_go_on(self, engine, write, picky, bookmarks):
        bad = a_customer()
        picky.against = bad.id
        await write(bad)
        projector = Projector(engine, [*PROJECTIONS, picky.reader], CODEC)
        await projector.catch_up()
        await write(a_customer())
        await projector.catch_up()
        marks = await bookmarks()
        assert marks["picky"] == (0, 1)
        assert marks["agenda"] == (2, None)
        assert REGISTRY.get_sample_value("daybook_reader_stopped", {"reader": "picky"}) == 1
        assert REGISTRY.get_sample_value("daybook_reader_lag_positions", {"reader": "picky"}) == 2
        assert REGISTRY.get_sample_value("daybook_reader_lag_seconds", {"reader": "picky"}) > 0

    async def test_once_mended_and_resumed_it_misses_nothing(self, engine, write, picky, everybody_at, ask):
        bad = a_customer()
        picky.against = bad.id
        position = await write(a_customer(), bad, a_customer())
        async with running(Projector(engine, [*PROJECTIONS, picky.reader], CODEC)):

            async def stopped():
                return await ask("SELECT FROM read.bookmark WHERE stopped_at = 2")

            await eventually(stopped)
            picky.against = None
            picky.seen.clear()
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE read.checkpoint SET stopped_at = NULL, error = NULL"))
            await eventually(everybody_at(position))
        assert picky.seen == [2, 3]

    async def test_rows_that_the_database_refuses_stop_it_just_so(self, engine, write, bookmarks, ask):
        (day,) = days(a_provider().id, at(9), at(10))
        seat_all([day], a_seat(at(9)))
        day.give(a_seat(at(9)), NOW)
        appointment = an_appointment()
        position = await write(day, appointment)
        await Projector(engine, PROJECTIONS, CODEC).catch_up()
        marks = await bookmarks()
        assert marks.pop("occupancy") == (2, 3)
        assert set(marks.values()) == {(position, None)}
        assert await ask("SELECT count(*) FROM read_1.occupancy") == [(1,)]
        assert await ask("SELECT id FROM read_1.appointment") == [(appointment.id,)]

    async def test_an_event_that_can_not_be_decoded_stops_the_projections_that_use_its_aggregate(
        self, engine, write, bookmarks, ask
    ):
        position = await write(a_customer(), a_customer(), an_appointment(), a_customer())
        await Projector(engine, PROJECTIONS, Puzzled("Appointment.Booked")).catch_up()
        users = {each.name for each in PROJECTIONS if Appointment in each.handles}
        marks = await bookmarks()
        stopped = {name for name, mark in marks.items() if mark == (2, 3)}
        assert stopped == users == {"agenda", "analysis", "audit", "customer", "feed", "job"}
        assert {mark for name, mark in marks.items() if name not in users} == {(position, None)}
        errors = await ask("SELECT DISTINCT error FROM read.bookmark WHERE stopped_at IS NOT NULL")
        assert errors == [("LookupError: no such topic",)]
        assert await ask("SELECT count(*) FROM read_1.customer") == [(2,)]

    async def test_losing_the_database_is_no_fault_of_the_events(
        self, engine, database, write, picky, everybody_at, ask
    ):
        async with running(Projector(engine, [*PROJECTIONS, picky.reader], CODEC)):
            await eventually(everybody_at(0))
            for _ in range(3):
                await ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    " AND (application_name = '' OR application_name LIKE 'daybook-projector%')"
                )
                await eventually(everybody_at(await write(a_customer())))


class TestListening:
    """NOTIFY is a convenience: the truth is looked up each second."""

    @pytest.mark.fault(13)
    async def test_a_cut_connection_delays_an_event_by_two_seconds_at_most(self, engine, write, everybody_at, ask):
        async with running(Projector(engine, PROJECTIONS, CODEC)):
            await eventually(everybody_at(await write(a_customer())))

            async def listening():
                return await ask(
                    "SELECT FROM pg_stat_activity WHERE application_name = 'daybook-projector-listen'"
                    " AND datname = current_database()"
                )

            await eventually(listening)
            await ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'daybook-projector-listen' AND datname = current_database()"
            )
            await eventually(everybody_at(await write(a_customer())))
            await eventually(listening)


class Heard:
    """A publisher that remembers."""

    def __init__(self) -> None:
        self.changes: list[dict[UUID, int]] = []
        self.beats = self.leads = 0

    def lead_began(self):
        self.leads += 1

    async def before_commit(self, changed):
        self.changes.append(dict(changed))

    async def heartbeat(self):
        self.beats += 1


class TestPublishing:
    async def test_what_changed_is_published_with_the_position_that_touched_it_last(self, engine, write):
        provider, customer = a_provider(), a_customer()
        (day,) = days(provider.id, at(9), at(10))
        seat_all([day], a_seat(at(9)))
        await write(provider, customer, day)
        heard = Heard()
        projector = Projector(engine, PROJECTIONS, CODEC, heard)
        await projector.catch_up()
        assert heard.changes == [{provider.id: 4, customer.id: 2, day.id: 4}]
        seat_all([day], a_seat(at(9, 30)))
        await write(day)
        await Projector(engine, PROJECTIONS, CODEC, heard).catch_up()  # which never saw the Day open
        assert heard.changes[1:] == [{day.id: 5, provider.id: 5}]

    async def test_it_is_published_before_it_can_be_seen(self, engine, write, bookmarks):
        seen = []

        class Looking(Heard):
            async def before_commit(self, changed):
                seen.append(set((await bookmarks()).values()))

        await write(a_customer())
        await Projector(engine, PROJECTIONS, CODEC, Looking()).catch_up()
        assert seen == [{(0, None)}]

    @pytest.mark.parametrize("fails", ["raises", "hangs"])
    async def test_a_publisher_that_fails_stops_nobody(self, engine, write, everybody_at, fails):
        class Failing(Heard):
            async def before_commit(self, changed):
                if fails == "raises":
                    raise ConnectionError
                await asyncio.Event().wait()

            async def heartbeat(self):
                await self.before_commit({})

        async with running(Projector(engine, PROJECTIONS, CODEC, Failing())):
            await eventually(everybody_at(await write(a_customer())))

    async def test_the_leader_beats(self, engine):
        heard = Heard()

        async def beaten():
            return heard.beats > 1

        async with running(Projector(engine, PROJECTIONS, CODEC, heard)):
            await eventually(beaten)
        assert heard.leads == 1


class Lingering:
    """A follower that takes its time to end."""

    def __init__(self) -> None:
        self.runs, self.ends, self.may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def wake(self) -> None:
        """There is nothing to compute."""

    async def run(self) -> None:
        self.runs.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ends.set()
            await self.may_end.wait()


async def test_one_that_is_stopped_while_it_loses_the_lead_stops(engine, ask):
    follower = Lingering()
    stopping = asyncio.create_task(Projector(engine, PROJECTIONS, CODEC, followers=[follower]).run())
    await follower.runs.wait()
    await ask(END_OF_LEAD)
    await follower.ends.wait()
    stopping.cancel()
    await asyncio.sleep(0)
    follower.may_end.set()
    done, _ = await asyncio.wait([stopping], timeout=ENOUGH)
    stopping.cancel()
    assert done == {stopping}


async def test_a_reader_that_comes_later_reads_from_the_start_while_the_others_go_on(
    engine, write, database, everybody_at, request
):
    await write(*(a_customer() for _ in range(PAGE + 3)))
    await Projector(engine, PROJECTIONS, CODEC).catch_up()
    picky = request.getfixturevalue("picky")
    position = await write(a_customer())
    await Projector(engine, [*PROJECTIONS, picky.reader], CODEC).catch_up()
    assert await everybody_at(position)()
    assert picky.seen == list(range(1, position + 1))


async def test_days_and_schedules_come_with_their_calendar_even_in_the_middle(engine, write):
    provider = a_provider()
    (day,) = days(provider.id, at(9), at(10))
    opened = await write(day)
    seat_all([day], a_seat(at(9)))
    await write(day, an_appointment())
    for since in (0, opened):
        events = await EventFeed(engine, CODEC).after(since)
        assert {type(event.event): event.calendar for event in events if event.position > opened} == {
            Day.Reserved: provider.id,
            Appointment.Booked: None,
        }


async def test_a_switch_of_generations_is_followed(engine, database, write, everybody_at, look):
    appointment = an_appointment()
    await write(appointment)
    projector = Projector(engine, PROJECTIONS, CODEC)
    await projector.catch_up()
    owner = create_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    with owner.begin() as connection:
        connection.execute(text("UPDATE read.live SET generation = 2"))
        assert ensure(connection) == 2
    async with look("agenda") as read:
        assert (read.generation, read.position) == (2, 0)
        assert await get(read, appointment.id) is None
    position = await write(an_appointment())
    await projector.catch_up()
    async with look("agenda") as read:
        assert (read.generation, read.position) == (2, position)
        assert await get(read, appointment.id) is not None
    with owner.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM read_1.appointment")).scalar_one() == 1
    owner.dispose()


def _patient(interval):
    """All projections, one of which has its pages so many seconds apart."""
    return [replace(each, interval=interval if each.name == "customer" else 0.0) for each in PROJECTIONS]


async def test_the_others_do_not_wait_for_one_with_an_interval(engine, write, bookmarks, everybody_at):
    async with running(Projector(engine, _patient(3_600.0), CODEC)):
        first = await write(a_customer())
        await eventually(everybody_at(first))
        second = await write(a_customer())

        async def others_are_there():
            found = await bookmarks()
            return {position for name, (position, _) in found.items() if name != "customer"} == {second}

        await eventually(others_are_there)
        assert (await bookmarks())["customer"] == (first, None)


async def test_one_with_an_interval_catches_up_by_itself(engine, write, everybody_at):
    async with running(Projector(engine, _patient(0.5), CODEC)):
        await eventually(everybody_at(await write(a_customer())))
        await eventually(everybody_at(await write(a_customer())))


async def test_catching_up_on_request_waits_for_nothing(engine, write, everybody_at):
    projector = Projector(engine, _patient(3_600.0), CODEC)
    for _ in range(2):
        position = await write(a_customer())
        await projector.catch_up()
        assert await everybody_at(position)()
