"""A month of opening hours: what is special on each of its dates."""

import re
from calendar import Calendar
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.scheduling.wallclock import local_date, zone
from interfaces.admin.hours.change import text_of
from interfaces.http.scheduling.opening_hours import DAYS

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def first_of(text: str, today: date) -> date:
    """The first day of a month such as 2027-03; of this month for any other text."""
    return date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else today.replace(day=1)


def month_of(
    first: date, schedule: Mapping[str, Any], holidays: Mapping[str, str], chosen: str
) -> Sequence[Sequence[Mapping[str, Any]]]:
    """The weeks of a month, Monday first; a day: date, hours as text, and whether they are special."""
    off = _days_off(schedule)
    return [
        [
            {
                **_day(day, schedule, holidays),
                "inside": day.month == first.month,
                "off": off.get(day, ""),
                "chosen": day.isoformat() == chosen,
            }
            for day in week
        ]
        for week in Calendar().monthdatescalendar(first.year, first.month)
    ]


def _day(day: date, schedule: Mapping[str, Any], holidays: Mapping[str, str]) -> Mapping[str, Any]:
    text = day.isoformat()
    override = next((each["hours"] for each in schedule["overrides"] if each["date"] == text), None)
    weekly = [each for each in schedule["weekly"] if each["day"] == DAYS[day.weekday()]]
    special = "holiday" if override is None and text in holidays else "" if override is None else "override"
    hours = override if override is not None else [] if special else weekly
    return {
        "date": text,
        "number": day.day,
        "hours": text_of(hours),
        "special": special,
        "holiday": holidays.get(text, ""),
    }


def _days_off(schedule: Mapping[str, Any]) -> Mapping[date, str]:
    """The dates that time off touches, with its reason."""
    tz, found = zone(schedule["timezone"]), {}
    for each in schedule["time_off"]:
        start, end = (datetime.fromisoformat(each[name]).astimezone(UTC) for name in ("start", "end"))
        day, last = local_date(start, tz), local_date(end - timedelta(microseconds=1), tz)
        for number in range(min((last - day).days, 366) + 1):
            found[day + timedelta(days=number)] = each["reason"] or "–"  # noqa: RUF001  a dash
    return found
