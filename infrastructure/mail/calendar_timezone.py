"""A time zone as calendars describe it (VTIMEZONE, RFC 5545): the changes of its offset around a date.

The icalendar library makes such descriptions too, but misses some changes, such as those of Morocco around Ramadan, and
writes others as clocks show them afterwards. RFC 5545, 3.6.5, wants each in the offset before the change.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class _Change(NamedTuple):
    """`local`: as clocks show the change before it."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str
    saves_daylight: bool


def timezone_of(zone: ZoneInfo, first: datetime, last: datetime) -> Timezone:
    """The zone between two instants, on the process's tzdata."""
    described = Timezone()
    described.add("tzid", zone.key)
    for change in _changes(zone, first, last):
        part = TimezoneDaylight() if change.saves_daylight else TimezoneStandard()
        part.add("dtstart", change.local)
        part.add("tzoffsetfrom", change.before)
        part.add("tzoffsetto", change.after)
        part.add("tzname", change.name)
        described.add_component(part)
    return described


@lru_cache(maxsize=256)
def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> tuple[_Change, ...]:
    return (_change(first, zone), *(_change(each, zone) for each in _instants(zone, first, last)))


def _change(instant: datetime, zone: ZoneInfo) -> _Change:
    """The change at an instant; the beginning of the description counts as one."""
    before = _offset(instant - _SECOND, zone)
    there = instant.astimezone(zone)
    return _Change(
        (instant + before).replace(tzinfo=None),
        before,
        _offset(instant, zone),
        there.tzname() or "",
        bool(there.dst()),
    )


def _instants(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The instants at which the offset changes, to the second."""
    day = first
    while day < last:
        low, high = day, day + _DAY
        if (before := _offset(low, zone)) != _offset(high, zone):
            while high - low > _SECOND:
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            yield high
        day += _DAY


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(UTC).astimezone(zone).utcoffset() or timedelta(0)
