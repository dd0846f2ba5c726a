"""Wall time on ordinary days, on the days clocks change, and at the edges of the calendar."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import (
    SUPPORTED,
    UnknownZone,
    UnsupportedTime,
    day_bounds,
    instant,
    local_date,
    week_bounds,
    zone,
)

CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Africa/Casablanca", date(2025, 2, 23)),
    ("Africa/Casablanca", date(2025, 4, 6)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight itself is skipped
    ("America/Havana", date(2025, 11, 2)),  # midnight itself happens twice
    ("America/St_Johns", date(2010, 11, 7)),  # set back across midnight
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day", "clock", "expected"),
    [
        ("America/New_York", "2026-03-08", "01:59", "2026-03-08T06:59"),
        ("America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "03:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "03:01", "2026-03-08T07:01"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01", "02:00", "2026-11-01T07:00"),
        ("Europe/London", "2026-03-29", "01:30", "2026-03-29T01:00"),
        ("Europe/London", "2026-10-25", "01:30", "2026-10-25T00:30"),
        ("Europe/London", "2026-10-25", "02:00", "2026-10-25T02:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-04", "02:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45"),
        ("Australia/Lord_Howe", "2026-04-05", "02:00", "2026-04-04T15:30"),
        ("Pacific/Apia", "2011-12-29", "23:59", "2011-12-30T09:59"),
        ("Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30", "17:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "09:00", "2011-12-30T19:00"),
        ("Africa/Casablanca", "2025-02-23", "02:30", "2025-02-23T01:30"),
        ("Africa/Casablanca", "2025-02-23", "03:00", "2025-02-23T03:00"),
        ("Africa/Casablanca", "2025-04-06", "02:30", "2025-04-06T02:00"),
        ("Africa/Casablanca", "2025-04-06", "03:00", "2025-04-06T02:00"),
    ],
)
def test_a_skipped_time_is_the_end_of_the_gap_and_a_time_that_happens_twice_is_its_first(
    name: str, day: str, clock: str, expected: str
) -> None:
    hour, minute = map(int, clock.split(":"))
    assert instant(date.fromisoformat(day), hour * 60 + minute, zone(name)) == utc(expected)


def test_past_midnight_is_the_wall_time_of_the_next_date() -> None:
    new_york = zone("America/New_York")
    assert instant(date(2026, 3, 7), 1440 + 4 * 60, new_york) == utc("2026-03-08T08:00")  # 04:00 summer time
    assert instant(date(2026, 3, 7), 2880, new_york) == utc("2026-03-09T04:00")


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Europe/London", "2026-03-29", 23),
        ("Europe/London", "2026-10-25", 25),
        ("Europe/London", "2026-10-26", 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
        ("Africa/Casablanca", "2025-02-23", 25),
        ("Africa/Casablanca", "2025-04-06", 23),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Havana", "2025-11-02", 25),
    ],
)
def test_a_day_is_as_long_as_its_clock_changes_make_it(name: str, day: str, hours: float) -> None:
    start, end = day_bounds(date.fromisoformat(day), zone(name))
    assert end - start == timedelta(hours=hours)


def test_a_day_starts_when_the_skipped_midnight_ends() -> None:
    assert day_bounds(date(2018, 11, 4), zone("America/Sao_Paulo")).start == utc("2018-11-04T03:00")


@pytest.mark.fault(17)
@given(st.sampled_from(CHANGES), st.integers(-2, 2), st.integers(0, 2880))
def test_an_instant_is_the_first_minute_at_which_the_clock_shows_that_time_or_later(
    change: tuple[str, date], days: int, minute: int
) -> None:
    tz, day = zone(change[0]), change[1] + timedelta(days=days)
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    moment = wall.replace(tzinfo=UTC) - timedelta(hours=15)  # no zone is further ahead
    while moment.astimezone(tz).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    assert instant(day, minute, tz) == moment


@given(st.sampled_from(CHANGES), st.integers(-2, 2))
def test_days_adjoin_without_gap_or_overlap(change: tuple[str, date], days: int) -> None:
    tz, day = zone(change[0]), change[1] + timedelta(days=days)
    today, tomorrow = day_bounds(day, tz), day_bounds(day + timedelta(days=1), tz)
    assert today.start <= today.end == tomorrow.start


@given(st.sampled_from(CHANGES[:-1]), st.integers(-2 * 1440, 2 * 1440))
def test_an_instant_lies_within_the_day_of_its_local_date(change: tuple[str, date], minutes: int) -> None:
    tz = zone(change[0])
    moment = day_bounds(change[1], tz).start + timedelta(minutes=minutes)
    bounds = day_bounds(local_date(moment, tz), tz)
    assert bounds.start <= moment < bounds.end


def test_the_local_date_is_that_of_the_zone() -> None:
    assert local_date(utc("2026-03-02T23:30"), zone("Asia/Tokyo")) == date(2026, 3, 3)
    assert local_date(utc("2026-03-02T03:30"), zone("America/New_York")) == date(2026, 3, 1)


@pytest.mark.parametrize("name", ["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_zone_goes_by_its_iana_name(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize("name", ["", " ", ".", "/", "../etc", "../etc/passwd", "/etc/passwd", "localtime"])
@pytest.mark.parametrize("prefix", ["", "Europe/", "Europe/Paris\0", "posix/", "right/", "\0", "\ud800", "x" * 1000])
def test_odd_paths_are_unknown_zones(prefix: str, name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(prefix + name)


@pytest.mark.parametrize("name", ["europe/paris", "EDT", "UTC+1", "Factory", "posixrules", "right/UTC", "tzdata.zi"])
def test_any_other_name_is_an_unknown_zone(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


@given(st.text(max_size=40))
def test_no_name_fails_in_another_way(name: str) -> None:
    with suppress(UnknownZone):
        assert zone(name).key == name


@pytest.mark.parametrize("day", [date.min, date(1969, 1, 1), date(2200, 6, 1), date.max])
def test_a_date_outside_the_supported_years_is_refused_by_name(day: date) -> None:
    for tz in (zone("Pacific/Kiritimati"), zone("Pacific/Pago_Pago")):
        with pytest.raises(UnsupportedTime):
            instant(day, 0, tz)
        with pytest.raises(UnsupportedTime):
            day_bounds(day, tz)
    with pytest.raises(UnsupportedTime):
        instant(date(2026, 3, 2), 2881, zone("UTC"))


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_an_instant_outside_the_supported_years_is_refused_by_name(moment: datetime) -> None:
    for tz in (zone("Pacific/Kiritimati"), zone("Pacific/Pago_Pago")):
        with pytest.raises(UnsupportedTime):
            local_date(moment, tz)


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Monrovia"])
def test_the_days_at_both_ends_of_the_supported_years_resolve_in_every_zone(name: str) -> None:
    tz = zone(name)
    for edge in SUPPORTED:
        day = local_date(edge, tz)
        assert day_bounds(day, tz).start <= edge < day_bounds(day, tz).end
        assert isinstance(day_bounds(day, tz), Interval)


@given(st.sampled_from(CHANGES[:-1]), st.integers(-8 * 1440, 8 * 1440))
def test_a_week_is_seven_local_days_from_monday_on(change: tuple[str, date], minutes: int) -> None:
    tz = zone(change[0])
    moment = day_bounds(change[1], tz).start + timedelta(minutes=minutes)
    week = week_bounds(moment, tz)
    monday, sunday = local_date(week.start, tz), local_date(week.end - timedelta(seconds=1), tz)
    assert (monday.weekday(), sunday) == (0, monday + timedelta(days=6))
    assert week.start <= moment < week.end
