"""The demo town: what is in it, that it is always the same, and that it is made once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest

from application.access import Caller, Role
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    book_appointment,
    cancel_appointment,
)
from application.catalog.provider import DeleteProvider, delete_provider
from application.event_log import Command
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.calendar_day import Day
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.kernel import Aggregate, new_id
from domain.people.customer import Customer
from domain.scheduling.interval import Interval, overlaps
from domain.scheduling.schedule import Schedule
from domain.scheduling.wallclock import zone
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import AppendResult, LogEntry, MissedEvent
from infrastructure.event_log.memory_journal import MemoryJournal
from interfaces.demo.first_booking import FirstBooking
from interfaces.demo.places import SHOPS
from interfaces.demo.town import seed
from tests.support.sealed import CODEC, MASTERS

NOW = datetime(2026, 3, 24, 11, 17, 42, tzinfo=UTC)
MONTH_LATER = NOW + timedelta(days=30)

Content = dict[UUID, list[tuple[str, dict[str, object]]]]


class Killed(Exception):
    """The process that was making the town is gone."""


def ignore(done: int, of: int) -> None:
    """Nobody watches."""


def killed_at(share: float) -> Callable[[int, int], None]:
    def progress(done: int, of: int) -> None:
        if done >= share * of:
            raise Killed

    return progress


class BusyJournal(MemoryJournal):
    """Answers after a while, which differs, as a database does: so that commands overtake each other."""

    def __init__(self) -> None:
        super().__init__()
        self._dice = Random(1)

    async def append(self, entry: LogEntry) -> AppendResult:
        await self._wait()
        return await super().append(entry)

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        await self._wait()
        return await super().read(streams)

    async def _wait(self) -> None:
        for _ in range(self._dice.randrange(5)):
            await asyncio.sleep(0)


def a_process(journal: MemoryJournal, now: datetime = NOW) -> EventStore:
    """A store that knows nothing yet but the journal, whose clock shows `now`."""
    journal.clock = now
    return EventStore(journal, MASTERS)


def content(journal: MemoryJournal) -> Content:
    """All that the log says, stream by stream, what is personal opened."""
    said: Content = defaultdict(list)
    for row in journal.rows:
        assert row.version == len(said[row.stream]) + 1
        event = CODEC.decode(row.topic, row.state, row.stream, row.version)
        personal = CODEC.personal([event])
        keys = {each.subject: journal.keys.rows[each.subject] for each in personal if each.subject in journal.keys.rows}
        CODEC.open(personal, keys)
        said[row.stream].append((row.topic, vars(event)))
    return said


async def everything(store: EventStore, streams: Sequence[UUID]) -> Sequence[Aggregate]:
    async for attempt in store.attempts(Command(by=Caller(new_id(), Role.ADMIN))):
        async with attempt as log:
            there = [found for found in await log.find_all(Aggregate, streams) if found is not None]
            return [await store.keyring.decrypted(found) for found in there]
    raise AssertionError


class Whole:
    """A town made in one go, and what is in its log."""

    def __init__(self) -> None:
        self.journal = BusyJournal()
        self.reported: list[tuple[int, int]] = []
        self.town = asyncio.run(self._made())
        self.content = content(self.journal)
        found = asyncio.run(everything(a_process(self.journal), list(self.content)))
        self.appointments = [a for a in found if isinstance(a, Appointment)]
        self.customers = [a for a in found if isinstance(a, Customer)]
        self.providers = {a.id: a for a in found if isinstance(a, Provider)}
        self.schedules = [a for a in found if isinstance(a, Schedule)]
        self.services = {a.id: a for a in found if isinstance(a, Service)}
        self.days = [a for a in found if isinstance(a, Day)]

    async def _made(self) -> FirstBooking:
        store = a_process(self.journal)
        return await seed(store, progress=lambda *told: self.reported.append(told), now=NOW)


@pytest.fixture(scope="module")
def whole() -> Whole:
    return Whole()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Whole:
    """A town of a few shops and customers, for what is made several times over; the same in each test."""
    monkeypatch.setattr("interfaces.demo.shop.SHOPS", SHOPS[:2])
    for place in ("customer", "town"):
        monkeypatch.setattr(f"interfaces.demo.{place}.PEOPLE", 12)
    return Whole()


def test_a_town_has_some_forty_providers_three_hundred_customers_and_three_thousand_appointments(
    whole: Whole,
) -> None:
    assert len(whole.providers) == len(whole.schedules) == 40
    assert len(whole.customers) == 300
    assert 2_700 <= len(whole.appointments) <= 3_300
    assert min(Counter(a.provider_id for a in whole.appointments).values()) >= 40


def test_nothing_that_the_town_wants_is_refused(whole: Whole) -> None:
    commands = [row.version for row in whole.journal.rows if not row.topic.startswith(("Day.", "Schedule.Opened"))]
    assert len(commands) == whole.reported[-1][1]


def test_progress_counts_every_command_up_to_the_last(whole: Whole) -> None:
    total = whole.reported[0][1]
    assert whole.reported == [(n, total) for n in range(whole.reported[0][0], total + 1)]


def test_the_past_is_lived_and_the_future_is_booked(whole: Whole) -> None:
    past = Counter(a.status for a in whole.appointments if a.ends_at <= NOW)
    ahead = Counter(a.status for a in whole.appointments if a.starts_at > NOW)
    assert past[AppointmentStatus.COMPLETED] > 0.75 * past.total()
    assert past[AppointmentStatus.NO_SHOW] > 50
    assert past[AppointmentStatus.CANCELLED] > 100
    assert past[AppointmentStatus.BOOKED] + past[AppointmentStatus.CHECKED_IN] < 0.02 * past.total()
    assert ahead[AppointmentStatus.BOOKED] > 500
    assert ahead[AppointmentStatus.CANCELLED] > 30
    assert ahead.keys() == {AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED}
    assert sum(a.reschedules > 0 and a.starts_at > NOW for a in whole.appointments) > 20


def test_no_event_is_of_the_future(whole: Whole) -> None:
    assert all(a.modified_on <= NOW for a in [*whole.appointments, *whole.days, *whole.customers])


def test_nobody_has_to_be_in_two_places(whole: Whole) -> None:
    promised: dict[UUID, list[Interval]] = defaultdict(list)
    for a in whole.appointments:
        if a.status is not AppointmentStatus.CANCELLED:
            promised[a.customer_id].append(Interval(a.starts_at, a.ends_at))
    for one in promised.values():
        assert not any(overlaps(a, b) for a, b in pairwise(sorted(one)))


def test_calendars_differ_in_zone_rules_and_money(whole: Whole) -> None:
    zones = {schedule.timezone for schedule in whole.schedules}
    offsets = {NOW.astimezone(zone(name)).utcoffset() for name in zones}
    assert len(zones) >= 25
    assert "Australia/Lord_Howe" in zones
    assert any(offset and offset % timedelta(hours=1) == timedelta(minutes=30) for offset in offsets)
    terms = [service.terms for service in whole.services.values()]
    assert {t["align"] for t in terms} == {"opening", "clock"}
    assert {t["late_cancel"] for t in terms} == {"refuse", "fee"}
    assert {t["window"] and t["window"]["kind"] for t in terms} == {None, "rolling", "business", "fixed"}
    assert len({t["currency"] for t in terms}) >= 15
    assert all(t["tags"] for t in terms)


def test_some_windows_break_for_lunch_and_some_run_past_midnight(whole: Whole) -> None:
    days = [windows for schedule in whole.schedules for windows in schedule.weekly.values()]
    assert any(len(windows) == 2 for windows in days)
    assert any(closes > 24 * 60 for windows in days for _, closes in windows)
    assert any(schedule.overrides for schedule in whole.schedules)
    assert any(schedule.time_off for schedule in whole.schedules)


def test_groups_share_a_start(whole: Whole) -> None:
    together = Counter(
        (a.service_id, a.provider_id, a.starts_at)
        for a in whole.appointments
        if a.status is not AppointmentStatus.CANCELLED
    )
    assert max(together.values()) >= 4
    assert all(n <= whole.services[service].terms["capacity"] for (service, _, _), n in together.items())


def test_names_are_of_many_scripts_and_each_is_one_persons(whole: Whole) -> None:
    names = [customer.name for customer in whole.customers]
    assert len(set(names)) == len(names)
    assert sum(not name.isascii() for name in names) > 60
    assert all("  " not in name and "_" not in name for name in names)


def test_the_demo_customer_has_been_somewhere_and_is_expected_somewhere(whole: Whole) -> None:
    own = [a for a in whole.appointments if a.customer_id == whole.town.customer_id]
    assert any(a.status is AppointmentStatus.COMPLETED for a in own)
    assert any(a.status is AppointmentStatus.BOOKED and a.starts_at > NOW for a in own)


async def test_the_start_that_the_town_tells_can_be_booked(whole: Whole) -> None:
    town = whole.town
    assert town.start is not None
    assert whole.providers[town.provider_id].owner_id == town.owner_id
    store = a_process(deepcopy(whole.journal))
    booking = BookAppointment(
        by=Caller(town.customer_id, Role.CUSTOMER),
        id=new_id(),
        service_id=town.service_id,
        provider_id=town.provider_id,
        start=town.start,
    )
    booked = (await book_appointment(booking, store)).aggregate
    assert booked.starts_at == town.start
    next_time = await seed(store, progress=ignore, now=NOW)
    assert next_time.start is not None
    assert next_time.start > town.start


async def test_the_same_seed_makes_the_same_town(small: Whole) -> None:
    journal = BusyJournal()
    await seed(a_process(journal), progress=ignore, now=NOW + timedelta(seconds=11))
    assert content(journal) == small.content


async def test_a_second_making_adds_nothing(small: Whole) -> None:
    before = list(small.journal.rows)
    reported: list[tuple[int, int]] = []
    town = await seed(
        a_process(small.journal, MONTH_LATER), progress=lambda *told: reported.append(told), now=MONTH_LATER
    )
    assert small.journal.rows == before
    assert reported == []
    assert town.start is not None
    assert town.start > MONTH_LATER
    assert town.provider_id == small.town.provider_id


async def test_a_making_that_was_killed_continues_to_the_same_town(small: Whole) -> None:
    journal = BusyJournal()
    with pytest.raises(Killed):
        await seed(a_process(journal), progress=killed_at(0.5), now=NOW)
    assert 0 < len(journal.rows) < len(small.journal.rows)
    later = NOW + timedelta(hours=5)
    await seed(a_process(journal, later), progress=ignore, now=later)
    assert content(journal) == small.content


async def test_a_making_continues_when_the_log_has_forgotten_the_keys(small: Whole) -> None:
    journal = BusyJournal()
    with pytest.raises(Killed):
        await seed(a_process(journal), progress=killed_at(0.05), now=NOW)
    journal._done.clear()
    await seed(a_process(journal, MONTH_LATER), progress=ignore, now=MONTH_LATER)
    assert content(journal) == small.content


async def test_two_makings_at_once_make_one_town(small: Whole) -> None:
    journal = BusyJournal()
    stores = a_process(journal), a_process(journal)
    times = NOW, NOW + timedelta(minutes=3)
    towns = await asyncio.gather(
        *(seed(store, progress=ignore, now=now) for store, now in zip(stores, times, strict=True))
    )
    assert towns[0].provider_id == towns[1].provider_id
    assert content(journal) == small.content


async def test_another_seed_is_another_town_beside_it(small: Whole) -> None:
    journal = BusyJournal()
    with pytest.raises(Killed):
        await seed(a_process(journal), seed=8, progress=killed_at(0.2), now=NOW)
    other = content(journal)
    tags = {stream for stream, events in small.content.items() if events[0][0] == "Tag.Coined"}
    assert other.keys() & small.content.keys() == tags


async def test_who_uses_a_town_in_the_making_was_first(small: Whole) -> None:
    journal = BusyJournal()
    store = a_process(journal)
    with pytest.raises(Killed):
        await seed(store, progress=killed_at(0.5), now=NOW)
    admin = Caller(small.town.admin_id, Role.ADMIN)
    there = [a for a in await everything(store, list(content(journal))) if isinstance(a, Appointment)]
    open_ones = [a for a in there if a.status is AppointmentStatus.BOOKED]
    for a in open_ones:
        await cancel_appointment(CancelAppointment(by=admin, appointment_id=a.id, reason="Closed."), store)
    await delete_provider(DeleteProvider(by=admin, provider_id=small.town.provider_id), store)
    await seed(store, progress=ignore, now=NOW)
    found = {a.id: a for a in await everything(store, list(content(journal))) if isinstance(a, Appointment)}
    assert open_ones
    assert all(found[a.id].status is AppointmentStatus.CANCELLED for a in open_ones)
    assert len(found) < len(small.appointments)
