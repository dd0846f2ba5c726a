"""Quiet hours: when they end, on ordinary nights and on those when clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from application.notifications.quiet_hours import QuietHours

BERLIN, NEW_YORK, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia")
NIGHT = QuietHours(21 * 60, 8 * 60)


def utc(told: str) -> datetime:
    return datetime.fromisoformat(told).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-06-01T18:59:59", None),  # 20:59:59
        ("2026-06-01T19:00", "2026-06-02T06:00"),
        ("2026-06-02T05:59:59", "2026-06-02T06:00"),
        ("2026-06-02T06:00", None),
        ("2026-10-24T22:30", "2026-10-25T07:00"),  # an hour longer
        ("2026-10-25T06:30", "2026-10-25T07:00"),  # 07:30, winter time
        ("2026-10-25T07:00", None),
        ("2026-10-25T19:30", None),  # 20:30
        ("2026-10-25T20:00", "2026-10-26T07:00"),
        ("2026-03-28T22:30", "2026-03-29T06:00"),  # an hour shorter
    ],
)
def test_they_end_when_the_clock_says_so(now: str, end: str | None) -> None:
    assert NIGHT.end(utc(now), BERLIN) == (end and utc(end))


def test_they_are_those_of_the_zone() -> None:
    assert NIGHT.end(utc("2026-11-01T06:30"), NEW_YORK) == utc("2026-11-01T13:00")
    assert NIGHT.end(utc("2026-06-01T20:00"), NEW_YORK) is None


def test_within_a_day_they_are_from_to() -> None:
    noon = QuietHours(12 * 60, 13 * 60)
    assert noon.end(utc("2026-06-01T10:30"), BERLIN) == utc("2026-06-01T11:00")
    assert noon.end(utc("2026-06-01T11:00"), BERLIN) is None


def test_an_end_that_the_clock_skips_is_the_change() -> None:
    assert QuietHours(21 * 60, 150).end(utc("2026-03-29T00:30"), BERLIN) == utc("2026-03-29T01:00")


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, APIA], ids=str)
@pytest.mark.parametrize("hours", [NIGHT, QuietHours(135, 165), QuietHours(60, 150), QuietHours(150, 60)])
def test_nobody_is_put_off_twice(zone: ZoneInfo, hours: QuietHours) -> None:
    """An end lies ahead, and it is not quiet then: whatever the clocks do meanwhile."""
    for start in ("2026-03-07", "2026-03-28", "2026-10-24", "2026-10-31", "2011-12-29"):
        moments = [utc(start) + timedelta(minutes=10 * n) for n in range(3 * 144)]
        ends = [hours.end(moment, zone) for moment in moments]
        for moment, end in zip(moments, ends, strict=True):
            assert end is None or moment < end
            # Only where a whole day is skipped does one night adjoin the next.
            assert end is None or zone is APIA or hours.end(end, zone) is None
        known = [end for end in ends if end is not None]
        assert all(one <= other for one, other in pairwise(known))


def test_they_are_read_as_an_operator_writes_them() -> None:
    assert QuietHours.read("21:00-08:00") == NIGHT
    assert QuietHours.read("") is None


@pytest.mark.parametrize(
    "told",
    ["21-8", "21:00", "24:00-08:00", "21:60-08:00", "08:00-08:00", "a:b-c:d", "-1:00-08:00", "²1:00-8"],
)
def test_what_is_no_such_thing_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="quiet hours"):
        QuietHours.read(told)
