"""Who is free first? Worked out beside the readers, and never far from what the log says."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from application.booking.appointment import BookAppointment, book_appointment
from application.booking.hold import PlaceHold, place_hold
from application.catalog.provider import (
    ChangeProvider,
    DeleteProvider,
    change_provider,
    delete_provider,
)
from application.catalog.service import ChangeService, DeleteService, change_service, delete_service
from application.scheduling.holiday import DeleteHoliday, ReplaceHoliday, delete_holiday, replace_holiday
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.kernel import new_id
from projections.availability.earliest import AHEAD
from projections.availability.earliest_refresher import EarliestRefresher
from projections.availability.earliest_staleness import LeadTaken, StaleRows
from projections.engine.positions import Positions
from projections.engine.projector import Projector
from projections.query.paging import Page
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from projections.search.search import SearchQuery, Sort, find_providers, find_services
from tests.projections.clinic import Clinic, open_clinic, parsed
from tests.support.builders import a_provider, a_service, an_organization, monday_after, somebody
from tests.support.sealed import CODEC
from tests.support.waiting import PATIENCE, eventually

ALL = Page(limit=200)


def from_monday(**more: Any) -> dict[str, Any]:
    """Terms that offer nothing before a Monday ahead: 09:00 is then the first start."""
    monday = monday_after(datetime.now(UTC)).date().isoformat()
    return {"window": {"kind": "fixed", "from": monday}, **more}


@dataclass
class Town:
    """A clinic, all of whose readers are followed by a refresher."""

    clinic: Clinic
    pool: AsyncConnectionPool[AsyncConnection]
    refresher: EarliestRefresher

    async def catch_up(self, refresher: EarliestRefresher | None = None) -> None:
        await self.read()
        await (refresher or self.refresher).catch_up()

    async def read(self) -> None:
        """The readers alone."""
        await Projector(self.clinic.engine, PROJECTIONS, CODEC).catch_up()

    async def book(self, start: datetime, **more: Any) -> int:
        week = self.clinic.week
        place = {"service_id": week.service_id, "provider_id": week.provider_id} | more
        done = await book_appointment(
            BookAppointment(by=somebody(), id=new_id(), start=start, **place), self.clinic.store
        )
        return done.position

    async def found(self, now: datetime | None = None, **only: Any) -> list[Any]:
        """Providers by their first free start, as (id, start, service)."""
        asked = SearchQuery(now=now or self.clinic.store.now(), sort=Sort.EARLIEST)
        async with self.clinic.reads.open("directory") as read:
            found, _ = await find_providers(read, ALL, asked, **only)
        return [(each.id, each.earliest.start, each.earliest.with_id) for each in found]

    async def first(self, now: datetime | None = None) -> str | None:
        """The first start of the clinic, if it is free at all, as "HH:MM" of the Monday."""
        week = self.clinic.week
        starts = [start for id, start, _ in await self.found(now) if id == week.provider_id]
        assert all(start.date() == week.monday.date() for start in starts)
        return f"{starts[0]:%H:%M}" if starts else None

    async def kept(self) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT provider_id, service_id, starts, again_at, generation, position FROM read.earliest"
            )
            return await cursor.fetchall()

    async def starts_at(self, time: str) -> bool:
        return await self.first() == time

    async def leads_since(self, number: int) -> bool:
        """Whether so many have taken the lead by now."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute("SELECT FROM read.earliest_lead WHERE number >= %s", [number])
            return cursor.rowcount == 1

    async def reflected(self) -> int:
        async with self.clinic.reads.open("directory") as read:
            return read.earliest_position


class Paused(StaleRows):
    """Stops right before it stores rows, as a process does that is paused there."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        super().__init__(pool)
        self.stops, self.goes_on, self.tried = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def keep(self, *rows: Any) -> None:
        self.stops.set()
        await self.goes_on.wait()
        try:
            await super().keep(*rows)
        finally:
            self.tried.set()


@asynccontextmanager
async def open_town(database, engine, reads, **terms):
    pool = AsyncConnectionPool(database.application, min_size=1, max_size=2, open=False, kwargs={"autocommit": True})
    async with pool, open_clinic(database.application, engine, reads, **terms) as clinic:
        town = Town(clinic, pool, EarliestRefresher(pool))
        await town.catch_up()
        yield town


@pytest.fixture
async def town(database, engine, reads):
    """Offers from a Monday on."""
    async with open_town(database, engine, reads, **from_monday()) as town:
        yield town


@asynccontextmanager
async def running(projector: Projector):
    work = asyncio.create_task(projector.run())
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


class TestFollowing:
    async def test_a_booked_start_is_followed_by_the_next_and_comes_back_when_it_is_free(self, town):
        assert await town.first() == "09:00"
        appointment, _ = await town.clinic.book("09:00")
        await town.catch_up()
        assert await town.first() == "09:30"
        await town.clinic.book("09:30")
        await town.clinic.cancel(appointment)
        await town.catch_up()
        assert await town.first() == "09:00"

    async def test_it_follows_the_leading_projector_by_itself_up_to_each_position(self, town, positions):
        projector = Projector(town.clinic.engine, PROJECTIONS, CODEC, followers=[EarliestRefresher(town.pool)])
        async with running(projector):
            for n, clock in enumerate(("09:00", "09:30", "10:00")):
                _, position = await town.clinic.book(clock)
                assert await positions.wait("earliest", position, timeout=PATIENCE)
                assert await town.reflected() >= position
                assert await town.first() == ("09:30", "10:00", "10:30")[n]

    async def test_what_it_says_is_what_the_calendars_say(self, town):
        clinic = town.clinic
        for n in range(40):
            provider = await a_provider(clinic.store, clinic.week.owner, name=f"P{n}")
            for duration in (20, 45):
                more = from_monday(duration=duration, buffer_after=n % 3 * 5, capacity=1 + n % 2)
                await a_service(clinic.store, clinic.week.owner, provider, **more)
        await town.catch_up()
        for id, start, service in await town.found():
            await town.book(start, provider_id=id, service_id=service)
        await town.catch_up()
        now, kept = clinic.store.now(), await town.kept()
        assert len(kept) == 81
        for provider, service, starts, *_ in kept:
            span = {"span": clinic.monday(30)._replace(start=now), "now": now}
            told = await clinic.answer(service_id=service, provider_id=provider, **span)
            assert [parsed(each["start"]) for each in told["starts"]][:AHEAD] == starts

    async def test_changed_hours_terms_and_providers_are_followed(self, town):
        clinic, week = town.clinic, town.clinic.week
        hours = {"0": [[14 * 60, 17 * 60]]}
        change = ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly=hours)
        await replace_schedule(change, clinic.store)
        await town.catch_up()
        assert await town.first() == "14:00"
        other = await a_provider(clinic.store, week.owner)
        both = {"provider_ids": [str(week.provider_id), str(other)]}
        await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms=both), clinic.store)
        await town.catch_up()
        assert [id for id, *_ in await town.found()] == [other, week.provider_id]
        one = {"provider_ids": [str(other)]}
        await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms=one), clinic.store)
        await town.catch_up()
        assert [id for id, *_ in await town.found()] == [other]
        assert len(await town.kept()) == 1

    async def test_a_holiday_of_the_organization_is_followed(self, town):
        clinic, week = town.clinic, town.clinic.week
        organization = await an_organization(clinic.store, week.owner)
        joins = {"organization_id": str(organization)}
        join = ChangeProvider(by=week.owner, provider_id=week.provider_id, profile=joins)
        await change_provider(join, clinic.store)
        join = ChangeService(by=week.owner, service_id=week.service_id, terms=joins)
        await change_service(join, clinic.store)
        await town.catch_up()
        assert await town.first() == "09:00"
        monday = {"organization_id": organization, "date": week.monday.date()}
        await replace_holiday(ReplaceHoliday(by=week.owner, **monday, name="Rest"), clinic.store)
        await town.catch_up()
        ((_, start, _),) = await town.found()
        assert start.date() > week.monday.date()
        await delete_holiday(DeleteHoliday(by=week.owner, **monday), clinic.store)
        await town.catch_up()
        assert await town.first() == "09:00"

    @pytest.mark.parametrize("ended", ["service", "provider"])
    async def test_what_has_ended_is_not_free(self, town, ended):
        clinic, week = town.clinic, town.clinic.week
        if ended == "service":
            await delete_service(DeleteService(by=week.owner, service_id=week.service_id), clinic.store)
        else:
            await delete_provider(DeleteProvider(by=week.owner, provider_id=week.provider_id), clinic.store)
        await town.catch_up()
        assert await town.found() == []
        assert await town.kept() == []


class TestTime:
    async def test_a_start_that_has_passed_is_passed_over_though_nothing_was_worked_out_since(self, town):
        at = town.clinic.week.at
        assert await town.first(at("09:00")) == "09:00"
        assert await town.first(at("09:00") + timedelta(seconds=1)) == "09:30"
        assert await town.first(at("11:00")) == "11:00"
        assert await town.first(at("12:30") + timedelta(seconds=1)) is None

    async def test_notice_is_kept(self, database, engine, reads):
        async with open_town(database, engine, reads, **from_monday(min_notice=90)) as town:
            at = town.clinic.week.at
            assert await town.first(at("07:30")) == "09:00"
            assert await town.first(at("07:31")) == "09:30"

    async def test_it_is_worked_out_again_before_the_last_of_the_starts_kept_has_passed(self, town):
        ((*_, starts, again_at, _, _),) = await town.kept()
        assert len(starts) == AHEAD
        assert starts[1] < again_at < starts[-1]

    async def test_what_is_due_is_worked_out_again(self, town):
        async with town.pool.connection() as connection:
            await connection.execute("UPDATE read.earliest SET again_at = now(), starts = '{}'")
        assert await town.first() is None
        await town.refresher.round()
        assert await town.first() == "09:00"

    async def test_it_is_worked_out_again_when_a_hold_is_over(self, town):
        week = town.clinic.week
        said = {"by": somebody(), "service_id": week.service_id, "provider_id": week.provider_id}
        placing = PlaceHold(**said, id=new_id(), start=week.at("09:00"))
        hold = (await place_hold(placing, town.clinic.store)).aggregate
        await town.catch_up()
        assert await town.first() == "09:30"
        ((*_, again_at, _, _),) = await town.kept()
        assert again_at == hold.expires_at

    async def test_a_window_that_opens_at_midnight_is_looked_at_then(self, database, engine, reads):
        window = {"kind": "rolling", "days": 1}
        async with open_town(database, engine, reads, window=window, min_notice=1440) as town:
            ((*_, starts, again_at, _, _),) = await town.kept()
            assert starts == []  # nothing of today is a day ahead
            now = town.clinic.store.now()
            assert timedelta(0) < again_at - now <= timedelta(days=1)
            assert (again_at.hour, again_at.minute) == (0, 0)

    async def test_who_is_booked_out_is_left_out(self, town):
        for n in range(16):
            await town.clinic.book(f"{9 + n // 2:02}:{30 * (n % 2):02}")
        monday = town.clinic.week.monday.date().isoformat()
        terms = {"window": {"kind": "fixed", "from": monday, "to": monday}}
        week = town.clinic.week
        await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms=terms), week.store)
        await town.catch_up()
        assert await town.found() == []


class TestSurviving:
    async def test_one_that_starts_anew_finds_what_was_missed_and_nothing_else(self, town):
        other = await a_provider(town.clinic.store, town.clinic.week.owner)
        await a_service(town.clinic.store, town.clinic.week.owner, other, **from_monday())
        await town.catch_up()
        before = {row[0]: row[5] for row in await town.kept()}
        _, position = await town.clinic.book("09:00")
        await town.catch_up(EarliestRefresher(town.pool))
        after = {row[0]: row[5] for row in await town.kept()}
        assert await town.first() == "09:30"
        assert after[town.clinic.week.provider_id] == position
        assert after[other] == before[other]

    async def test_a_rebuild_leaves_nobody_out_for_a_moment_and_is_followed(self, town, database):
        owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
        await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
        await owner.dispose()
        assert await town.first() == "09:00"
        assert {row[4] for row in await town.kept()} == {1}
        await town.catch_up()  # with nothing new in the log
        assert {row[4] for row in await town.kept()} == {2}
        await town.clinic.book("09:00")
        await town.catch_up()
        assert await town.first() == "09:30"

    async def test_whoever_comes_late_undoes_nothing(self, town):
        late = EarliestRefresher(town.pool)
        stale = StaleRows(town.pool)
        state = await stale.state()
        ((provider, service, *_),) = await town.kept()
        await town.clinic.book("09:00")
        await town.catch_up()
        before = await town.kept()
        with pytest.raises(LeadTaken):
            await stale.keep((), [(provider, service)], state)
        await stale.take_lead()
        await stale.keep((), [(provider, service)], state)
        assert await town.kept() == before
        await late.catch_up()
        assert await town.first() == "09:30"

    async def test_a_leader_from_which_a_former_one_took_the_table_takes_it_again(self, town):
        leading = asyncio.create_task(EarliestRefresher(town.pool).run())
        try:
            await eventually(lambda: town.leads_since(2))
            await StaleRows(town.pool).take_lead()
            await town.clinic.book("09:00")
            await town.read()
            await eventually(lambda: town.starts_at("09:30"))
        finally:
            leading.cancel()
            await asyncio.wait([leading])

    async def test_a_leader_that_wakes_brings_back_no_row_that_its_successor_has_dropped(self, town):
        old, paused = EarliestRefresher(town.pool), Paused(town.pool)
        old._stale = paused
        await town.clinic.book("09:00")
        await town.read()
        async with town.pool.connection() as connection:
            await connection.execute("DELETE FROM read.earliest")  # else the old leader has nothing to store
        leading = asyncio.create_task(old.run())
        await paused.stops.wait()
        gone = DeleteProvider(by=town.clinic.week.owner, provider_id=town.clinic.week.provider_id)
        await delete_provider(gone, town.clinic.store)
        await town.catch_up(EarliestRefresher(town.pool))
        assert await town.kept() == []
        paused.goes_on.set()
        await paused.tried.wait()
        leading.cancel()
        await asyncio.wait([leading])
        assert await town.kept() == []

    async def test_one_that_can_not_be_worked_out_keeps_no_other_waiting(self, town):
        other = await a_provider(town.clinic.store, town.clinic.week.owner)
        await a_service(town.clinic.store, town.clinic.week.owner, other, **from_monday())
        await town.read()
        async with town.pool.connection() as connection:
            await connection.execute(
                "UPDATE read_1.vacancy_calendar SET timezone = 'Mars/Olympus' WHERE id = %s", [other]
            )
        await town.clinic.book("09:00")
        with capture_logs() as lines:
            await town.catch_up()
        assert await town.first() == "09:30"
        assert [id for id, *_ in await town.found()] == [town.clinic.week.provider_id]
        assert [line["provider_id"] for line in lines if line["log_level"] == "error"] == [str(other)]

    async def test_its_mark_says_how_far_everything_is_worked_out(self, town):
        _, position = await town.clinic.book("09:00")
        await town.read()
        assert await town.reflected() < position
        await town.refresher.catch_up()
        assert await town.reflected() == position

    async def test_what_readers_announce_says_nothing_of_it(self, town, engine):
        async with Positions(engine) as positions:
            before = await town.reflected()
            assert await positions.wait("earliest", before, timeout=PATIENCE)
            _, position = await town.clinic.book("09:00")
            await town.read()
            assert await positions.wait("directory", position, timeout=PATIENCE)
            assert not positions.reached("earliest", position)


class TestCost:
    async def test_a_search_looks_at_no_calendar(self, town, database):
        """Were it to, it would be refused."""
        with psycopg.connect(database.owner, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'read_1' AND tablename LIKE 'vacancy_%'"
            ).fetchall()
            assert ("vacancy_seat",) in tables
            for (table,) in tables:
                connection.execute(f"REVOKE ALL ON read_1.{table} FROM daybook_app")
        assert await town.first() == "09:00"
        asked = SearchQuery(now=town.clinic.store.now(), sort=Sort.EARLIEST, tag="any", q="a")
        async with town.clinic.reads.open("directory") as read:
            assert await find_services(read, ALL, asked) == ([], None)

    async def test_pages_follow_one_another_by_the_first_start(self, town):
        store, owner = town.clinic.store, town.clinic.week.owner
        for _ in range(6):
            provider = await a_provider(store, owner)
            await a_service(store, owner, provider, **from_monday())
        await town.catch_up()
        for id, start, service in (await town.found())[:3]:
            await town.book(start, provider_id=id, service_id=service)
        await town.catch_up()
        found, after, asked = [], None, SearchQuery(now=store.now(), sort=Sort.EARLIEST)
        while len(found) < 7:
            async with town.clinic.reads.open("directory") as read:
                some, after = await find_providers(read, Page(2, after), asked)
            found += some
        assert after is None
        assert len({each.id for each in found}) == 7
        assert [each.earliest.start.hour * 60 + each.earliest.start.minute for each in found] == ([540] * 4 + [570] * 3)

    async def test_with_a_service_its_own_start_counts_and_services_tell_with_whom(self, town):
        store, week = town.clinic.store, town.clinic.week
        later = await a_service(store, week.owner, week.provider_id, **from_monday(duration=60))
        await town.book(week.at("09:30"))
        await town.catch_up()
        assert await town.found(service_id=later) == [(week.provider_id, week.at("10:00"), later)]
        assert await town.found() == [(week.provider_id, week.at("09:00"), week.service_id)]
        async with town.clinic.reads.open("directory") as read:
            found, _ = await find_services(read, ALL, SearchQuery(now=store.now(), sort=Sort.EARLIEST))
        assert [(each.id, each.earliest.start, each.earliest.with_id) for each in found] == [
            (week.service_id, week.at("09:00"), week.provider_id),
            (later, week.at("10:00"), week.provider_id),
        ]


async def test_without_anything_worked_out_yet_nobody_is_said_to_be_free(database, engine, reads):
    async with open_clinic(database.application, engine, reads) as clinic:
        await Projector(engine, PROJECTIONS, CODEC).catch_up()
        async with reads.open("directory") as read:
            assert await find_providers(read, ALL, SearchQuery(now=clinic.store.now(), sort=Sort.EARLIEST)) == (
                [],
                None,
            )
            assert read.earliest_position == 0
