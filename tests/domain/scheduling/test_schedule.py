"""Given a schedule, when hours change, then this is recorded."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.errors import Invalid, NotFound
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningWindow
from domain.scheduling.schedule import Schedule

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME, OFF = new_id(), new_id()
MONDAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LUNCH = Interval(NOON, NOON + timedelta(hours=1))
LATER = Interval(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
Step = Callable[[Schedule], None]


def weekly(hours: dict[str, Any], timezone: str = "Europe/Berlin") -> Step:
    return lambda s: s.set_weekly(ME, timezone, hours, NOW)


def override(*hours: list[int]) -> Step:
    return lambda s: s.override(ME, MONDAY, list(hours), NOW)


def lift(s: Schedule) -> None:
    s.lift_override(ME, MONDAY, NOW)


def take(off: Interval = LUNCH, reason: str = "") -> Step:
    return lambda s: s.take_time_off(ME, OFF, off, reason, NOW)


def change(off: Interval = LATER, reason: str = "") -> Step:
    return lambda s: s.change_time_off(ME, OFF, off, reason, NOW)


def give_back(s: Schedule) -> None:
    s.cancel_time_off(ME, OFF, NOW)


def given(*steps: Step) -> Schedule:
    calendar = new_id()
    schedule = Schedule(id=Schedule.id_of(calendar), calendar_id=calendar, timezone="Europe/Berlin", timestamp=NOW)
    for step in steps:
        step(schedule)
    return schedule


@pytest.mark.parametrize(
    ("history", "step", "recorded"),
    [
        ([], weekly({"0": [[540, 1020]]}), ["WeeklySet"]),
        ([weekly({"0": [[540, 1020]]})], weekly({"0": [[540, 1020]]}), []),
        ([weekly({"0": [[540, 1020]]})], weekly({"0": [[540, 1020]]}, "UTC"), ["WeeklySet"]),
        ([], override(), ["Overridden"]),
        ([override()], override(), []),
        ([override()], override([600, 660]), ["Overridden"]),
        ([override()], lift, ["OverrideLifted"]),
        ([], take(), ["TimeOffTaken"]),
        ([take()], change(), ["TimeOffChanged"]),
        ([take()], change(LUNCH), []),
        ([take()], change(LUNCH, "dentist"), ["TimeOffChanged"]),
        ([take()], give_back, ["TimeOffCancelled"]),
    ],
)
def test_each_change_is_recorded_once_and_none_where_all_stays(
    history: list[Step], step: Step, recorded: list[str]
) -> None:
    schedule = given(*history)
    schedule.pending_events.clear()
    step(schedule)
    assert [type(event).__name__ for event in schedule.pending_events] == recorded


@pytest.mark.parametrize(
    ("history", "step", "refusal"),
    [
        ([], weekly({"0": [[540, 600], [590, 660]]}), Invalid),
        ([], weekly({"0": [[1200, 1560]], "1": [[60, 120]]}), Invalid),
        ([], weekly({"6": [[1200, 1560]], "0": [[60, 120]]}), Invalid),
        ([], override([540, 600], [590, 660]), Invalid),
        ([], lift, NotFound),
        ([override(), lift], lift, NotFound),
        ([], change(), NotFound),
        ([take(), give_back], change(), NotFound),
        ([take(), give_back], give_back, NotFound),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    history: list[Step], step: Step, refusal: type[Exception]
) -> None:
    schedule = given(*history)
    version = schedule.version
    with pytest.raises(refusal):
        step(schedule)
    assert schedule.version == version


def test_its_hours_are_those_of_the_last_change() -> None:
    schedule = given(weekly({"0": [[540, 1020]]}))
    assert schedule.hours().on(MONDAY) == (OpeningWindow(540, 1020),)
    override([600, 660])(schedule)
    assert schedule.hours().on(MONDAY) == (OpeningWindow(600, 660),)
    lift(schedule)
    assert schedule.hours().on(MONDAY) == (OpeningWindow(540, 1020),)
    take()(schedule)
    assert schedule.hours().time_off == (LUNCH,)
    change()(schedule)
    assert schedule.hours().time_off == (LATER,)
    give_back(schedule)
    assert schedule.hours().time_off == ()


def test_a_copy_s_hours_do_not_show_in_the_original() -> None:
    schedule = given(weekly({"0": [[540, 1020]]}))
    schedule.hours()
    copy = schedule.own_copy()
    override()(copy)
    assert copy.hours().on(MONDAY) == ()
    assert schedule.hours().on(MONDAY) == (OpeningWindow(540, 1020),)


def test_a_calendar_has_one_schedule() -> None:
    calendar = new_id()
    assert Schedule.id_of(calendar) == Schedule.id_of(calendar) != Schedule.id_of(new_id())
