"""Which starts are offered, rule by rule; `test_availability_properties` holds them against any week."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.scheduling.availability import (
    BookingWindow,
    Occupied,
    Rule,
    SlotTerms,
    bookable,
    candidates,
    starts,
    why_not,
)
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, window
from domain.scheduling.wallclock import SUPPORTED, day_bounds, zone

HAIRCUT, SHAVE = UUID(int=1), UUID(int=2)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MONDAY = date(2026, 6, 1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(clock: str) -> datetime:
    return utc(f"{MONDAY}T{clock}")


def open_daily(*spans: str, timezone: str = "UTC", **rules: Any) -> OpeningHours:
    windows = tuple(window(*span.split("-")) for span in spans)
    return OpeningHours(
        timezone, dict.fromkeys(range(7), windows), rules.pop("overrides", {}), **{"time_off": ()} | rules
    )


def haircut(duration: int = 60, step: int | None = None, **terms: Any) -> SlotTerms:
    return SlotTerms(HAIRCUT, duration, step or duration, **terms)


def booked(clock: str, duration: int = 60, service: UUID = HAIRCUT, buffers: tuple[int, int] = (0, 0)) -> Occupied:
    start = at(clock)
    since, until = start - timedelta(minutes=buffers[0]), start + timedelta(minutes=duration + buffers[1])
    return Occupied(since, until, service, start)


def offered(offer: SlotTerms, hours: OpeningHours, *occupied: Occupied, day: date = MONDAY) -> list[str]:
    """The starts of a day as they look on the clock of the calendar's zone."""
    tz = zone(hours.timezone)
    found = starts(offer, hours, occupied, day_bounds(day, tz), LONG_AGO)
    return [f"{start.start.astimezone(tz):%H:%M}" for start in found]


def refused(
    offer: SlotTerms, hours: OpeningHours, clock: str, *occupied: Occupied, now: datetime = LONG_AGO
) -> Rule | None:
    return why_not(offer, hours, occupied, at(clock), now)


MORNING = open_daily("09:00-12:00")


class TestGrid:
    def test_starts_lie_every_step_as_long_as_the_service_fits(self) -> None:
        assert offered(haircut(), MORNING) == ["09:00", "10:00", "11:00"]
        assert offered(haircut(90, 30), MORNING) == ["09:00", "09:30", "10:00", "10:30"]

    def test_a_service_longer_than_the_opening_never_starts(self) -> None:
        assert offered(haircut(181, 5), MORNING) == []

    def test_every_opening_has_its_own_grid(self) -> None:
        assert offered(haircut(), open_daily("09:00-10:30", "13:10-15:10")) == ["09:00", "13:10", "14:10"]

    def test_adjoining_openings_count_as_one_for_fitting_and_each_starts_its_grid(self) -> None:
        hours = open_daily("09:00-12:15", "12:15-14:00")
        assert offered(haircut(), hours) == ["09:00", "10:00", "11:00", "12:00", "12:15"]

    def test_a_start_may_run_on_past_the_end_of_the_question_into_an_adjoining_opening(self) -> None:
        assert offered(haircut(60, 30), open_daily("00:00-24:00"))[-1] == "23:30"

    def test_an_opening_past_midnight_keeps_its_grid(self) -> None:
        hours = open_daily("22:20-01:30")
        assert offered(haircut(), hours) == ["00:20", "22:20", "23:20"]

    def test_a_booking_in_the_middle_does_not_shift_the_grid(self) -> None:
        assert offered(haircut(), open_daily("09:00-13:00"), booked("10:15", 30)) == [
            "09:00",
            "11:00",
            "12:00",
        ]

    def test_time_off_in_the_middle_starts_a_new_grid(self) -> None:
        hours = open_daily("09:00-13:00", time_off=(Interval(at("10:00"), at("10:20")),))
        assert offered(haircut(), hours) == ["09:00", "10:20", "11:20"]

    @pytest.mark.parametrize(
        ("step", "first"),
        [
            (120, "10:00"),
            (60, "10:00"),
            (90, "09:30"),
            (40, "09:20"),
            (45, "09:15"),
            (25, "09:10"),
            (8, "09:07"),
        ],
    )
    def test_on_the_clock_the_first_start_is_the_next_round_time_that_divides_the_step(
        self, step: int, first: str
    ) -> None:
        hours = open_daily("09:07-17:00", timezone="Asia/Kolkata")
        assert offered(haircut(step, align="clock"), hours)[0] == first

    def test_on_the_clock_a_round_time_that_is_skipped_gives_way_to_the_next(self) -> None:
        hours = open_daily("01:40-05:00", timezone="Australia/Lord_Howe")  # 02:00 becomes 02:30
        day = date(2026, 10, 4)
        assert offered(haircut(align="clock"), hours, day=day) == ["03:00", "04:00"]

    def test_overlapping_openings_offer_each_start_once(self) -> None:
        hours = open_daily("09:00-12:00", "10:00-13:00", "09:00-12:00")
        assert offered(haircut(), hours) == ["09:00", "10:00", "11:00", "12:00"]

    @pytest.mark.parametrize(
        ("timezone", "day", "step", "count"),
        [
            ("America/New_York", "2026-03-08", 60, 23),
            ("America/New_York", "2026-11-01", 60, 25),
            ("Europe/London", "2026-03-29", 60, 23),
            ("Europe/London", "2026-10-25", 60, 25),
            ("Australia/Lord_Howe", "2026-10-04", 30, 47),
            ("Australia/Lord_Howe", "2026-04-05", 30, 49),
            ("Pacific/Apia", "2011-12-29", 60, 24),
            ("Pacific/Apia", "2011-12-30", 60, 0),
            ("Africa/Casablanca", "2025-04-06", 60, 23),
            ("Africa/Casablanca", "2025-02-23", 60, 25),
        ],
    )
    def test_a_day_has_as_many_starts_as_really_fit(self, timezone: str, day: str, step: int, count: int) -> None:
        hours = open_daily("00:00-24:00", timezone=timezone)
        assert len(offered(haircut(step), hours, day=date.fromisoformat(day))) == count


class TestOccupied:
    def test_touching_is_free(self) -> None:
        assert offered(haircut(), MORNING, booked("10:00")) == ["09:00", "11:00"]

    def test_both_appointments_keep_their_buffers(self) -> None:
        tight = haircut(30, 15, buffer_before=10, buffer_after=5)
        # 11:00 needs 10:50 on, and the other occupies 10:00 to 10:45 with its own buffers.
        assert offered(tight, MORNING, booked("10:05", 30, SHAVE, buffers=(5, 10))) == [
            *("09:00", "09:15", "11:00", "11:15", "11:30")
        ]

    def test_buffers_need_not_lie_inside_opening_hours(self) -> None:
        assert offered(haircut(buffer_before=30, buffer_after=30), MORNING) == ["09:00", "10:00", "11:00"]

    def test_a_group_shares_a_start_until_its_seats_are_taken(self) -> None:
        yoga = haircut(capacity=3)
        others = [booked("10:00"), booked("10:00")]
        found = starts(yoga, MORNING, others, day_bounds(MONDAY, zone("UTC")), LONG_AGO)
        assert [(f"{s.start:%H:%M}", f"{s.end:%H:%M}", s.seats_left) for s in found] == [
            ("09:00", "10:00", 3),
            ("10:00", "11:00", 1),
            ("11:00", "12:00", 3),
        ]
        assert offered(yoga, MORNING, *others, booked("10:00")) == ["09:00", "11:00"]

    def test_different_starts_of_one_group_service_exclude_each_other(self) -> None:
        yoga = haircut(60, 30, capacity=3)
        assert offered(yoga, MORNING, booked("10:00")) == ["09:00", "10:00", "11:00"]
        assert refused(yoga, MORNING, "10:30", booked("10:00")) is Rule.TAKEN

    def test_another_service_at_the_same_start_excludes_a_group(self) -> None:
        yoga = haircut(capacity=3)
        assert offered(yoga, MORNING, booked("10:00"), booked("10:00", 60, SHAVE)) == ["09:00", "11:00"]

    def test_an_empty_stretch_occupies_nothing(self) -> None:
        assert offered(haircut(), MORNING, booked("10:30", 0)) == ["09:00", "10:00", "11:00"]


class TestRules:
    @pytest.mark.parametrize(
        ("clock", "rule"),
        [
            ("09:00", Rule.PAST),
            ("10:00", Rule.NOTICE),
            ("10:30", None),
            ("10:45", Rule.GRID),
            ("11:00", Rule.TAKEN),
            ("12:30", Rule.FULL),
            ("13:30", Rule.TIME_OFF),
            ("14:00", Rule.TIME_OFF),
            ("15:00", None),
            ("15:45", Rule.CLOSED),
            ("16:00", Rule.CLOSED),
        ],
    )
    def test_the_rule_against_a_start_has_a_name(self, clock: str, rule: Rule | None) -> None:
        hours = open_daily("09:00-16:00", time_off=(Interval(at("14:00"), at("14:30")),))
        yoga = haircut(60, 30, capacity=2, min_notice=60)
        others = [booked("11:30", 30, SHAVE), booked("12:30"), booked("12:30")]
        assert refused(yoga, hours, clock, *others, now=at("09:30")) is rule

    def test_a_start_outside_the_booking_window_is_refused_by_it(self) -> None:
        only_sunday = haircut(window=BookingWindow("fixed", last=MONDAY - timedelta(days=1)))
        assert refused(only_sunday, MORNING, "10:00") is Rule.WINDOW

    def test_with_no_notice_a_start_right_now_is_offered_and_one_a_moment_ago_is_not(self) -> None:
        assert refused(haircut(), MORNING, "10:00", now=at("10:00")) is None
        assert refused(haircut(), MORNING, "10:00", now=at("10:00") + datetime.resolution) is Rule.PAST

    def test_a_start_exactly_at_the_notice_is_offered(self) -> None:
        assert refused(haircut(min_notice=90), MORNING, "10:00", now=at("08:30")) is None
        assert refused(haircut(min_notice=90), MORNING, "10:00", now=at("08:31")) is Rule.NOTICE

    def test_the_hours_of_a_service_narrow_those_of_the_calendar(self) -> None:
        late = haircut(service_hours={0: (window("10:30", "20:00"),)})
        assert offered(late, MORNING) == ["10:30"]
        assert offered(late, MORNING, day=MONDAY + timedelta(days=1)) == []
        assert refused(late, MORNING, "09:00") is Rule.CLOSED

    @pytest.mark.parametrize("kind", ["rolling", "business"])
    def test_a_moving_window_of_one_day_offers_today_only(self, kind: Any) -> None:
        today_only, now = haircut(window=BookingWindow(kind, 1)), at("09:30")
        week = Interval(now, now + timedelta(days=7))
        assert [s.start for s in starts(today_only, MORNING, [], week, now)] == [at("10:00"), at("11:00")]

    def test_what_is_bookable_filters_what_was_kept_for_later(self) -> None:
        offer, week = (
            haircut(min_notice=30, window=BookingWindow("rolling", 2)),
            day_bounds(MONDAY, zone("UTC")),
        )
        for now in (at("00:00"), at("09:30"), at("11:45")):
            first, end = bookable(offer, MORNING, now)
            kept = [start for start in candidates(offer, MORNING, [], week) if first <= start.start < end]
            assert kept == starts(offer, MORNING, [], week, now)


def test_a_question_about_all_time_ends_with_the_supported_years() -> None:
    ever = Interval(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    last_day = {date(2199, 12, 31): (window("22:00", "24:00"),), date.max: (window("09:00", "17:00"),)}
    found = starts(haircut(), OpeningHours("UTC", {}, last_day, ()), [], ever, SUPPORTED.end - timedelta(days=2))
    assert [start.start for start in found] == [utc("2199-12-31T22:00"), utc("2199-12-31T23:00")]
    for start in ever:
        assert why_not(haircut(), MORNING, [], start, LONG_AGO) in {Rule.PAST, Rule.WINDOW}


@pytest.mark.parametrize(
    "senseless",
    [
        lambda: haircut(0, 5),
        lambda: SlotTerms(HAIRCUT, 60, 0),
        lambda: haircut(capacity=0),
        lambda: haircut(buffer_before=-1),
        lambda: haircut(buffer_after=-1),
        lambda: haircut(min_notice=-1),
    ],
)
def test_senseless_terms_are_refused(senseless: Callable[[], SlotTerms]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|not negative"):
        senseless()
