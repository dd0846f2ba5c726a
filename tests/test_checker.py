"""The checker is quiet about an honest log, and catches every kind of violation in a doctored one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from application.booking.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.hold import ChangeHold, PlaceHold, place_hold, release_hold
from application.scheduling.schedule import TakeTimeOff, take_time_off
from domain.booking.hold import Hold
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from infrastructure.event_log.event_codec import decode, digest, encode
from infrastructure.event_log.postgres_journal import postgres_store
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_key,
    a_service,
    an_open_week,
    somebody,
)
from tests.support.checker import Acknowledged, Books, Stored, look, violations
from tests.support.sealed import CODEC, MASTERS

Doctor = Callable[[Books], Books]


@pytest.fixture
async def books(database: Database) -> Books:
    """A morning: three booked, one moved, one cancelled, one held and let go; then an afternoon off."""
    store = postgres_store(database.application, MASTERS)
    await store.open()
    week = await an_open_week(store, buffer_after=10, capacity=2)
    await a_service(store, week.owner, week.provider_id, duration=60)
    by = somebody()
    first = await a_booked_appointment(store, week, "09:00", by, key=a_key("first"))
    second = await a_booked_appointment(store, week, "10:00")
    await a_booked_appointment(store, week, "11:00")
    moved = RescheduleAppointment(by=by, appointment_id=first.id, start=week.at("13:00"))
    await reschedule_appointment(moved, store)
    await cancel_appointment(CancelAppointment(by=week.owner, appointment_id=second.id, reason="ill"), store)
    asked = {"service_id": week.service_id, "provider_id": week.provider_id}
    held = await place_hold(PlaceHold(by=by, id=new_id(), start=week.at("14:00"), **asked), store)
    await release_hold(ChangeHold(by=by, hold_id=held.aggregate.id), store)
    off = TakeTimeOff(by=week.owner, calendar_id=week.provider_id, id=new_id(), off=_afternoon(week))
    await take_time_off(off, store)
    await store.close()
    engine = create_async_engine(database.url)
    await Projector(engine, PROJECTIONS, CODEC).catch_up()
    await engine.dispose()
    return look(database.owner)


def _afternoon(week: OpenWeek) -> Interval:
    return Interval(week.at("15:00"), week.at("17:00"))


def the(books: Books, topic: str, which: int = 0) -> Stored:
    """An event of this topic."""
    return [event for event in books.events if event.topic == topic][which]


def rewritten(event: Stored, **changes: Any) -> Stored:
    """The event with other fields, its digest made to fit."""
    told = decode(event.topic, event.state, event.stream, event.version)
    row = encode(replace(told, **changes), event.metadata)
    return event._replace(
        state=row.state,
        digest=digest(event.id, event.stream, event.version, event.topic, row.state, event.metadata),
    )


def instead(books: Books, old: Stored, *new: Stored) -> Books:
    at = list(books.events).index(old)
    return books._replace(events=[*books.events[:at], *new, *books.events[at + 1 :]])


def _seat_over_another(books: Books) -> Books:
    last = the(books, "Day.Reserved", 2)
    before = decode(*_stored(the(books, "Day.Reserved", 1)))
    return instead(books, last, rewritten(last, since=before.since, until=before.until))


def _lane_twice(books: Books) -> Books:
    last = the(books, "Day.Reserved", 2)
    before = decode(*_stored(the(books, "Day.Reserved", 1)))
    told = {name: getattr(before, name) for name in ("starts_at", "since", "until")}
    return instead(books, last, rewritten(last, **told))


def _seat_beyond_capacity(books: Books) -> Books:
    return instead(books, last := the(books, "Day.Reserved", 2), rewritten(last, lane=2))


def _appointment_over_another(books: Books) -> Books:
    last = the(books, "Appointment.Booked", 2)
    start = decode(*_stored(last)).starts_at - timedelta(minutes=25)
    return instead(books, last, rewritten(last, starts_at=start))


def _buffers_touch(books: Books) -> Books:
    last = the(books, "Appointment.Booked", 2)
    start = decode(*_stored(last)).starts_at - timedelta(minutes=25)
    return instead(books, last, rewritten(last, starts_at=start, buffer_after=0))


def _too_many_share_a_start(books: Books) -> Books:
    offered = the(books, "Service.Offered")
    terms = decode(*_stored(offered)).terms
    first, last = the(books, "Appointment.Booked", 1), the(books, "Appointment.Booked", 2)
    shared = rewritten(last, starts_at=decode(*_stored(first)).starts_at)
    fewer = instead(books, offered, rewritten(offered, terms={**terms, "capacity": 1}))
    return instead(fewer, last, shared)


def _outside_hours(books: Books) -> Books:
    last = the(books, "Appointment.Booked", 2)
    return instead(books, last, rewritten(last, starts_at=decode(*_stored(last)).starts_at.replace(hour=16, minute=45)))


def _inside_time_off(books: Books) -> Books:
    off = the(books, "Schedule.TimeOffTaken")
    booked = decode(*_stored(the(books, "Appointment.Booked", 2)))
    early = rewritten(off, start=booked.starts_at, end=booked.starts_at + timedelta(minutes=1))
    events = [event for event in books.events if event is not off]
    at = events.index(the(books, "Appointment.Booked", 2))
    return books._replace(events=[*events[:at], early, *events[at:]])


def _after_withdrawal(books: Books) -> Books:
    offered, booked = the(books, "Service.Offered"), the(books, "Appointment.Booked", 0)
    told = {"by": decode(*_stored(offered)).by, "timestamp": offered.at}
    state = encode(_withdrawn(offered, **told), "{}").state
    event = booked._replace(stream=offered.stream, version=2, topic="Service.Withdrawn", state=state)
    return instead(books, booked, event, booked)


def _withdrawn(offered: Stored, **told: Any) -> Any:
    from domain.catalog.service import Service  # the class is only needed here

    return Service.Withdrawn(originator_id=offered.stream, originator_version=2, **told)


def _hold_over_another(books: Books) -> Books:
    held, last = the(books, "Hold.Placed"), the(books, "Appointment.Booked", 2)
    return instead(books, held, rewritten(held, starts_at=decode(*_stored(last)).starts_at + timedelta(minutes=5)))


def _hold_over_too_soon(books: Books) -> Books:
    released = the(books, "Hold.Released")
    told = {"originator_id": released.stream, "originator_version": 2, "timestamp": released.at}
    row = encode(Hold.Expired(**told), released.metadata)
    return instead(books, released, released._replace(topic=row.topic, state=row.state))


def _hold_for_ever(books: Books) -> Books:
    gone = {the(books, "Hold.Released"), the(books, "Day.Released", 2)}
    return books._replace(events=[event for event in books.events if event not in gone])


def _seat_never_released(books: Books) -> Books:
    return books._replace(events=[e for e in books.events if e is not the(books, "Day.Released", 1)])


def _no_seat(books: Books) -> Books:
    return books._replace(events=[e for e in books.events if e is not the(books, "Day.Reserved", 2)])


def _hole(books: Books) -> Books:
    return books._replace(events=[*books.events[:-1], books.events[-1]._replace(position=len(books.events) + 1)])


def _version_twice(books: Books) -> Books:
    last = books.events[-1]
    return instead(books, last, last._replace(version=last.version - 1))


def _changed(books: Books) -> Books:
    booked = the(books, "Appointment.Booked")
    return instead(books, booked, booked._replace(state=booked.state.replace(b"2500", b"2499")))


def _changed_with_its_digest(books: Books) -> Books:
    return instead(books, booked := the(books, "Appointment.Booked"), rewritten(booked, price=2499))


def _backdated(books: Books) -> Books:
    booked = the(books, "Appointment.Booked")
    return instead(books, booked, booked._replace(at=booked.at - timedelta(days=1)))


def _seal_removed(books: Books) -> Books:
    return books._replace(seals=[*books.seals[:1], *books.seals[2:]])


def _tail_unsealed(books: Books) -> Books:
    return books._replace(seals=books.seals[:-1])


def _key_with_two_commands(books: Books) -> Books:
    first = the(books, "Appointment.Booked")
    again = the(books, "Appointment.Booked", 2)
    return instead(books, again, again._replace(metadata=first.metadata))


def _answer_forgotten(books: Books) -> Books:
    return books._replace(keys=[])


def _agenda_row_lost(books: Books) -> Books:
    return books._replace(agenda=books.agenda[1:])


def _agenda_row_stale(books: Books) -> Books:
    return books._replace(agenda=[books.agenda[0]._replace(status="no_show"), *books.agenda[1:]])


def _occupancy_row_left(books: Books) -> Books:
    return books._replace(occupancy=[*books.occupancy, books.occupancy[0]._replace(taker=new_id())])


def _free_time_hidden(books: Books) -> Books:
    return books._replace(seats=[*books.seats, books.seats[0]._replace(taker=new_id())])


def _stored(event: Stored) -> tuple[str, bytes, Any, int]:
    return event.topic, event.state, event.stream, event.version


def test_an_honest_log_has_no_violations(books: Books) -> None:
    assert violations(books) == []
    assert len(books.agenda) == 3
    assert len(books.occupancy) == 2


@pytest.mark.parametrize(
    ("doctor", "said"),
    [
        (_seat_over_another, "the Days of"),
        (_lane_twice, "the Days of"),
        (_seat_beyond_capacity, "there is no such seat"),
        (_appointment_over_another, "is booked with"),
        (_buffers_touch, "is booked with"),
        (_too_many_share_a_start, "share a start"),
        (_outside_hours, "booked outside the hours"),
        (_inside_time_off, "booked outside the hours"),
        (_after_withdrawal, "offered no longer"),
        (_buffers_touch, "on other terms"),
        (_hold_over_another, "is booked with"),
        (_hold_over_too_soon, "over before its time"),
        (_hold_for_ever, "availability lacks"),
        (_seat_never_released, "keeps a seat without an appointment"),
        (_no_seat, "has no seat for the appointment"),
        (_hole, "stands where"),
        (_version_twice, "after"),
        (_changed, "the digest is another event's"),
        (_changed_with_its_digest, "does not hold"),
        (_backdated, "at another time than its batch"),
        (_seal_removed, "does not follow"),
        (_tail_unsealed, "are not sealed"),
        (_key_with_two_commands, "more than one command"),
        (_answer_forgotten, "no kept answer"),
        (_agenda_row_lost, "agenda lacks"),
        (_agenda_row_stale, "agenda has a row"),
        (_occupancy_row_left, "occupancy has a row"),
        (_free_time_hidden, "availability has a row"),
    ],
)
def test_a_doctored_log_is_found_out(books: Books, doctor: Doctor, said: str) -> None:
    assert any(said in found for found in violations(doctor(books)))


def test_an_answer_without_its_events_is_found_out(books: Books) -> None:
    booked = the(books, "Appointment.Booked")
    told = Acknowledged(new_id(), None, booked.position, booked.stream, 1)
    assert violations(books, [told]) == []
    for lie, said in (
        (told._replace(id=new_id()), "which is not in the log"),
        (told._replace(version=9), "which is not in the log"),
        (told._replace(position=booked.position - 1), "which is not in the log"),
        (told._replace(position=len(books.events) + 1, id=None), "but the log ends at"),
        (told._replace(key="first"), "but kept is None"),
    ):
        assert any(said in found for found in violations(books, [lie])), said
