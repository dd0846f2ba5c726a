"""Cases on calendars with something in them: schedule, booking-window, buffers, overlap."""

from datetime import datetime, timedelta

from domain.scheduling.availability import BookingWindow, Occupied, SlotTerms, why_not
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow
from domain.scheduling.wallclock import zone
from tests.vectors.case import (
    A_MONDAY,
    ALWAYS,
    LONG_AGO,
    SERVICE,
    WEEKDAYS,
    Given,
    NotOurs,
    found,
    hours_of_windows,
    local_day,
    one_of,
    only,
    span,
    spans,
    taken,
    utc,
    weekly_of,
)

BUSY = {
    "accepted": True,
    "booked": True,
    "calendar": True,
    "pending": True,
    "cancelled": False,
    "rejected": False,
}


def schedule(given: Given, expect: Given) -> None:
    if "hosts" in given:
        _hosts(given, expect)
    elif "shift" in given:
        only(given, "local_date shift length_min step_min not_before busy")
        _one_day(given, expect, [given["shift"]], given["local_date"])
    else:
        only(given, "weekly day length_min step_min")
        day = A_MONDAY + timedelta(days=WEEKDAYS.index(given["day"]))
        windows = weekly_of(given["weekly"]).get(day.weekday(), ())
        spoken = [f"{w.opens // 60:02}:{w.opens % 60:02}-{w.closes // 60:02}:{w.closes % 60:02}" for w in windows]
        _one_day(given, expect, spoken, day.isoformat())


def _one_day(given: Given, expect: Given, shifts: list[str], day: str) -> None:
    only(expect, "starts_local")
    hours = hours_of_windows([_on(day, shift) for shift in shifts], "UTC")
    offer = SlotTerms(SERVICE, given.get("length_min", given["step_min"]), given["step_min"])
    now = utc(f"{day}T{given['not_before']}") if "not_before" in given else LONG_AGO
    busy = [taken(_on(day, text)) for text in given.get("busy", [])]
    expected = [utc(text if "T" in text else f"{day}T{text}") for text in expect["starts_local"]]
    assert found(offer, hours, local_day(day, "UTC"), now, busy) == expected


def _on(day: str, text: str) -> Interval:
    from_, to = text.split("-")
    return span({"from": f"{day}T{from_}", "to": f"{day}T{to}"})


def _hosts(given: Given, expect: Given) -> None:
    only(given, "now viewer_tz query_date service hosts rules")
    service, rules = given["service"], given.get("rules", {})
    only(service, "length_min assignment step_min notice_min")
    only(rules, "service_hours")
    one_of(service["assignment"], "single", "round_robin")
    only(expect, "starts")
    offer = SlotTerms(
        SERVICE,
        service["length_min"],
        service["step_min"],
        "clock",
        min_notice=service.get("notice_min", 0),
        service_hours=_service_hours(rules.get("service_hours")),
    )
    day, offered = local_day(given["query_date"], given["viewer_tz"]), set[datetime]()
    for host in given["hosts"]:
        only(host, "id tz weekly busy days_off")
        one_of(rules.get("service_hours", host)["tz"], host["tz"])
        off = tuple(local_day(text, host["tz"]) for text in host.get("days_off", []))
        hours = OpeningHours(host["tz"], weekly_of(host["weekly"]), {}, off)
        offered |= set(found(offer, hours, day, utc(given["now"]), _busy(host)))
    assert sorted(offered) == [utc(text) for text in expect["starts"]]


def _service_hours(rule: Given | None) -> dict[int, tuple[OpeningWindow, ...]] | None:
    return None if rule is None else weekly_of(f"{rule['from']}-{rule['to']}")


def _busy(given: Given) -> list[Occupied]:
    for item in given.get("busy", []):
        one_of(item.get("kind", "booked"), *BUSY)
    return [taken(span(item)) for item in given.get("busy", []) if BUSY[item.get("kind", "booked")]]


def booking_window(given: Given, expect: Given) -> None:
    only(given, "host_tz hours_local length_min step_min window viewer_tz now busy")
    only(expect, "starts_by_local_date")
    offer = SlotTerms(SERVICE, given["length_min"], given["step_min"], "clock", window=_window(given["window"]))
    hours = OpeningHours(given["host_tz"], weekly_of(given["hours_local"]), {}, ())
    for text, expected in expect["starts_by_local_date"].items():
        day = local_day(text, given["viewer_tz"])
        assert found(offer, hours, day, utc(given["now"]), _busy(given)) == [utc(start) for start in expected], text


def _window(rule: Given) -> BookingWindow:
    if rule["kind"] == "rolling" and rule["unit"] == "calendar":
        return BookingWindow("rolling", rule["days"] + 1)  # they count from tomorrow, Daybook from today
    raise NotOurs(f"a window that is {rule['kind']}, in {rule.get('unit')} days")


def clashes(given: Given, expect: Given) -> None:
    if "new" in given:
        _new_booking(given, expect)
        return
    only(given, "starts_local step_min length_min gap_min busy_local")
    only(expect, "starts_local contains excludes")
    day, gap = A_MONDAY.isoformat(), given.get("gap_min", 0)
    offer = SlotTerms(SERVICE, given.get("length_min", given["step_min"]), given["step_min"], buffer_after=gap)
    grid = [utc(f"{day}T{text}") for text in given["starts_local"]]
    hours = hours_of_windows([Interval(grid[0], grid[-1] + offer.length)], "UTC")
    busy = [taken(_on(day, text), after=gap) for text in given["busy_local"]]
    assert found(offer, hours, local_day(day, "UTC")) == grid
    offered = [
        f"{start.astimezone(zone('UTC')):%H:%M}" for start in found(offer, hours, local_day(day, "UTC"), occupied=busy)
    ]
    assert offered == expect.get("starts_local", offered)
    assert set(expect.get("contains", [])) <= set(offered)
    assert not set(expect.get("excludes", [])) & set(offered)


def _new_booking(given: Given, expect: Given) -> None:
    """One calendar for each resource; the gap between two bookings is what the earlier one occupies after."""
    only(given, "new existing buffer_min")
    only(expect, "new_booking waitlist_offer")
    new, refused = span(given["new"]), False
    for resource in _resources(given["new"]):
        gap = _gap(given.get("buffer_min", 0), resource)
        others = [other for other in given["existing"] if resource in _resources(other)]
        occupied = [taken(stretch, after=gap) for stretch in spans(others)]
        length = (new.end - new.start) // timedelta(minutes=1)
        offer = SlotTerms(SERVICE, length, 1, buffer_after=gap)
        refused |= why_not(offer, ALWAYS, occupied, new.start, LONG_AGO) is not None
    assert ("rejected" if refused else "accepted") == expect["new_booking"]


def _resources(booking: Given) -> list[str]:
    return booking["resource"] if isinstance(booking["resource"], list) else [booking["resource"]]


def _gap(rule: int | Given, resource: str) -> int:
    return rule if isinstance(rule, int) else rule.get(resource, 0)
