"""Open minutes of a local date: clock changes, windows past midnight, and plans that never work backwards."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import day_bounds, zone
from projections.analysis.calendar_history import Affiliation, CalendarHistory, DayMinutes, WeeklyPlan

BERLIN = "Europe/Berlin"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def a_calendar(*windows: list[int], timezone: str = BERLIN, **more: Any) -> CalendarHistory:
    """Open in these windows every day, since long ago."""
    plan = WeeklyPlan(LONG_AGO, timezone, {str(day): list(windows) for day in range(7)})
    nothing: dict[str, Any] = {"affiliations": [], "overrides": {}, "time_off": [], "holidays": {}, "due": []}
    return CalendarHistory(**{"plans": [plan], **nothing, **more})


def minutes(history: CalendarHistory, day: date) -> DayMinutes:
    found = history.minutes(day)
    assert found is not None
    return found


def test_a_window_into_the_hour_that_clocks_skip_ends_where_they_jump() -> None:
    assert minutes(a_calendar([60, 150]), date(2026, 3, 29)).open == 60


def test_a_window_within_the_skipped_hour_has_no_minute() -> None:
    assert minutes(a_calendar([135, 165]), date(2026, 3, 29)).open == 0


def test_the_hour_that_clocks_repeat_is_as_long_as_the_domain_says() -> None:
    assert minutes(a_calendar([120, 180]), date(2026, 10, 25)).open == 120


def test_a_whole_day_has_23_or_25_hours_when_clocks_change() -> None:
    whole = a_calendar([0, 1440])
    assert [minutes(whole, date(2026, month, day)).open for month, day in ((3, 28), (3, 29), (10, 25))] == [
        24 * 60,
        23 * 60,
        25 * 60,
    ]


def test_a_window_past_midnight_counts_on_both_dates() -> None:
    plan = WeeklyPlan(LONG_AGO, BERLIN, {"0": [[1200, 1560]]})  # Mondays from 20:00 to 02:00
    history = a_calendar(plans=[plan])
    assert (minutes(history, date(2026, 1, 5)).open, minutes(history, date(2026, 1, 6)).open) == (240, 120)


def test_a_new_plan_and_a_new_zone_leave_the_dates_before_them_alone() -> None:
    june = datetime(2026, 6, 1, 12, tzinfo=UTC)
    before = a_calendar([540, 1020])
    after = a_calendar(plans=[*before.plans, WeeklyPlan(june, "Asia/Kolkata", {str(n): [[0, 60]] for n in range(7)})])
    day = date(2026, 1, 1)
    while day < date(2026, 6, 1):
        assert after.minutes(day) == before.minutes(day), day
        day += timedelta(days=1)
    assert minutes(after, date(2026, 6, 1)) == DayMinutes("Asia/Kolkata", None, 60, 0, 0), "the day of the change"


def test_a_holiday_is_that_of_the_organization_at_that_time() -> None:
    old, new = uuid4(), uuid4()
    march = datetime(2026, 3, 1, 12, tzinfo=UTC)
    affiliations = [Affiliation(LONG_AGO, old), Affiliation(march, new)]
    holidays = {old: [date(2026, 1, 6), date(2026, 4, 1)], new: [date(2026, 5, 1)]}
    history = a_calendar([540, 600], affiliations=affiliations, holidays=holidays)
    found = [minutes(history, date(2026, *day)) for day in ((1, 6), (4, 1), (5, 1))]
    assert [(each.open, each.organization_id) for each in found] == [(0, old), (60, new), (0, new)]


def test_due_time_counts_once_and_on_the_dates_that_it_touches() -> None:
    midnight = day_bounds(date(2026, 1, 5), zone(BERLIN)).end
    late = Interval(midnight - timedelta(minutes=30), midnight + timedelta(minutes=30)), BERLIN
    history = a_calendar([1380, 1440], due=[late, late, (Interval(midnight, midnight + timedelta(minutes=15)), BERLIN)])
    assert minutes(history, date(2026, 1, 5)) == DayMinutes(BERLIN, None, 60, 30, 30)
    assert minutes(history, date(2026, 1, 6)) == DayMinutes(BERLIN, None, 60, 30, 0)


def test_a_date_before_the_first_plan_counts_only_what_is_due_on_it() -> None:
    noon = datetime(2024, 5, 5, 12, tzinfo=UTC)
    history = a_calendar([0, 1440], due=[(Interval(noon, noon + timedelta(hours=1)), BERLIN)])
    assert history.minutes(date(2024, 5, 4)) is None
    assert minutes(history, date(2024, 5, 5)) == DayMinutes(BERLIN, None, 0, 60, 0)
