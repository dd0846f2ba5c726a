"""How the acceptance cases write times, hours and what is taken; `booking.json` explains its conventions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.scheduling.availability import Occupied, SlotTerms, starts
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow, openings, window
from domain.scheduling.wallclock import day_bounds, zone

Given = Mapping[str, Any]

SERVICE, OTHER = UUID(int=1), UUID(int=2)
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ALWAYS = OpeningHours("UTC", dict.fromkeys(range(7), (window("00:00", "24:00"),)), {}, ())
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
A_MONDAY = date(2026, 6, 1)


class NotOurs(Exception):
    """The case asks for something these functions do not have; no statement about right or wrong."""


def only(given: Given, fields: str) -> None:
    """Refuse a case with a field that would silently be left out."""
    if unknown := sorted(set(given) - set(fields.split())):
        raise NotOurs(f"knows nothing of {', '.join(unknown)}")


def one_of(value: str, *known: str) -> None:
    """Refuse a case with a value that would silently be taken for another."""
    if value not in known:
        raise NotOurs(f"knows nothing of {value}")


def utc(text: str, tz: str = "UTC") -> datetime:
    """An instant; without an offset it is on the clock of `tz`. 23:59:59 stands for midnight."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(tz))
    return moment.astimezone(UTC) + timedelta(seconds=moment.second == 59)


def span(item: Given, tz: str = "UTC") -> Interval:
    return Interval(utc(item["from"], tz), utc(item["to"], tz))


def spans(items: Iterable[Given]) -> list[Interval]:
    return [span(item) for item in items]


def weekly_of(rule: str | Iterable[Given]) -> dict[int, tuple[OpeningWindow, ...]]:
    """From '09:00-17:00 mon-fri', '09:00-17:00 daily', '09:00-17:00', or a list of days with from and to."""
    if isinstance(rule, str):
        clock, _, days = rule.partition(" ")
        from_, _, to = clock.partition("-")
        rule = [{"days": _days(days), "from": from_, "to": to}]
    weekly: dict[int, tuple[OpeningWindow, ...]] = {}
    for entry in rule:
        for day in map(WEEKDAYS.index, entry["days"]):
            weekly[day] = (*weekly.get(day, ()), window(entry["from"], entry["to"]))
    return weekly


def _days(text: str) -> list[str]:
    if text in {"", "daily"}:
        return WEEKDAYS
    first, _, last = text.partition("-")
    one_of(first, *WEEKDAYS)
    one_of(last, *WEEKDAYS)
    return WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1]


def hours_of_windows(windows: list[Interval], tz: str) -> OpeningHours:
    """The hours that open exactly in these stretches, each on the local date on which it starts."""
    overrides: dict[date, tuple[OpeningWindow, ...]] = {}
    for start, end in windows:
        opens, closes = start.astimezone(zone(tz)), end.astimezone(zone(tz))
        day, minute = opens.date(), opens.hour * 60 + opens.minute
        until = (closes.date() - day).days * 1440 + closes.hour * 60 + closes.minute
        overrides[day] = (*overrides.get(day, ()), OpeningWindow(minute, until))
    hours = OpeningHours(tz, {}, overrides, ())
    if windows and openings(hours, Interval(windows[0].start, windows[-1].end)) != windows:
        raise NotOurs("stretches that are no opening hours")
    return hours


def taken(stretch: Interval, after: int = 0, service: UUID = OTHER) -> Occupied:
    return Occupied(stretch.start, stretch.end + timedelta(minutes=after), service, stretch.start)


def found(
    offer: SlotTerms,
    hours: OpeningHours,
    within: Interval,
    now: datetime = LONG_AGO,
    occupied: Iterable[Occupied] = (),
) -> list[datetime]:
    """What Daybook offers."""
    return [start.start for start in starts(offer, hours, list(occupied), within, now)]


def local_day(text: str, tz: str) -> Interval:
    return day_bounds(date.fromisoformat(text), zone(tz))
