"""Local time to instants: the only resolver of wall-clock times.

The package `tzdata`, which `uv.lock` pins, decides: files of the machine may be older. So importing this module
empties the search path of zoneinfo.

`SUPPORTED` are the instants Daybook plans in, 1970 to 2199. Dates up to a month outside it still
resolve, so that a window or a day across its ends does; others raise UnsupportedTime.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

from domain.scheduling.interval import Interval

reset_tzpath(to=())
ZoneInfo.clear_cache()  # a library may have read one from the machine

SUPPORTED = Interval(datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))

_MONTH = timedelta(days=31)
_PLANNABLE = Interval(SUPPORTED.start - _MONTH, SUPPORTED.end + _MONTH)
_FIRST_DATE, _LAST_DATE = _PLANNABLE.start.date(), _PLANNABLE.end.date()
_SECOND = timedelta(seconds=1)
# Files of the time zone database that name no zone: the setting of this machine, and "not set".
_PLACELESS = {"localtime", "Factory"}


class UnknownZone(ValueError):
    """Unknown IANA time zone."""


class UnsupportedTime(ValueError):
    """This time lies outside the years 1970 to 2199."""


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as 'Europe/Paris' or 'UTC'; raises UnknownZone for anything else."""
    if name not in _names():
        raise UnknownZone(name[:64])
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - _PLACELESS | {"UTC"})


def nearest_zone(name: str) -> str | None:
    """The zone whose place is written most like the name; None if none is near."""
    place = name.rpartition("/")[2][:50].casefold().replace(" ", "_")
    known = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(_names(), reverse=True)}
    if place in known:
        return known[place]
    near = get_close_matches(place, [each for each in known if each[:1] == place[:1]], n=1, cutoff=0.75)
    return known[near[0]] if near else None


def instant(day: date, minute: int, tz: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which clocks in `tz` show that minute (0 to 2880) of `day`, or later.

    A time that a clock change skips resolves to the end of the gap, a time that happens twice to its first.
    From 1440 on it is the wall time of the next date. Raises UnsupportedTime.
    """
    return _instant(day, minute, tz)


@lru_cache(maxsize=16384)
def _instant(day: date, minute: int, tz: ZoneInfo) -> datetime:
    if not (_FIRST_DATE <= day <= _LAST_DATE and 0 <= minute <= 2880):
        raise UnsupportedTime(f"minute {minute} of {day}")
    wall = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    before = wall - _offset(wall, tz, fold=0)
    after = wall - _offset(wall, tz, fold=1)
    return before if before <= after else _end_of_gap(after, before, tz)


def _offset(wall: datetime, tz: tzinfo, fold: int) -> timedelta:
    offset = wall.replace(tzinfo=tz, fold=fold).utcoffset()
    assert offset is not None  # ZoneInfo always knows
    return offset


def _end_of_gap(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The second at which the clock jumps, somewhere in (before, after]; zoneinfo does not tell it."""
    old = before.astimezone(tz).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if middle.astimezone(tz).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def local_date(moment: datetime, tz: ZoneInfo) -> date:
    """The date on the wall in `tz` at an instant; raises UnsupportedTime."""
    if not _PLANNABLE.start <= moment <= _PLANNABLE.end:
        raise UnsupportedTime(moment.isoformat())
    return moment.astimezone(tz).date()


def day_bounds(day: date, tz: ZoneInfo) -> Interval:
    """A local day in UTC: 24 hours long, 23 or 25 when clocks change, empty when skipped.

    Days adjoin without gap or overlap. Raises UnsupportedTime.
    """
    return Interval(_instant(day, 0, tz), _instant(day, 1440, tz))


def week_bounds(moment: datetime, tz: ZoneInfo) -> Interval:
    """Monday to Monday around an instant, in UTC. Raises UnsupportedTime."""
    day = local_date(moment, tz)
    monday = day - timedelta(days=day.weekday())
    return Interval(_instant(monday, 0, tz), _instant(monday + timedelta(days=7), 0, tz))
