"""Decisions stand only on what is true, and a command is carried out once, whatever befalls its answer."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.access import Role
from application.booking.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.refusals import OutsideHours, TooSoon
from application.catalog.tag import CreateTag, RenameTag, create_tag, rename_tag
from application.event_log import Command, EventLog, KeyReused, Unavailable, command
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.calendar_day import Day, SlotTaken
from domain.catalog.tag import Tag
from domain.errors import Stale
from domain.kernel import new_id
from domain.scheduling.schedule import Schedule
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.event_log.gate import shut_gate, until
from tests.support.builders import (
    OFFICE_HOURS,
    OpenWeek,
    a_booked_appointment,
    a_key,
    an_open_week,
    somebody,
)
from tests.support.faultproxy import FaultProxy
from tests.support.sealed import MASTERS
from tests.support.waiting import assert_took

Two = tuple[EventStore, EventStore]
ADMIN = somebody(Role.ADMIN)


def close_week(week: OpenWeek) -> ReplaceSchedule:
    return ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly={})


async def seats(store: EventStore, week: OpenWeek) -> list[str]:
    """The starts that are taken on the week's Monday, read past every cache."""
    id = Day.id_of(week.provider_id, week.monday.date())
    fresh = EventStore(store.journal, MASTERS)
    found, _ = await fresh.fetch([id])
    day = found[id]
    return sorted(f"{seat.starts_at:%H:%M}" for seat in day.seats.values()) if isinstance(day, Day) else []


async def test_two_processes_never_book_one_time_twice(two_stores: Two) -> None:
    one, other = two_stores
    week = await an_open_week(one)
    for store in two_stores:  # both know the day as it was
        await a_booked_appointment(store, week, "09:00" if store is one else "16:30")
    said = await asyncio.gather(
        *(book_appointment(week.booking("11:00"), store) for store in (one, other) * 8),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, SlotTaken) for answer in said) == 15
    assert await seats(one, week) == ["09:00", "11:00", "16:30"]


async def test_nothing_is_booked_into_hours_that_another_process_has_closed(two_stores: Two) -> None:
    here, there = two_stores
    week = await an_open_week(here)
    await a_booked_appointment(there, week)  # the hours are in the cache there
    await replace_schedule(close_week(week), here)
    with pytest.raises(OutsideHours):
        await book_appointment(week.booking("10:00"), there)
    assert await seats(here, week) == ["09:00"]


async def test_a_refusal_from_an_old_cache_is_decided_again(two_stores: Two) -> None:
    here, there = two_stores
    week = await an_open_week(here)
    booked = await a_booked_appointment(here, week)
    with pytest.raises(SlotTaken):
        await book_appointment(week.booking("09:00"), there)  # true now
    await cancel_appointment(CancelAppointment(by=week.owner, appointment_id=booked.id, reason="ill"), here)
    await book_appointment(week.booking("09:00"), there)  # no longer
    assert await seats(here, week) == ["09:00"]


async def test_a_version_that_the_caller_has_seen_elsewhere_is_not_refused(two_stores: Two) -> None:
    here, there = two_stores
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), there)).aggregate
    renamed = await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Vegan"), here)
    change = RenameTag(by=ADMIN, tag_id=tag.id, name="Plants", version=renamed.aggregate.version)
    assert (await rename_tag(change, there)).aggregate.name == "Plants"
    with pytest.raises(Stale):
        await rename_tag(change, here)


async def test_already_so_is_said_only_when_it_is_so(two_stores: Two) -> None:
    here, there = two_stores
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan", name="Vegan"), there)).aggregate
    await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Plants"), here)
    done = await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Vegan"), there)  # so in the cache there
    assert (done.aggregate.name, done.aggregate.version, done.position) == ("Vegan", 3, 3)


async def test_a_key_used_twenty_times_at_once_is_carried_out_once(two_stores: Two) -> None:
    week = await an_open_week(two_stores[0])
    booking = week.booking("10:00", key=a_key("once"))
    said = await asyncio.gather(
        *(
            book_appointment(replace(booking, id=new_id()), store)  # a door mints a new id each time
            for store in two_stores * 10
        )
    )
    assert len({(done.aggregate.id, done.aggregate.version, done.position) for done in said}) == 1
    assert sum(not done.replayed for done in said) == 1
    assert await seats(two_stores[0], week) == ["10:00"]


async def test_a_kept_answer_is_the_first_one_whatever_happened_since(two_stores: Two) -> None:
    here, _ = two_stores
    week = await an_open_week(here)
    booking = week.booking("10:00", key=a_key("once"))
    first = await book_appointment(booking, here)
    await reschedule_appointment(
        RescheduleAppointment(by=booking.by, appointment_id=booking.id, start=week.at("12:00")), here
    )
    await cancel_appointment(CancelAppointment(by=booking.by, appointment_id=booking.id), here)
    for store in two_stores:
        again = await book_appointment(booking, store)
        assert again.replayed
        assert (again.position, again.aggregate.version) == (first.position, first.aggregate.version)
        assert again.aggregate.status is AppointmentStatus.BOOKED
        assert again.aggregate.starts_at == week.at("10:00")
    assert await seats(here, week) == []


async def test_a_key_used_for_another_request_is_refused(two_stores: Two) -> None:
    week = await an_open_week(two_stores[0])
    await book_appointment(week.booking("10:00", key=a_key("once", "ten")), two_stores[0])
    for store in two_stores:
        with pytest.raises(KeyReused):
            await book_appointment(week.booking("11:00", key=a_key("once", "eleven")), store)
    assert await seats(two_stores[0], week) == ["10:00"]


async def test_a_key_is_kept_for_what_was_already_so(two_stores: Two) -> None:
    here, there = two_stores
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan", name="Vegan"), here)).aggregate
    same = RenameTag(by=ADMIN, tag_id=tag.id, name="Vegan", key=a_key("once"))
    assert not (await rename_tag(same, here)).replayed
    await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name="Plants"), there)
    again = await rename_tag(same, there)
    assert (again.replayed, again.aggregate.name, again.aggregate.version) == (True, "Vegan", 1)
    assert (await there.fetch([tag.id]))[0][tag.id].name == "Plants"  # type: ignore[union-attr]


async def test_a_refused_command_leaves_its_key_free(two_stores: Two) -> None:
    here, there = two_stores
    week = await an_open_week(here)
    booked = await a_booked_appointment(here, week)
    again = week.booking("09:00", key=a_key("once"))
    with pytest.raises(SlotTaken):
        await book_appointment(again, there)
    await cancel_appointment(CancelAppointment(by=week.owner, appointment_id=booked.id, reason="ill"), here)
    assert not (await book_appointment(again, there)).replayed


async def test_a_key_that_was_refused_while_its_first_request_waited_has_the_reply_of_that(
    database: Database, open_store: Open
) -> None:
    """A limit of the promise: the refusal could not know of a commit that was still to come."""
    here, there = [await open_store(database.application) for _ in range(2)]
    week = await an_open_week(here)
    asked = week.booking("10:00", key=a_key("once"))
    async with shut_gate(database.owner) as gate:
        first = asyncio.create_task(book_appointment(asked, here))
        await gate.wait_for(1)
        assert isinstance(there.journal, PostgresJournal)
        there.journal._clock._offset += (week.at("23:00") - there.now()).total_seconds()  # by then it is too late
        with pytest.raises(TooSoon):
            await book_appointment(asked, there)
        await gate.open()
        done = await first
    for store in (here, there):
        again = await book_appointment(asked, store)
        assert (again.replayed, again.position, again.aggregate.id) == (True, done.position, done.aggregate.id)
    assert await seats(here, week) == ["10:00"]


async def test_a_command_that_keeps_losing_gives_up_in_time(two_stores: Two) -> None:
    here, there = two_stores
    here.deadline = 0.3
    tag = (await create_tag(CreateTag(by=ADMIN, slug="busy"), here)).aggregate
    numbers = iter(range(1_000_000))

    @command
    async def overtaken(cmd: Command, log: EventLog, now: datetime) -> Tag:
        mine = await log.load(Tag, tag.id)
        await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name=f"theirs {next(numbers)}"), there)
        own = mine.own_copy()
        own.rename(new_id(), f"mine {next(numbers)}", now)
        await log.record(own)
        return own

    began = time.monotonic()
    with pytest.raises(Unavailable):
        await overtaken(Command(by=ADMIN), here)
    assert_took(began, 3)
    assert next(numbers) > 3, "it was to try several times"


async def test_what_a_refused_command_had_changed_never_shows(two_stores: Two) -> None:
    here, _ = two_stores
    week = await an_open_week(here)
    customer = somebody()
    booked = await a_booked_appointment(here, week, by=customer)
    await a_booked_appointment(here, week, "11:00")
    move = RescheduleAppointment(by=customer, appointment_id=booked.id, start=week.at("11:00"))
    with pytest.raises(SlotTaken):  # after the old time was released
        await reschedule_appointment(move, here)
    day = Day.id_of(week.provider_id, week.monday.date())
    for id in (day, booked.id):
        (cached, _), (fresh, _) = await here.fetch([id]), await EventStore(here.journal, MASTERS).fetch([id])
        assert {**cached[id].__dict__, "_pending_events": []} == fresh[id].__dict__


async def test_a_command_cancelled_by_its_caller_leaves_no_lock(two_stores: Two) -> None:
    here, _ = two_stores
    week = await an_open_week(here)
    bookings = [asyncio.ensure_future(book_appointment(week.booking("10:00"), here)) for _ in range(12)]
    await asyncio.sleep(0)
    for booking in bookings[::2]:
        booking.cancel()
    await asyncio.gather(*bookings, return_exceptions=True)
    await a_booked_appointment(here, week, "11:00")
    assert here.locks._waiting == {}


@contextmanager
def rewound(database: Database, position: int) -> Iterator[psycopg.Connection]:
    """The log as a restore leaves it: nothing later than the position. Connections stay until killed."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("DELETE FROM log.stored_events WHERE notification_id > %s", [position])
        connection.execute("DELETE FROM log.command_key WHERE position > %s", [position])
        connection.execute("DELETE FROM log.seal WHERE upto > %s", [position])
        yield connection


def disconnect(connection: psycopg.Connection, store: EventStore) -> None:
    """End the store's connections, as a failover does."""
    assert isinstance(store.journal, PostgresJournal)
    pid = store.journal.writer.connection.backend_pid
    connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


async def renamed(store: EventStore, tag_id: UUID, name: str) -> Tag:
    return (await rename_tag(RenameTag(by=ADMIN, tag_id=tag_id, name=name), store)).aggregate


@pytest.mark.parametrize("name", ["lost", "something else"])
async def test_a_stream_shorter_than_the_cache_thinks_is_decided_again(
    database: Database, open_store: Open, name: str
) -> None:
    store = await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate
    await renamed(store, tag.id, "lost")
    with rewound(database, 1):
        done = await rename_tag(RenameTag(by=ADMIN, tag_id=tag.id, name=name), store)
    assert (done.aggregate.version, done.position) == (2, 2)  # neither "already so" nor after a gap


async def test_caches_are_dropped_when_the_log_turns_out_to_be_another(database: Database, open_store: Open) -> None:
    """The stream is as long as before, so no version tells."""
    store, restored = await open_store(database.application), await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate
    await renamed(store, tag.id, "lost")
    with rewound(database, 1) as connection:
        await renamed(restored, tag.id, "grown again")
        disconnect(connection, store)
    assert (await renamed(store, tag.id, "lost")).version == 3


async def test_what_was_only_read_of_a_lost_tail_is_dropped_too(database: Database, open_store: Open) -> None:
    store, restored = await open_store(database.application), await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate
    await renamed(restored, tag.id, "lost")
    store.cache.clear()
    await store.fetch([tag.id])  # beyond anything that this one wrote
    restored.cache.clear()
    with rewound(database, 1) as connection:
        await renamed(restored, tag.id, "grown again")
        disconnect(connection, store)
    assert (await renamed(store, tag.id, "lost")).version == 3


async def test_a_command_under_way_when_the_log_was_replaced_decides_again(
    database: Database, open_store: Open
) -> None:
    """Its versions exist again, with another content."""
    store, restored = await open_store(database.application), await open_store(database.application)
    week = await an_open_week(restored)
    await a_booked_appointment(store, week)
    (before,) = ask(database.owner, "SELECT max(upto) FROM log.seal")
    await replace_schedule(replace(close_week(week), weekly=OFFICE_HOURS | {"6": []}), store)  # to be lost
    restored.cache.clear()
    async with FaultProxy(database.application) as proxy:
        shaky = await open_store(proxy.dsn)
        customer = somebody()
        day = Day.id_of(week.provider_id, week.monday.date())
        schedule = Schedule.id_of(week.provider_id)
        await shaky.fetch([day, schedule, week.provider_id, week.service_id, customer.account])
        proxy.stall("to server")
        booking = asyncio.ensure_future(book_appointment(week.booking("10:00", customer), shaky))
        assert isinstance(shaky.journal, PostgresJournal)
        writer = shaky.journal.writer
        await until(lambda: bool(shaky.locks._waiting) and writer.depth == 0)
        with rewound(database, before):
            await replace_schedule(close_week(week), restored)
        restored.cache.clear()
        proxy.cut()
        proxy.flow()
        with pytest.raises(OutsideHours):
            await booking
        await shaky.journal.close()


def ask(dsn: str, query: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchone()


async def test_a_log_that_only_grew_keeps_the_caches(database: Database, open_store: Open) -> None:
    store, other = await open_store(database.application), await open_store(database.application)
    tag = (await create_tag(CreateTag(by=ADMIN, slug="vegan"), store)).aggregate
    await renamed(other, tag.id, "theirs")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        disconnect(connection, store)
    other_tag = await create_tag(CreateTag(by=ADMIN, slug="new"), store)
    assert other_tag.position == 3
    assert tag.id in store.cache


async def test_a_booking_whose_answer_is_lost_is_booked_once_though_it_commits_late(
    database: Database, open_store: Open
) -> None:
    async with FaultProxy(database.application) as proxy:
        store = await open_store(proxy.dsn)
        week = await an_open_week(store)
        async with shut_gate(database.owner) as gate:
            booking = asyncio.ensure_future(book_appointment(week.booking("10:00"), store))
            await gate.wait_for(1)
            proxy.stall("to client")
            proxy.cut()
            proxy.flow()
            await gate.wait_for(2)
            await gate.open()
            done = await booking
        assert done.aggregate.starts_at == week.at("10:00")
        assert await seats(store, week) == ["10:00"]
        with pytest.raises(SlotTaken):
            await book_appointment(week.booking("10:00"), store)
        await store.journal.close()
