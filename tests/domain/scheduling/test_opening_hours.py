"""Opening hours: written as clock times, overridden by date, cut by time off, resolved to instants."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import (
    EmptyHours,
    MalformedHours,
    OpeningHours,
    OpeningWindow,
    openings,
    opens_on,
    overlapping,
    window,
)
from domain.scheduling.wallclock import SUPPORTED, day_bounds, zone

FRIDAY, SATURDAY = date(2026, 3, 6), date(2026, 3, 7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(start: str, end: str) -> Interval:
    return Interval(utc(start), utc(end))


def daily(*windows: OpeningWindow, timezone: str = "UTC", **rules: object) -> OpeningHours:
    given_rules = {"overrides": {}, "time_off": (), **rules}
    return OpeningHours(timezone=timezone, weekly=dict.fromkeys(range(7), windows), **given_rules)  # type: ignore[arg-type]


def opened(hours: OpeningHours, day: date) -> list[Interval]:
    return openings(hours, day_bounds(day, zone(hours.timezone)))


@pytest.mark.parametrize(
    ("from_", "to", "expected"),
    [
        ("09:00", "17:30", OpeningWindow(540, 1050)),
        ("00:00", "24:00", OpeningWindow(0, 1440)),
        ("22:00", "06:00", OpeningWindow(1320, 1800)),
        ("22:00", "00:00", OpeningWindow(1320, 1440)),
        ("23:59", "24:00", OpeningWindow(1439, 1440)),
    ],
)
def test_a_closing_time_before_the_opening_is_the_next_days(from_: str, to: str, expected: OpeningWindow) -> None:
    assert window(from_, to) == expected


@pytest.mark.parametrize("clock", ["00:00", "09:00", "23:59"])
def test_hours_that_open_and_close_at_one_time_are_refused(clock: str) -> None:
    with pytest.raises(EmptyHours):
        window(clock, clock)


def test_hours_of_24_h_that_were_recorded_before_still_open() -> None:
    recorded = daily(OpeningWindow(540, 1980))
    assert openings(recorded, between("2026-03-06T09:00", "2026-03-07T09:00"))


@pytest.mark.parametrize(
    "clock", ["", "9:00", "09:0", "24:01", "25:00", "09:60", "09.00", "\u0660\u0669:00", "09:00\n", "-1:00"]
)
def test_a_clock_time_is_written_in_full(clock: str) -> None:
    for from_, to in [(clock, "17:00"), ("09:00", clock)]:
        with pytest.raises(MalformedHours):
            window(from_, to)


def test_nothing_opens_at_24_00() -> None:
    with pytest.raises(MalformedHours):
        window("24:00", "08:00")


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        ({}, False),
        ({0: [window("09:00", "12:00"), window("12:00", "17:00")]}, False),
        ({0: [window("09:00", "12:00"), window("10:00", "11:00")]}, True),
        ({0: [window("13:00", "17:00"), window("09:00", "14:00")]}, True),
        ({0: [window("09:00", "12:00"), window("09:00", "12:00")]}, True),
        ({0: [window("22:00", "06:00")], 1: [window("05:00", "12:00")]}, True),
        ({0: [window("22:00", "06:00")], 1: [window("06:00", "12:00")]}, False),
        ({6: [window("22:00", "06:00")], 0: [window("05:59", "12:00")]}, True),
        ({6: [window("22:00", "06:00")], 0: [window("06:00", "12:00")]}, False),
        ({day: [window("00:00", "24:00")] for day in range(7)}, False),
        ({day: [OpeningWindow(480, 1920)] for day in range(7)}, False),
    ],
)
def test_windows_overlap_past_midnight_and_from_sunday_to_monday(
    weekly: Mapping[int, list[OpeningWindow]], expected: bool
) -> None:
    assert overlapping(weekly) is expected


windows = st.builds(lambda o, n: OpeningWindow(o, o + n), st.integers(0, 1439), st.integers(1, 1440))


@given(st.dictionaries(st.integers(0, 6), st.lists(windows, max_size=2), max_size=4))
def test_windows_overlap_exactly_when_some_minute_of_the_week_is_open_twice(
    weekly: dict[int, list[OpeningWindow]],
) -> None:
    minutes = [(day * 1440 + m) % 10080 for day in weekly for w in weekly[day] for m in range(*w)]
    assert overlapping(weekly) == (len(minutes) > len(set(minutes)))


def test_openings_are_whole_however_little_of_them_is_asked_for() -> None:
    hours = daily(window("09:00", "14:00"), timezone="Europe/London")
    asked = between("2026-06-12T10:00", "2026-06-12T10:30")
    assert openings(hours, asked) == [between("2026-06-12T08:00", "2026-06-12T13:00")]


def test_an_opening_that_ends_where_the_question_starts_is_not_an_answer() -> None:
    hours = daily(window("09:00", "14:00"))
    assert openings(hours, between("2026-06-12T14:00", "2026-06-13T09:00")) == []
    assert openings(hours, between("2026-06-12T10:00", "2026-06-12T10:00")) == []


def test_adjoining_windows_stay_apart() -> None:
    hours = daily(window("12:00", "17:00"), window("09:00", "12:00"))
    assert opened(hours, FRIDAY) == [
        between("2026-03-06T09:00", "2026-03-06T12:00"),
        between("2026-03-06T12:00", "2026-03-06T17:00"),
    ]


def test_a_window_past_midnight_belongs_to_the_date_on_which_it_starts() -> None:
    night = daily(window("22:00", "06:00"))
    friday_night = between("2026-03-06T22:00", "2026-03-07T06:00")
    for closed in (
        daily(window("22:00", "06:00"), overrides={SATURDAY: ()}),
        daily(window("22:00", "06:00"), holidays=frozenset([SATURDAY])),
    ):
        assert opened(closed, SATURDAY) == [friday_night]
    assert opened(night, SATURDAY) == [friday_night, between("2026-03-07T22:00", "2026-03-08T06:00")]


def test_an_override_replaces_the_windows_of_its_date_also_on_a_holiday() -> None:
    other = {FRIDAY: (window("12:00", "13:00"),)}
    noon = [between("2026-03-06T12:00", "2026-03-06T13:00")]
    assert opened(daily(window("09:00", "17:00"), overrides=other), FRIDAY) == noon
    closed = daily(window("09:00", "17:00"), overrides=other, holidays=frozenset([FRIDAY]))
    assert opened(closed, FRIDAY) == noon
    assert opens_on(closed, FRIDAY)
    assert not closed.holiday_closes(FRIDAY)
    assert daily(window("09:00", "17:00"), holidays=frozenset([FRIDAY])).holiday_closes(FRIDAY)


def test_time_off_cuts_instants_also_past_midnight() -> None:
    hours = daily(window("22:00", "06:00"), time_off=(between("2026-03-07T01:00", "2026-03-07T02:00"),))
    assert openings(hours, between("2026-03-06T22:00", "2026-03-07T06:00")) == [
        between("2026-03-06T22:00", "2026-03-07T01:00"),
        between("2026-03-07T02:00", "2026-03-07T06:00"),
    ]


def test_a_day_has_opening_hours_if_time_off_leaves_any() -> None:
    hours = daily(window("09:00", "17:00"), time_off=(between("2026-03-06T09:00", "2026-03-07T16:59"),))
    assert not opens_on(hours, FRIDAY)
    assert opens_on(hours, SATURDAY)


def test_the_hours_of_a_service_are_intersected_and_do_not_split_a_shift_at_midnight() -> None:
    night, always = daily(window("22:00", "06:00")), dict.fromkeys(range(7), (window("00:00", "24:00"),))
    asked = between("2026-03-06T23:00", "2026-03-06T23:30")
    assert openings(night, asked, always) == openings(night, asked)
    assert openings(night, asked, {4: (window("23:15", "24:00"),)}) == [between("2026-03-06T23:15", "2026-03-07T00:00")]
    assert openings(night, asked, {}) == []


def test_a_shift_is_the_same_piece_however_late_in_it_is_asked() -> None:
    night, service = daily(window("20:00", "04:00")), dict.fromkeys(range(7), (OpeningWindow(1320, 2760),))
    late, whole = (
        between("2026-03-07T00:30", "2026-03-07T01:00"),
        between("2026-03-06T20:00", "2026-03-07T04:00"),
    )
    assert openings(night, late, service) == [whole]


def test_openings_are_sorted_by_start_even_where_windows_overlap_and_time_off_cuts_them() -> None:
    noon = between("2026-03-06T12:00", "2026-03-06T13:00")
    hours = daily(window("09:00", "17:00"), window("10:00", "11:00"), time_off=(noon,))
    assert opened(hours, FRIDAY) == [
        between("2026-03-06T09:00", "2026-03-06T12:00"),
        between("2026-03-06T10:00", "2026-03-06T11:00"),
        between("2026-03-06T13:00", "2026-03-06T17:00"),
    ]


@pytest.mark.parametrize(
    ("timezone", "day", "windows_", "expected"),
    [
        # 01:00-02:30 ends when the clocks jump; 02:15-02:45 is empty.
        ("America/New_York", "2026-03-08", ["01:00-02:30"], [("2026-03-08T06:00", "2026-03-08T07:00")]),
        ("America/New_York", "2026-03-08", ["02:15-02:45"], []),
        ("America/New_York", "2026-03-08", ["02:30-05:00"], [("2026-03-08T07:00", "2026-03-08T09:00")]),
        ("America/New_York", "2026-11-01", ["01:00-02:00"], [("2026-11-01T05:00", "2026-11-01T07:00")]),
        ("America/New_York", "2026-11-01", ["00:00-01:30"], [("2026-11-01T04:00", "2026-11-01T05:30")]),
        ("Europe/London", "2026-03-29", ["00:00-04:00"], [("2026-03-29T00:00", "2026-03-29T03:00")]),
        ("Europe/London", "2026-10-25", ["00:00-04:00"], [("2026-10-24T23:00", "2026-10-25T04:00")]),
        ("Australia/Lord_Howe", "2026-10-04", ["01:00-03:00"], [("2026-10-03T14:30", "2026-10-03T16:00")]),
        ("Australia/Lord_Howe", "2026-04-05", ["01:00-03:00"], [("2026-04-04T14:00", "2026-04-04T16:30")]),
        ("Pacific/Apia", "2011-12-29", ["22:00-02:00"], [("2011-12-30T08:00", "2011-12-30T10:00")]),
        ("Africa/Casablanca", "2025-04-06", ["01:00-04:00"], [("2025-04-06T01:00", "2025-04-06T03:00")]),
        ("Africa/Casablanca", "2025-02-23", ["01:00-04:00"], [("2025-02-23T00:00", "2025-02-23T04:00")]),
    ],
)
def test_windows_are_clipped_where_clocks_jump_and_lengthened_where_they_are_set_back(
    timezone: str, day: str, windows_: list[str], expected: list[tuple[str, str]]
) -> None:
    only = {date.fromisoformat(day): tuple(window(*text.split("-")) for text in windows_)}
    hours = daily(timezone=timezone, overrides=only)
    assert opened(hours, date.fromisoformat(day)) == [between(*pair) for pair in expected]


def test_a_skipped_day_has_no_opening_hours() -> None:
    assert not opens_on(daily(window("09:00", "17:00"), timezone="Pacific/Apia"), date(2011, 12, 30))


def test_nothing_is_open_outside_the_supported_years() -> None:
    hours = daily(window("00:00", "24:00"), timezone="Pacific/Kiritimati")
    ever = Interval(datetime.min.replace(tzinfo=UTC), SUPPORTED.start)
    assert openings(hours, ever) == []
    assert openings(hours, Interval(SUPPORTED.end, datetime.max.replace(tzinfo=UTC))) == []
    first_hour = Interval(ever.start, SUPPORTED.start + timedelta(hours=1))
    assert openings(hours, first_hour) != []
