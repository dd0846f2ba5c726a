"""Every version of an event, with personal data, goes through everything that reads the log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from application.access import OPERATOR, Role
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.approval import DeclineAppointment, decline_appointment
from application.booking.hold import PlaceHold, place_hold
from application.people.customer import CreateCustomer, create_customer
from application.people.erasure import ErasePerson, erase_person
from application.scheduling.schedule import (
    ChangeTimeOff,
    DeleteOverride,
    ReplaceOverride,
    TakeTimeOff,
    change_time_off,
    delete_override,
    replace_override,
    take_time_off,
)
from domain.booking.appointment import Appointment
from domain.booking.origin import ReasonCode, host_alone
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import postgres_store
from projections.query.paging import Page
from projections.read_models import history
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.golden.earlier_versions import NEWER, Encode, encode_version_1
from tests.infrastructure.event_log.test_stock_application import assert_the_library_reads_everything
from tests.projections.conftest import CatchUp
from tests.support.builders import OpenWeek, an_open_week, somebody
from tests.support.sealed import CODEC, MASTERS


@dataclass(frozen=True)
class Recorded:
    """A log with each of the events that have several versions. `guest`: the customer of `moved`, then cancelled."""

    store: EventStore
    provider_id: UUID
    guest: UUID
    moved: Appointment
    declined: Appointment


GUEST = {"name": "Grace Hopper", "email": None, "phone": None, "timezone": "UTC", "language": "en", "note": ""}


@pytest.fixture(params=[1, 2])
async def recorded(
    request: pytest.FixtureRequest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Recorded]:
    """The log as release 0.1.0 wrote it, and as this one writes it."""
    written: Encode = encode if request.param == 2 else encode_version_1
    monkeypatch.setattr("infrastructure.event_log.command_attempt.encode", written)
    store = postgres_store(database.application, MASTERS)
    await store.open()
    yield await story(store)
    await store.close()


async def story(store: EventStore) -> Recorded:
    """Books, moves, cancels, declines and holds."""
    week = await an_open_week(store)
    guest, service = new_id(), {"by": week.owner, "service_id": week.service_id, "provider_id": week.provider_id}
    await create_customer(CreateCustomer(by=week.owner, id=guest, details=GUEST), store)
    await change_hours(week)
    hold = PlaceHold(**service, id=new_id(), start=week.at("15:00"), customer_id=guest)
    await place_hold(hold, store)
    booking = week.booking("09:00", week.owner, customer_id=guest, note="Bring a towel")
    moved = (await book_appointment(booking, store)).aggregate
    move = RescheduleAppointment(by=week.owner, appointment_id=moved.id, start=week.at("11:00"))
    await reschedule_appointment(move, store)
    ended = CancelAppointment(by=week.owner, appointment_id=moved.id, reason="The water is off")
    moved = (await cancel_appointment(ended, store)).aggregate
    return Recorded(store, week.provider_id, guest, moved, await _declined(store))


async def change_hours(week: OpenWeek) -> None:
    """Each change of a schedule, of days that nobody books."""
    said: dict[str, Any] = {"by": week.owner, "calendar_id": week.provider_id}
    day, id = week.at("00:00", 4), new_id()
    off, later = (Interval(week.at(clock, 5), week.at("18:00", 5)) for clock in ("09:00", "10:00"))
    await replace_override(ReplaceOverride(**said, date=day.date(), hours=[]), week.store)
    await delete_override(DeleteOverride(**said, date=day.date()), week.store)
    await take_time_off(TakeTimeOff(**said, id=id, off=off), week.store)
    await change_time_off(ChangeTimeOff(**said, id=id, off=later), week.store)


async def _declined(store: EventStore) -> Appointment:
    asking = await an_open_week(store, approval=True)
    wish: BookAppointment = asking.booking("09:00", somebody(Role.CUSTOMER), note="A wish")
    request = (await book_appointment(wish, store)).aggregate
    refusal = DeclineAppointment(by=asking.owner, appointment_id=request.id, reason="We are full")
    return (await decline_appointment(refusal, store)).aggregate


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    await engine.dispose()


def versions(dsn: str) -> dict[str, set[int]]:
    """Topic -> versions in the log, of those that have several."""
    found: dict[str, set[int]] = {}
    with psycopg.connect(dsn) as connection:
        recorded = "coalesce((convert_from(state, 'UTF8')::json->>'class_version')::int, 1)"
        for topic, version in connection.execute(f"SELECT topic, {recorded} FROM log.stored_events"):
            found.setdefault(topic, set()).add(version)
    return {topic: there for topic, there in found.items() if topic in NEWER}


async def told(engine: AsyncEngine, stream: UUID) -> dict[str, Any]:
    """The history of an aggregate: type -> fields."""
    async with engine.connect() as connection:
        items, _ = await history.of(connection, stream, Page(), CODEC)
    return {item.type.partition(".")[2]: item.data for item in items}


async def test_each_event_with_versions_is_in_the_log(
    recorded: Recorded, database: Database, request: pytest.FixtureRequest
) -> None:
    assert versions(database.owner) == {topic: {request.node.callspec.params["recorded"]} for topic in NEWER}


async def test_the_history_tells_personal_data_and_where_it_was_recorded_the_origin(
    recorded: Recorded, engine: AsyncEngine, request: pytest.FixtureRequest
) -> None:
    new = request.node.callspec.params["recorded"] == 2
    moved, declined = await told(engine, recorded.moved.id), await told(engine, recorded.declined.id)
    assert moved["Booked"]["told"]["note"] == "Bring a towel"
    assert moved["Booked"]["channel"] == ("staff" if new else None)
    assert moved["Booked"]["placement"] == history.plain(host_alone(recorded.provider_id, 30))
    assert (moved["Rescheduled"]["reason"], moved["Rescheduled"]["free_cancellation"]) == (None, new)
    assert moved["Cancelled"]["reason"] == "The water is off"
    assert moved["Cancelled"]["party"] == ("staff" if new else None)
    assert (declined["Declined"]["reason"], declined["Declined"]["reason_code"]) == ("We are full", None)


async def test_read_models_hold_it_and_a_rebuild_makes_the_same(
    recorded: Recorded, engine: AsyncEngine, owner: AsyncEngine, catch_up: CatchUp, database: Database
) -> None:
    await catch_up()
    with psycopg.connect(database.owner) as connection:
        rows = connection.execute("SELECT id, status, note, reason FROM read_1.appointment ORDER BY status").fetchall()
    assert rows == [
        (recorded.moved.id, "cancelled", "Bring a towel", "The water is off"),
        (recorded.declined.id, "declined", "A wish", "We are full"),
    ]
    assert (await Rebuild(owner, PROJECTIONS, CODEC).check()).differences == []


async def test_erasure_leaves_nothing_of_the_person_readable(
    recorded: Recorded, engine: AsyncEngine, catch_up: CatchUp, database: Database
) -> None:
    await erase_person(ErasePerson(by=OPERATOR, subject=recorded.guest), recorded.store)
    await catch_up()
    moved = await told(engine, recorded.moved.id)
    assert (moved["Booked"]["told"], moved["Cancelled"]["reason"]) == ("forgotten", "forgotten")
    with psycopg.connect(database.owner) as connection:
        query = "SELECT note, reason FROM read_1.appointment WHERE customer_id = %s"
        assert connection.execute(query, [recorded.guest]).fetchall() == [("", "")]


async def test_the_stock_library_reads_it(recorded: Recorded, database: Database) -> None:
    await assert_the_library_reads_everything(database.application, recorded.store)


async def test_a_reason_code_is_recorded_beside_the_words(database: Database, engine: AsyncEngine) -> None:
    store = postgres_store(database.application, MASTERS)
    await store.open()
    week = await an_open_week(store)
    booked = (await book_appointment(week.booking("09:00", somebody()), store)).aggregate
    ended = CancelAppointment(by=week.owner, appointment_id=booked.id, reason="Storm", reason_code=ReasonCode.WEATHER)
    await cancel_appointment(ended, store)
    await store.close()
    assert (await told(engine, booked.id))["Cancelled"]["reason_code"] == "weather"
