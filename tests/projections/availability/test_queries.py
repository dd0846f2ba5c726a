"""Which times are free? Told from the events alone, it is what the domain would say."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from psycopg import AsyncConnection

from application.booking.appointment import RescheduleAppointment, reschedule_appointment
from application.catalog.provider import DeleteProvider, delete_provider
from application.catalog.service import ChangeService, DeleteService, change_service, delete_service
from application.scheduling.schedule import (
    CancelTimeOff,
    ChangeTimeOff,
    DeleteOverride,
    ReplaceOverride,
    ReplaceSchedule,
    TakeTimeOff,
    cancel_time_off,
    change_time_off,
    delete_override,
    replace_override,
    replace_schedule,
    take_time_off,
)
from domain.booking.calendar_day import Day, days_touched
from domain.booking.seat import Seat
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import NotFound
from domain.kernel import new_id
from domain.scheduling.availability import Occupied, Rule, SlotTerms, starts, why_not
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow
from domain.scheduling.schedule import Schedule
from domain.scheduling.unavailable_reason import UnavailableReason
from projections.query.snapshot import Behind, BeyondHead
from tests.domain.scheduling.test_availability_properties import SERVICES, Case, cases
from tests.projections.clinic import Clinic, clocks, open_clinic, parsed
from tests.projections.conftest import Write
from tests.support.builders import a_provider, a_service, profile, terms
from tests.support.hypothesis_profiles import examples

OFFICE = [f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)]


@pytest.fixture
async def clinic(database, engine, reads) -> AsyncIterator[Clinic]:
    async with open_clinic(database.application, engine, reads) as clinic:
        yield clinic


@pytest.fixture
async def group(database, engine, reads) -> AsyncIterator[Clinic]:
    """Three may come at once."""
    async with open_clinic(database.application, engine, reads, capacity=3) as clinic:
        yield clinic


async def test_an_open_day_offers_every_start_that_fits(clinic):
    body = await clinic.answer()
    assert clocks(body) == OFFICE
    assert body["starts"][0] == {
        "start": clinic.week.at("09:00").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end": clinic.week.at("09:30").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "provider_id": str(clinic.week.provider_id),
        "seats_left": 1,
    }
    assert set(body) == {"starts", "timezone", "position", "as_of"}
    assert body["timezone"] == "UTC"


async def test_the_body_is_compact_and_names_the_zone_asked_for_and_the_moment_it_is_true_of(clinic):
    now = clinic.store.now()
    answer = await clinic.availability.starts(
        clinic.week.service_id, None, clinic.monday(), now=now, timezone="Asia/Kolkata"
    )
    assert answer.body == json.dumps(json.loads(answer.body), separators=(",", ":")).encode()
    assert json.loads(answer.body)["timezone"] == "Asia/Kolkata"
    assert parsed(json.loads(answer.body)["as_of"]) == answer.as_of == now.replace(microsecond=0)


async def test_a_booked_time_is_gone_and_a_cancelled_one_comes_back(clinic):
    appointment, _ = await clinic.book("10:00")
    await clinic.catch_up()
    assert await clinic.free() == [clock for clock in OFFICE if clock != "10:00"]
    await clinic.cancel(appointment)
    await clinic.catch_up()
    assert await clinic.free() == OFFICE


async def test_a_moved_appointment_takes_its_new_time_only(clinic):
    appointment, _ = await clinic.book("10:00")
    move = RescheduleAppointment(by=clinic.week.owner, appointment_id=appointment, start=clinic.week.at("12:30"))
    await reschedule_appointment(move, clinic.store)
    await clinic.catch_up()
    assert await clinic.free() == [clock for clock in OFFICE if clock != "12:30"]


async def test_a_span_is_half_open(clinic):
    span = Interval(clinic.week.at("10:00"), clinic.week.at("11:00"))
    assert await clinic.free(span=span) == ["10:00", "10:30"]


async def test_buffers_keep_their_distance_on_both_sides(clinic):
    await _change(clinic, buffer_before=15, buffer_after=20, step=5)
    await clinic.book("12:00")
    await clinic.catch_up()
    taken = [clock for clock in await clinic.free() if "11:00" < clock < "13:05"]
    assert taken == []
    assert {"10:55", "13:05"} <= set(await clinic.free())


@pytest.fixture
async def night(database, engine, reads) -> AsyncIterator[Clinic]:
    """Always open; an hour for two customers each half hour."""
    shape = {"duration": 60, "step": 30, "capacity": 2}
    async with open_clinic(database.application, engine, reads, **shape) as clinic:
        always = {str(day): [[0, 1440]] for day in range(7)}
        await _hours(clinic, "UTC", always)
        yield clinic


async def test_an_appointment_over_midnight_takes_one_seat_of_either_day(night):
    await night.book("23:30")
    await night.catch_up()
    late = Interval(night.week.at("22:00"), night.week.at("02:00", day=1))
    left = {start["start"][11:16]: start["seats_left"] for start in (await night.answer(span=late))["starts"]}
    assert left == {"22:00": 2, "22:30": 2, "23:30": 1, "00:30": 2, "01:00": 2, "01:30": 2}
    tuesday = Interval(night.week.at("00:00", day=1), night.week.at("01:00", day=1))
    assert await night.free(span=tuesday) == ["00:30"]


async def test_an_appointment_moved_off_midnight_leaves_the_next_day_only(night):
    appointment, _ = await night.book("23:30")
    move = RescheduleAppointment(by=night.week.owner, appointment_id=appointment, start=night.week.at("22:30"))
    await reschedule_appointment(move, night.store)
    await night.catch_up()
    late = Interval(night.week.at("22:00"), night.week.at("01:00", day=1))
    left = {start["start"][11:16]: start["seats_left"] for start in (await night.answer(span=late))["starts"]}
    assert left == {"22:30": 1, "23:30": 2, "00:00": 2, "00:30": 2}


async def test_buffers_reach_over_midnight(night):
    for clock in ("00:30", "22:30"):
        await night.book(clock)
    await _change(night, buffer_before=60, buffer_after=60)
    sunday = Interval(night.week.at("22:00", day=-1), night.week.at("23:30", day=-1))
    assert await night.free(span=sunday) == ["22:00", "22:30"]
    tuesday = Interval(night.week.at("00:00", day=1), night.week.at("01:00", day=1))
    assert await night.free(span=tuesday) == ["00:30"]


async def test_a_group_has_seats_until_it_is_full_and_excludes_other_starts(group):
    for expected in (2, 1):
        await group.book("10:00")
        await group.catch_up()
        left = {start["start"][11:16]: start["seats_left"] for start in (await group.answer())["starts"]}
        assert left["10:00"] == expected
        assert left["09:30"] == left["10:30"] == 3
    await group.book("10:00")
    await group.catch_up()
    assert "10:00" not in await group.free()
    assert await _reason(group, "10:00") is UnavailableReason.FULL


async def test_hours_are_read_in_the_calendars_zone(clinic):
    await _hours(clinic, "Asia/Kolkata", {"0": [[9 * 60, 10 * 60]]})
    body = await clinic.answer()
    assert clocks(body) == ["03:30", "04:00"]
    assert body["timezone"] == "Asia/Kolkata"


async def test_an_override_replaces_the_hours_of_its_date_until_it_is_lifted(clinic):
    by, calendar, day = clinic.week.owner, clinic.week.provider_id, clinic.week.monday.date()
    for hours, expected in (([[600, 660]], ["10:00", "10:30"]), ([], [])):
        await replace_override(ReplaceOverride(by=by, calendar_id=calendar, date=day, hours=hours), clinic.store)
        await clinic.catch_up()
        assert await clinic.free() == expected
        assert len(await clinic.free(span=clinic.monday(2))) == len(expected) + len(OFFICE)
    await delete_override(DeleteOverride(by=by, calendar_id=calendar, date=day), clinic.store)
    await clinic.catch_up()
    assert await clinic.free() == OFFICE


async def test_time_off_cuts_instants_until_it_is_moved_or_cancelled(clinic):
    by, calendar, id = clinic.week.owner, clinic.week.provider_id, new_id()
    at = clinic.week.at
    off = TakeTimeOff(by=by, calendar_id=calendar, id=id, off=Interval(at("09:15"), at("16:00")))
    await take_time_off(off, clinic.store)
    await clinic.catch_up()
    assert await clinic.free() == ["16:00", "16:30"]
    assert await _reason(clinic, "10:00") is UnavailableReason.TIME_OFF
    moved = ChangeTimeOff(by=by, calendar_id=calendar, id=id, off=Interval(at("10:00"), at("17:00")))
    await change_time_off(moved, clinic.store)
    await clinic.catch_up()
    assert await clinic.free() == ["09:00", "09:30"]
    await cancel_time_off(CancelTimeOff(by=by, calendar_id=calendar, id=id), clinic.store)
    await clinic.catch_up()
    assert await clinic.free() == OFFICE


async def test_several_providers_have_one_item_for_each_start_sorted_by_start_then_provider(clinic):
    second = await _colleague(clinic)
    await clinic.book("10:00")
    await clinic.catch_up()
    items = (await clinic.answer(provider_id=None))["starts"]
    order = [(item["start"], item["provider_id"]) for item in items]
    assert order == sorted(order)
    assert len(items) == 2 * len(OFFICE) - 1
    assert [item["provider_id"] for item in items if item["start"][11:16] == "10:00"] == [str(second)]
    assert await clinic.free(provider_id=second) == OFFICE


async def test_another_services_appointment_with_the_same_provider_takes_the_time_too(clinic):
    other = await a_service(clinic.store, clinic.week.owner, clinic.week.provider_id, duration=60)
    await clinic.book("10:00", service_id=other)
    await clinic.catch_up()
    assert await clinic.free() == [clock for clock in OFFICE if clock not in ("10:00", "10:30")]


async def test_notice_and_the_past_are_cut_at_the_moment_of_asking(clinic):
    await _change(clinic, min_notice=90)
    at = clinic.week.at
    assert (await clinic.free(now=at("14:00")))[0] == "15:30"
    assert (await clinic.free(now=at("14:00") + timedelta(microseconds=1)))[0] == "16:00"
    assert await clinic.free(now=at("17:00")) == []


@pytest.mark.parametrize(
    ("window", "offered"),
    [
        ({"kind": "rolling", "days": 1}, 1),
        ({"kind": "rolling", "days": 3}, 3),
        ({"kind": "business", "days": 2}, 2),
        ({"kind": "fixed", "from": None, "to": None}, 4),
    ],
)
async def test_a_booking_window_ends_the_offer(clinic, window, offered):
    await _change(clinic, window=window)
    found = await clinic.answer(now=clinic.week.at("00:00"), span=clinic.monday(4))
    assert {start["start"][:10] for start in found["starts"]} == {
        (clinic.week.monday + timedelta(days=n)).date().isoformat() for n in range(offered)
    }


async def test_what_is_withdrawn_or_inactive_offers_nothing(clinic):
    week = clinic.week
    second = await _colleague(clinic)
    await delete_provider(DeleteProvider(by=week.owner, provider_id=second), clinic.store)
    await clinic.catch_up()
    assert await clinic.free(provider_id=None) == OFFICE
    assert await _reason(clinic, "10:00", provider_id=second) is UnavailableReason.INACTIVE
    await delete_service(DeleteService(by=week.owner, service_id=week.service_id), clinic.store)
    await clinic.catch_up()
    assert await clinic.free(provider_id=None) == []
    assert await _reason(clinic, "10:00") is UnavailableReason.WITHDRAWN


async def test_what_is_not_known_is_not_found(clinic):
    with pytest.raises(NotFound):
        await clinic.answer(service_id=new_id())
    with pytest.raises(NotFound):
        await clinic.answer(provider_id=new_id())
    with pytest.raises(NotFound):
        await clinic.availability.why(new_id(), None, clinic.week.monday, now=clinic.store.now())
    assert await _reason(clinic, "10:00", provider_id=new_id()) is UnavailableReason.NOT_OFFERED_BY


async def test_why_names_the_rule_that_stands_against_a_start(clinic):
    await clinic.book("10:00")
    await clinic.catch_up()
    clock_of = {
        "10:00": UnavailableReason.TAKEN,
        "10:10": UnavailableReason.GRID,
        "08:00": UnavailableReason.CLOSED,
        "10:30": None,
    }
    for clock, reason in clock_of.items():
        assert await _reason(clinic, clock) is reason
    assert await _reason(clinic, "10:30", now=clinic.week.at("11:00")) is UnavailableReason.PAST
    await _change(clinic, min_notice=60, window={"kind": "rolling", "days": 1})
    assert await _reason(clinic, "10:30", now=clinic.week.at("10:00")) is UnavailableReason.NOTICE
    assert await _reason(clinic, "10:30") is UnavailableReason.WINDOW


async def test_why_without_a_provider_looks_for_anybody_who_offers_it(clinic):
    await _colleague(clinic)
    await clinic.book("10:00")
    await clinic.catch_up()
    assert await _reason(clinic, "10:00", provider_id=None) is None
    await clinic.book("10:00", provider_id=None)
    await clinic.catch_up()
    assert await _reason(clinic, "10:00", provider_id=None) is UnavailableReason.TAKEN


def test_every_rule_of_the_domain_has_a_public_name_and_a_sentence():
    assert [UnavailableReason.of(rule) for rule in Rule] == [*UnavailableReason][3:]
    assert all(reason.detail.endswith(".") for reason in UnavailableReason)


async def test_the_earliest_are_the_next_of_a_service_or_of_all_with_a_tag(clinic):
    week = clinic.week
    tagged = await a_service(clinic.store, week.owner, week.provider_id, tags=["cut"], duration=60)
    await clinic.catch_up()
    now = week.at("15:10")
    found = json.loads((await clinic.availability.earliest(week.service_id, None, 5, now=now)).body)
    assert clocks(found) == ["15:30", "16:00", "16:30", "09:00", "09:30"]
    found = json.loads((await clinic.availability.earliest(None, "cut", 2, now=now)).body)
    assert [(item["start"][8:16], item["service_id"]) for item in found["starts"]] == [
        (f"{now.day:02}T16:00", str(tagged)),
        (f"{(now + timedelta(days=1)).day:02}T09:00", str(tagged)),
    ]
    found = json.loads((await clinic.availability.earliest(None, "other", 2, now=now)).body)
    assert found["starts"] == []


async def test_a_position_not_yet_reached_is_waited_for_and_one_beyond_the_log_refused(clinic):
    _, position = await clinic.book("10:00")
    with pytest.raises(Behind):
        await clinic.answer(at_least=position)
    with pytest.raises(BeyondHead):
        await clinic.answer(at_least=position + 1)
    await clinic.catch_up()
    assert "10:00" not in await clinic.free(at_least=position)


async def test_another_generation_is_found_when_it_goes_live(clinic, database):
    assert await clinic.free() == OFFICE
    async with await AsyncConnection.connect(database.owner) as connection:
        await connection.execute("ALTER SCHEMA read_1 RENAME TO read_2")
        await connection.execute("UPDATE read.live SET generation = 2")
        await connection.execute("UPDATE read.checkpoint SET generation = 2")
    assert await clinic.free() == OFFICE


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases())
async def test_for_any_week_it_is_what_the_domain_says_of_the_aggregates(case, clinic, write):
    provider_id, service_id = await _record(case, write)
    await clinic.catch_up()
    asked = {"provider_id": provider_id, "service_id": service_id, "now": case.now}
    offer, hours = replace(case.offer, service_id=service_id), _with_holidays(case.hours)
    occupied = [
        each._replace(service_id=service_id) if each.service_id == SERVICES[0] else each for each in case.occupied
    ]
    offered = starts(offer, hours, occupied, case.within, case.now)
    found = (await clinic.answer(**asked, span=case.within))["starts"]
    assert [(parsed(s["start"]), parsed(s["end"]), s["seats_left"]) for s in found] == offered
    for minute in range(0, 400, 37):
        start = case.within.start + timedelta(minutes=minute)
        why = await clinic.availability.why(service_id, provider_id, start, now=case.now)
        assert why.rule == why_not(offer, hours, occupied, start, case.now)
        assert why.offered is (why.rule is None)


async def _record(case: Case, write: Write) -> tuple[UUID, UUID]:
    """The case as events of a new provider and service."""
    now, by, offer = case.now, new_id(), case.offer
    provider = Provider.join(new_id(), by, profile(), now)
    schedule = Schedule(id=Schedule.id_of(provider.id), calendar_id=provider.id, timezone="UTC", timestamp=now)
    hours = _with_holidays(case.hours)
    weekly = _plain(hours.weekly)
    changed: dict[str, Any] = {"by": by, "orphans": None, "timestamp": now}
    schedule.trigger_event(Schedule.WeeklySet, timezone=hours.timezone, weekly=weekly, **changed)
    for day, windows in hours.overrides.items():
        plain = [list(window) for window in windows]
        schedule.trigger_event(Schedule.Overridden, date=day.isoformat(), hours=plain, **changed)
    for off in hours.time_off:
        schedule.take_time_off(by, new_id(), off, "", now)
    service = Service(id=new_id(), by=by, terms=_terms(offer, provider.id), timestamp=now)
    await write(provider, schedule, service, *_days(case, provider.id, service.id))
    return provider.id, service.id


def _days(case: Case, calendar_id: UUID, service_id: UUID) -> list[Day]:
    days: dict[date, Day] = {}
    for since, until, service, start, _ in (_renamed(each, service_id) for each in case.occupied):
        taker = new_id()
        for day in days_touched(since, until):
            id = Day.id_of(calendar_id, day)
            opened = Day(id=id, calendar_id=calendar_id, date=day.isoformat(), timestamp=case.now)
            days.setdefault(day, opened).give(Seat(taker, service, start, since, until), case.now)
    return [*days.values()]


def _renamed(occupied: Occupied, service_id: UUID) -> Occupied:
    """The case's first service is this one here."""
    return occupied._replace(service_id=service_id) if occupied.service_id == SERVICES[0] else occupied


def _terms(offer: SlotTerms, provider_id: UUID) -> dict[str, Any]:
    window, hours = offer.window, offer.service_hours
    return terms(
        provider_id,
        duration=offer.duration,
        step=offer.step,
        align=offer.align,
        buffer_before=offer.buffer_before,
        buffer_after=offer.buffer_after,
        capacity=offer.capacity,
        min_notice=offer.min_notice,
        window=None if window is None else {"kind": window.kind, "days": window.days},
        hours=None if hours is None else _plain(hours),
    )


def _plain(weekly: Mapping[int, Sequence[OpeningWindow]]) -> dict[str, Any]:
    return {str(day): [list(window) for window in windows] for day, windows in weekly.items()}


def _with_holidays(hours: OpeningHours) -> OpeningHours:
    """A schedule keeps none: they are closed dates."""
    closed = {**hours.overrides, **dict.fromkeys(hours.holidays, ())}
    return replace(hours, overrides=closed, holidays=frozenset())


async def _hours(clinic: Clinic, timezone: str, weekly: dict[str, Any]) -> None:
    week = clinic.week
    change = ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone=timezone, weekly=weekly)
    await replace_schedule(change, clinic.store)
    await clinic.catch_up()


async def _change(clinic: Clinic, **changes: Any) -> None:
    week = clinic.week
    await change_service(ChangeService(by=week.owner, service_id=week.service_id, terms=changes), clinic.store)
    await clinic.catch_up()


async def _colleague(clinic: Clinic) -> UUID:
    """Another provider of the service."""
    second = await a_provider(clinic.store, clinic.week.owner)
    await _change(clinic, provider_ids=[str(clinic.week.provider_id), str(second)])
    return second


async def _reason(clinic: Clinic, clock: str, **asked: Any) -> UnavailableReason | None:
    said = {"provider_id": clinic.week.provider_id, "now": clinic.store.now()} | asked
    why = await clinic.availability.why(clinic.week.service_id, start=clinic.week.at(clock), **said)
    assert why.offered is (why.rule is None)
    return why.rule
