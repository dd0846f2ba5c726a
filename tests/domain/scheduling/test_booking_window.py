"""How far ahead: counted in local days of the calendar, whatever the day in UTC."""

from datetime import UTC, date, datetime

import pytest

from domain.scheduling.booking_window import BookingWindow
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, window
from domain.scheduling.wallclock import SUPPORTED

WEEKDAYS = {day: (window("09:00", "17:00"),) for day in range(5)}
FRIDAY_NIGHT = datetime(2026, 3, 7, 4, 30, tzinfo=UTC)  # Friday 23:30 in New York


def hours(**rules: object) -> OpeningHours:
    given_rules = {"weekly": WEEKDAYS, "overrides": {}, "time_off": (), **rules}
    return OpeningHours(timezone="America/New_York", **given_rules)  # type: ignore[arg-type]


def end(window: BookingWindow, hours: OpeningHours, now: datetime = FRIDAY_NIGHT) -> datetime:
    return window.bounds(hours, now).end


def new_york_midnight(month: int, day: int, utc_hour: int) -> datetime:
    return datetime(2026, month, day, utc_hour, tzinfo=UTC)


def test_today_is_the_first_rolling_day() -> None:
    assert end(BookingWindow("rolling", 1), hours()) == new_york_midnight(3, 7, 5)
    assert end(BookingWindow("rolling", 2), hours()) == new_york_midnight(3, 8, 5)
    assert end(BookingWindow("rolling", 3), hours()) == new_york_midnight(3, 9, 4)  # clocks go forward


def test_business_days_are_those_with_opening_hours_today_among_them() -> None:
    assert end(BookingWindow("business", 1), hours()) == new_york_midnight(3, 7, 5)
    assert end(BookingWindow("business", 2), hours()) == new_york_midnight(3, 10, 4)
    saturday = datetime(2026, 3, 7, 15, tzinfo=UTC)
    assert end(BookingWindow("business", 1), hours(), saturday) == new_york_midnight(3, 10, 4)


def test_overrides_holidays_and_time_off_make_and_unmake_business_days() -> None:
    monday, saturday = date(2026, 3, 9), date(2026, 3, 7)
    two = BookingWindow("business", 2)
    assert end(two, hours(overrides={saturday: WEEKDAYS[0]})) == new_york_midnight(3, 8, 5)
    assert end(two, hours(overrides={monday: ()})) == new_york_midnight(3, 11, 4)
    assert end(two, hours(holidays=frozenset([monday]))) == new_york_midnight(3, 11, 4)
    off = Interval(new_york_midnight(3, 9, 4), new_york_midnight(3, 10, 4))
    assert end(two, hours(time_off=(off,))) == new_york_midnight(3, 11, 4)


def test_a_calendar_that_never_opens_has_a_window_that_ends_all_the_same() -> None:
    closed = hours(weekly={})
    assert FRIDAY_NIGHT < end(BookingWindow("business", 5), closed) < SUPPORTED.end
    late = datetime(2199, 12, 31, 12, tzinfo=UTC)
    assert end(BookingWindow("business", 5), closed, late) >= SUPPORTED.end


def test_fixed_dates_include_both_and_either_may_be_open() -> None:
    fixed = BookingWindow("fixed", first=date(2026, 3, 8), last=date(2026, 3, 8))
    assert fixed.bounds(hours(), FRIDAY_NIGHT) == Interval(new_york_midnight(3, 8, 5), new_york_midnight(3, 9, 4))
    assert BookingWindow("fixed").bounds(hours(), FRIDAY_NIGHT) == SUPPORTED


@pytest.mark.parametrize(
    "window",
    [
        BookingWindow("rolling", 10**9),
        BookingWindow("fixed", first=date.min, last=date.max),
    ],
)
def test_bounds_beyond_the_supported_years_are_as_good_as_none(window: BookingWindow) -> None:
    start, until = window.bounds(hours(), FRIDAY_NIGHT)
    assert start <= FRIDAY_NIGHT
    assert until >= SUPPORTED.end


@pytest.mark.parametrize("kind", ["rolling", "business"])
@pytest.mark.parametrize("days", [None, 0, -1])
def test_a_moving_window_needs_a_number_of_days(kind: str, days: int | None) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        BookingWindow(kind, days)  # type: ignore[arg-type]
