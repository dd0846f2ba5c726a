"""Cases on opening hours and grids: slot-grid, notice, weekly-hours, interval-algebra, time-off, dst."""

from datetime import date, datetime, timedelta
from functools import reduce
from itertools import pairwise

from domain.scheduling.availability import SlotTerms, why_not
from domain.scheduling.interval import Interval, intersect, merge, subtract
from domain.scheduling.opening_hours import OpeningHours, openings, overlapping, window
from domain.scheduling.wallclock import local_date, zone
from tests.vectors import moves
from tests.vectors.case import (
    ALWAYS,
    SERVICE,
    Given,
    NotOurs,
    found,
    hours_of_windows,
    local_day,
    one_of,
    only,
    span,
    spans,
    utc,
    weekly_of,
)


def slot_grid(given: Given, expect: Given) -> None:
    only(given, "now viewer_tz free_windows step_min length_min notice_min grid_mode offset_min")
    if given.get("grid_mode", "aligned") != "aligned" or given.get("offset_min"):
        raise NotOurs("a packed or shifted grid")
    windows, now = spans(given["free_windows"]), utc(given["now"])
    hours, within = hours_of_windows(windows, given["viewer_tz"]), Interval(windows[0].start, windows[-1].end)
    notice = given.get("notice_min", 0)

    def offered(notice: int) -> list[datetime]:
        offer = SlotTerms(SERVICE, given["length_min"], given["step_min"], "clock", min_notice=notice)
        return found(offer, hours, within, now)

    if "property" in expect:
        one_of(expect["property"], "every start >= now + notice_min")
        earliest = now + timedelta(minutes=notice)
        assert offered(notice) == [start for start in offered(0) if start >= earliest]
        return
    only(expect, "count starts derived_starts")
    assert len(offered(notice)) == expect.get("count", len(offered(notice)))
    for starts in ("starts", "derived_starts"):
        assert offered(notice) == [utc(text) for text in expect.get(starts, map(str, offered(notice)))]


def notice(given: Given, expect: Given) -> None:
    if "free_windows" in given:
        slot_grid(given, expect)
    elif "window_local" in given:
        only(given, "window_local earliest_local step_min length_min")
        only(expect, "starts_local")
        first, last = map(utc, given["window_local"])
        offer = SlotTerms(SERVICE, given.get("length_min", given["step_min"]), given["step_min"])
        hours = hours_of_windows([Interval(first, last)], "UTC")
        offered = found(offer, hours, Interval(first, last), utc(given["earliest_local"]))
        assert offered == [utc(text) for text in expect["starts_local"]]
    elif given["action"] == "reschedule":
        moves.notice(given, expect)
    else:
        _create(given, expect)


def _create(given: Given, expect: Given) -> None:
    only(given, "action starts_in_h min_notice_h")
    one_of(given["action"], "create")
    only(expect, "command")
    now, offer = (
        utc("2026-06-01T09:00Z"),
        SlotTerms(SERVICE, 60, 5, min_notice=60 * given.get("min_notice_h", 0)),
    )
    against = [why_not(offer, ALWAYS, [], now + timedelta(hours=h), now) for h in given["starts_in_h"]]
    assert ("rejected" if any(against) else "accepted") == expect["command"]


def weekly_hours(given: Given, expect: Given) -> None:
    if "windows" in given:
        only(given, "windows length_min")
        only(expect, "valid")
        windows = [window(*text.split("-")) for text in given["windows"]]
        assert expect["valid"] is not overlapping({0: windows})
        return
    only(given, "host_tz weekly query date_overrides")
    only(expect, "windows last_window_date")
    overrides = {
        date.fromisoformat(day["date"]): tuple(window(w["from"], w["to"]) for w in day["windows"])
        for day in given.get("date_overrides", [])
    }
    opened = openings(OpeningHours(given["host_tz"], weekly_of(given["weekly"]), overrides, ()), span(given["query"]))
    if "windows" in expect:
        assert merge(opened) == spans(expect["windows"])
    if "last_window_date" in expect:
        assert local_date(opened[-1].start, zone(given["host_tz"])).isoformat() == expect["last_window_date"]


def interval_algebra(given: Given, expect: Given) -> None:
    only(given, "op base cuts sets")
    only(expect, "windows")
    one_of(given["op"], "subtract", "intersect", "merge")
    if given["op"] == "subtract":
        result = subtract(spans(given["base"]), spans(given["cuts"]))
    elif given["op"] == "intersect":
        result = reduce(intersect, map(spans, given["sets"]))
    else:
        result = merge(spans(given["base"]))
    assert result == spans(expect["windows"])


def time_off(given: Given, expect: Given) -> None:
    if "holiday" in given:
        _holiday(given, expect)
        return
    only(given, "now viewer_tz free_windows step_min length_min host_away")
    only(expect, "bookable away")
    tz = given["host_away"][0]["host_tz"]
    windows, now = spans(given["free_windows"]), utc(given["now"])
    hours, within = hours_of_windows(windows, tz), Interval(windows[0].start, windows[-1].end)
    away = tuple(local_day(off["date"], off["host_tz"]) for off in given["host_away"])
    offer = SlotTerms(SERVICE, given["length_min"], given["step_min"], "clock")
    every = found(offer, hours, within, now)
    left = found(offer, OpeningHours(tz, {}, hours.overrides, away), within, now)
    assert every
    assert left == {"none": [], "all": every}[expect["bookable"]]
    assert {"all": [], "none": every}[expect["away"]] == left


def _holiday(given: Given, expect: Given) -> None:
    only(given, "now host_tz weekly length_min step_min holiday query_date assignment holiday_on")
    one_of(given["assignment"], "single", "round_robin")
    only(expect, "starts")
    offer = SlotTerms(SERVICE, given["length_min"], given["step_min"], "clock")
    day, offered = local_day(given["query_date"], given["host_tz"]), set()
    for kept in given["holiday_on"].values():
        holidays = frozenset([date.fromisoformat(given["holiday"])] if kept else [])
        hours = OpeningHours(given["host_tz"], weekly_of(given["weekly"]), {}, (), holidays)
        offered |= set(found(offer, hours, day, utc(given["now"])))
    assert sorted(offered) == [utc(text) for text in expect["starts"]]


def dst(given: Given, expect: Given) -> None:
    """A plan of adjoining periods, all day long, looked at over the day of a viewer in another zone."""
    only(given, "plan_tz viewer_tz local_date periods")
    tz, day = given["viewer_tz"], local_day(given["local_date"], given["viewer_tz"])
    plan = tuple(window(*text.split("-")) for text in given.get("periods", ["00:00-24:00"]))
    periods = openings(OpeningHours(given["plan_tz"], dict.fromkeys(range(7), plan), {}, ()), day)
    assert all(earlier.end == later.start for earlier, later in pairwise(periods))
    only(expect, "period_count first_period_local last_period_local first_from_local last_to_local")
    if "period_count" in expect:
        assert len(periods) == expect["period_count"]
    for name, period in [("first_period_local", periods[0]), ("last_period_local", periods[-1])]:
        if name in expect:
            assert period == span(expect[name], tz)
    if "first_from_local" in expect:
        (covered,) = merge(intersect(periods, [day]))
        assert covered == span({"from": expect["first_from_local"], "to": expect["last_to_local"]}, tz)
