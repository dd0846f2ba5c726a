"""Holds: who may, what they keep, how they become appointments, and that they are free at their second."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import (
    RescheduleAppointment,
    book_appointment,
    reschedule_appointment,
)
from application.booking.hold import (
    ChangeHold,
    FindHold,
    PlaceHold,
    expire_hold,
    extend_hold,
    find_hold,
    place_hold,
    release_hold,
)
from application.booking.refusals import TooSoon
from application.catalog.service import ChangeService, change_service
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.booking.appointment import Appointment
from domain.booking.calendar_day import SlotTaken
from domain.booking.hold import Hold, HoldExpired, HoldExtendedBefore, HoldStatus
from domain.errors import Forbidden, Invalid, NotFound
from domain.kernel import new_id
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, a_key, an_open_week, somebody

MINUTE = timedelta(minutes=1)


def placing(week: OpenWeek, by: Caller, start: datetime) -> PlaceHold:
    """The command for a hold with the week's provider."""
    return PlaceHold(by=by, id=new_id(), service_id=week.service_id, provider_id=week.provider_id, start=start)


async def a_hold(week: OpenWeek, by: Caller, clock: str = "09:00", **more: Any) -> Hold:
    said = {"service_id": week.service_id, "provider_id": week.provider_id, "id": new_id()} | more
    placing = PlaceHold(by=by, start=week.at(clock), **said)
    return (await place_hold(placing, week.store)).aggregate


def of(hold: Hold, by: Caller) -> ChangeHold:
    return ChangeHold(by=by, hold_id=hold.id)


@pytest.fixture
def ada() -> Caller:
    return somebody()


def later(store: Clocked, minutes: float) -> None:
    store.set_clock(store.now() + timedelta(minutes=minutes))


class TestPlacing:
    async def test_it_takes_the_time_as_a_booking_does(self, store: Clocked, week: OpenWeek, ada: Caller):
        before = store.position
        hold = await a_hold(week, ada)
        assert store.recorded(before) == ["Hold.Placed", "Quota.Opened", "Quota.Kept", "Day.Opened", "Day.Held"]
        assert hold.expires_at == store.now() + 5 * MINUTE
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)
        with pytest.raises(SlotTaken):
            await a_hold(week, somebody())

    async def test_the_same_key_gives_the_same_hold(self, store: Clocked, week: OpenWeek, ada: Caller):
        key = a_key("k", "r")
        first = await a_hold(week, ada, key=key)
        again = await a_hold(week, ada, key=key)
        assert (again.id, again.version) == (first.id, 1)

    async def test_staff_say_for_whom(self, week: OpenWeek):
        with pytest.raises(Invalid):
            await a_hold(week, week.owner)
        with pytest.raises(NotFound):
            await a_hold(week, week.owner, customer_id=new_id())

    async def test_without_a_provider_the_first_free_one_keeps_it(self, week: OpenWeek, ada: Caller):
        hold = await a_hold(week, ada, provider_id=None)
        assert hold.provider_id == week.provider_id


class TestTime:
    async def test_at_its_second_it_is_free_and_who_takes_it_records_its_end(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ):
        hold = await a_hold(week, ada)
        store.set_clock(hold.expires_at - timedelta(microseconds=1))
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)
        store.set_clock(hold.expires_at)
        before = store.position
        await a_booked_appointment(store, week)
        assert store.recorded(before) == [
            "Appointment.Booked",
            "Hold.Expired",
            "Day.Released",
            "Day.Reserved",
        ]

    async def test_one_that_lies_on_two_days_goes_from_both(self, store: Clocked, ada: Caller):
        week = await an_open_week(store, duration=60, step=30)
        hours = {str(day): [[0, 1440]] for day in range(7)}
        opening = ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly=hours)
        await replace_schedule(opening, store)
        hold = await a_hold(week, ada, "23:30")
        store.set_clock(hold.expires_at)
        before = store.position
        await book_appointment(replace(week.booking("09:00"), start=week.at("00:00", 1)), store)
        assert sorted(store.recorded(before)) == [
            "Appointment.Booked",
            "Day.Released",
            "Day.Released",
            "Day.Reserved",
            "Hold.Expired",
        ]

    async def test_a_move_onto_what_has_lapsed_makes_room_too(self, store: Clocked, week: OpenWeek, ada: Caller):
        mine = await a_booked_appointment(store, week, "11:00", ada)
        hold = await a_hold(week, somebody())
        store.set_clock(hold.expires_at)
        moved = RescheduleAppointment(by=ada, appointment_id=mine.id, start=week.at("09:00"))
        await reschedule_appointment(moved, store)
        with pytest.raises(HoldExpired):
            await extend_hold(of(hold, SYSTEM), store)

    async def test_the_sweep_records_it_no_earlier_and_once(self, store: Clocked, week: OpenWeek, ada: Caller):
        hold, before = await a_hold(week, ada), store.position
        await expire_hold(of(hold, SYSTEM), store)
        assert store.position == before
        store.set_clock(hold.expires_at)
        await expire_hold(of(hold, SYSTEM), store)
        await expire_hold(of(hold, SYSTEM), store)
        assert store.recorded(before) == ["Hold.Expired", "Day.Released"]

    async def test_nobody_else_lets_time_pass(self, week: OpenWeek, ada: Caller):
        hold = await a_hold(week, ada)
        for by in (ada, week.owner, somebody(Role.ADMIN)):
            with pytest.raises(Forbidden):
                await expire_hold(of(hold, by), week.store)


class TestChanging:
    async def test_it_is_extended_once(self, store: Clocked, week: OpenWeek, ada: Caller):
        hold = await a_hold(week, ada)
        later(store, 4)
        extended = (await extend_hold(of(hold, ada), store)).aggregate
        assert extended.expires_at == hold.expires_at + 4 * MINUTE
        with pytest.raises(HoldExtendedBefore):
            await extend_hold(of(hold, ada), store)
        store.set_clock(hold.expires_at)
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)

    async def test_given_back_it_is_free_and_given_back_again_is_fine(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ):
        hold = await a_hold(week, ada)
        await release_hold(of(hold, ada), store)
        await a_booked_appointment(store, week)
        before = store.position
        await release_hold(of(hold, ada), store)
        assert store.position == before

    @pytest.mark.parametrize(
        ("asked", "run"), [(FindHold, find_hold), (ChangeHold, extend_hold), (ChangeHold, release_hold)]
    )
    async def test_a_stranger_knows_nothing_of_it(self, week: OpenWeek, ada: Caller, asked: Any, run: Any):
        hold = await a_hold(week, ada)
        for stranger in (somebody(), somebody(Role.PROVIDER)):
            with pytest.raises(NotFound):
                await run(asked(by=stranger, hold_id=hold.id), week.store)
        await run(asked(by=week.owner, hold_id=hold.id), week.store)


class TestBooking:
    async def test_it_becomes_an_appointment_in_one_record(self, store: Clocked, week: OpenWeek, ada: Caller):
        hold, before = await a_hold(week, ada), store.position
        booking = week.booking("09:00", ada, hold_id=hold.id, provider_id=None)
        booked = (await book_appointment(booking, store)).aggregate
        assert store.recorded(before) == [
            "Appointment.Booked",
            "Hold.Used",
            "Quota.Freed",
            "Day.Released",
            "Day.Reserved",
        ]
        assert booked.provider_id == week.provider_id
        with pytest.raises(HoldExpired, match="used"):
            await book_appointment(week.booking("09:00", ada, hold_id=hold.id), store)

    async def test_notice_counts_from_when_it_was_placed(self, store: Clocked, ada: Caller):
        week = await an_open_week(store, min_notice=60, hold_ttl=120)
        store.set_clock(week.at("08:00"))
        hold = await a_hold(week, ada)
        later(store, 45)
        with pytest.raises(TooSoon):
            await book_appointment(week.booking("09:30", ada), store)
        await book_appointment(week.booking("09:00", ada, hold_id=hold.id), store)

    async def test_what_has_begun_is_not_booked(self, store: Clocked, ada: Caller):
        week = await an_open_week(store, hold_ttl=120)
        store.set_clock(week.at("08:30"))
        hold = await a_hold(week, ada)
        later(store, 31)
        with pytest.raises(HoldExpired):
            await book_appointment(week.booking("09:00", ada, hold_id=hold.id), store)

    async def test_what_has_begun_is_not_kept_from_what_begins_later(self, store: Clocked, ada: Caller):
        week = await an_open_week(store, duration=60, step=30, hold_ttl=1440)
        store.set_clock(week.at("08:30"))
        hold = await a_hold(week, ada)
        assert hold.expires_at == week.at("09:00")
        store.set_clock(week.at("09:00"))
        await book_appointment(week.booking("09:30"), store)

    async def test_somebody_else_s_is_not_there(self, week: OpenWeek, ada: Caller):
        hold = await a_hold(week, ada)
        with pytest.raises(NotFound):
            await book_appointment(week.booking("09:00", somebody(), hold_id=hold.id), week.store)
        with pytest.raises(NotFound):
            await book_appointment(week.booking("09:00", ada, hold_id=new_id()), week.store)

    async def test_over_is_over(self, store: Clocked, week: OpenWeek, ada: Caller):
        hold = await a_hold(week, ada)
        store.set_clock(hold.expires_at)
        with pytest.raises(HoldExpired):
            await book_appointment(week.booking("09:00", ada, hold_id=hold.id), store)

    @pytest.mark.parametrize("field", ["start", "service_id", "provider_id"])
    async def test_it_is_good_for_what_it_was_placed_for(self, week: OpenWeek, ada: Caller, field: str):
        hold = await a_hold(week, ada)
        other: Any = week.at("10:00") if field == "start" else UUID(int=1)
        booking = replace(week.booking("09:00", ada, hold_id=hold.id), **{field: other})
        with pytest.raises(Invalid) as refused:
            await book_appointment(booking, week.store)
        assert refused.value.pointer == f"/{field}"

    async def test_a_service_that_changed_meanwhile_is_booked_as_it_is_now(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ):
        hold = await a_hold(week, ada)
        change = ChangeService(by=week.owner, service_id=week.service_id, terms={"duration": 60})
        await change_service(change, store)
        booked = (await book_appointment(week.booking("09:00", ada, hold_id=hold.id), store)).aggregate
        assert booked.ends_at == week.at("10:00")
        assert (await store.fetch([hold.id]))[0][hold.id].status is HoldStatus.USED  # type: ignore[union-attr]
        assert isinstance(booked, Appointment)
