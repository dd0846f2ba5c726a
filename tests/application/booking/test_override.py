"""Staff set hours, notice, window and grid aside, by name and with a reason; nobody sets aside what is taken."""

from datetime import timedelta
from typing import Any

import pytest

from application.access import Caller
from application.booking.appointment import (
    RescheduleAppointment,
    book_appointment,
    reschedule_appointment,
)
from application.booking.provider_selection import RuleOverride
from application.booking.refusals import OffGrid, OutsideHours, OutsideWindow, OverrideByStaff, TooSoon
from application.people.customer import CreateCustomer, create_customer
from application.scheduling.schedule import TakeTimeOff, take_time_off
from domain.booking.appointment import Appointment
from domain.booking.calendar_day import SlotTaken
from domain.booking.origin import OverridableRule
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week, somebody

ADA = somebody()
REASON = "she comes from far away"


def aside(*rules: str) -> RuleOverride:
    return RuleOverride(frozenset(map(OverridableRule, rules)), REASON)


async def booked(store: Clocked, week: OpenWeek, clock: str, *rules: str, by: Caller | None = None) -> Appointment:
    """By staff, for a guest."""
    details = {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""}
    guest = await create_customer(CreateCustomer(by=week.owner, id=new_id(), details=details), store)
    more: dict[str, Any] = {"customer_id": guest.aggregate.id, "override": aside(*rules) if rules else None}
    return (await book_appointment(week.booking(clock, week.owner, **more), store)).aggregate


CASES = [
    ({}, "08:00", "hours", OutsideHours),
    ({}, "16:45", "hours", OutsideHours),
    ({}, "09:10", "grid", OffGrid),
    ({"min_notice": 60 * 24 * 30}, "09:00", "notice", TooSoon),
    ({"window": {"kind": "rolling", "days": 2}}, "09:00", "window", OutsideWindow),
]


@pytest.mark.parametrize(("terms", "clock", "rule", "refusal"), CASES)
async def test_the_rule_that_is_named_does_not_count_and_no_other(
    store: Clocked, terms: dict[str, Any], clock: str, rule: str, refusal: type[Exception]
) -> None:
    week = await an_open_week(store, **terms)
    others = [each.value for each in OverridableRule if each != rule]
    for rules in ((), others):
        with pytest.raises(refusal):
            await booked(store, week, clock, *rules)
    done = await booked(store, week, clock, rule)
    assert (done.starts_at, done.overridden) == (week.at(clock), [rule])


@pytest.mark.parametrize(("terms", "clock", "rule", "refusal"), CASES)
async def test_staff_move_an_appointment_likewise(
    store: Clocked, terms: dict[str, Any], clock: str, rule: str, refusal: type[Exception]
) -> None:
    week = await an_open_week(store, **terms)
    there = await booked(store, week, "12:00", *(each.value for each in OverridableRule))
    move = RescheduleAppointment(by=week.owner, appointment_id=there.id, start=week.at(clock))
    with pytest.raises(refusal):
        await reschedule_appointment(move, store)
    moving = RescheduleAppointment(by=week.owner, appointment_id=there.id, start=week.at(clock), override=aside(rule))
    assert (await reschedule_appointment(moving, store)).aggregate.overridden == [rule]


async def test_time_off_is_a_part_of_the_hours(store: Clocked, week: OpenWeek) -> None:
    off = Interval(week.at("10:00"), week.at("11:00"))
    await take_time_off(TakeTimeOff(by=week.owner, calendar_id=week.provider_id, id=new_id(), off=off), store)
    with pytest.raises(OutsideHours):
        await booked(store, week, "10:00", "notice", "window", "grid")
    await booked(store, week, "10:00", "hours")


async def test_nobody_books_over_another_appointment_or_in_the_past(store: Clocked, week: OpenWeek) -> None:
    every = [each.value for each in OverridableRule]
    await a_booked_appointment(store, week)
    for clock in ("08:45", "09:00", "09:15"):
        with pytest.raises(SlotTaken):
            await booked(store, week, clock, *every)
    store.set_clock(week.at("12:00") + timedelta(seconds=1))
    with pytest.raises(TooSoon):
        await booked(store, week, "12:00", *every)


async def test_a_full_session_stays_full(store: Clocked) -> None:
    week = await an_open_week(store, capacity=2)
    for _ in range(2):
        await a_booked_appointment(store, week)
    with pytest.raises(SlotTaken):
        await booked(store, week, "09:00", *(each.value for each in OverridableRule))


async def test_customers_set_nothing_aside_not_even_of_their_own_appointment(store: Clocked, week: OpenWeek) -> None:
    with pytest.raises(OverrideByStaff):
        await book_appointment(week.booking("09:10", ADA, override=aside("grid")), store)
    mine = await a_booked_appointment(store, week, by=ADA)
    move = RescheduleAppointment(by=ADA, appointment_id=mine.id, start=week.at("10:10"), override=aside("grid"))
    with pytest.raises(OverrideByStaff):
        await reschedule_appointment(move, store)


async def test_any_provider_of_the_service_will_do(store: Clocked, week: OpenWeek) -> None:
    details = {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""}
    guest = await create_customer(CreateCustomer(by=week.owner, id=new_id(), details=details), store)
    said = {"customer_id": guest.aggregate.id, "provider_id": None, "override": aside("grid")}
    done = await book_appointment(week.booking("09:10", week.owner, **said), store)
    assert done.aggregate.provider_id == week.provider_id


async def test_the_reason_is_recorded_and_encrypted(store: Clocked, week: OpenWeek) -> None:
    before = store.position
    done = await booked(store, week, "09:10", "grid")
    states = b"".join(row.state for row in store.memory.rows[before:])
    assert b'"overridden":["grid"]' in states
    assert REASON.encode() not in states
    event = (await store.fetch([done.id]))[0][done.id]
    assert isinstance(event, Appointment)
