"""Opening hours: the wall-clock rules of a calendar, and the instants that they resolve to."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain, pairwise
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.scheduling.interval import Interval, clip, intersect, merge, overlaps, subtract
from domain.scheduling.wallclock import SUPPORTED, instant, local_date, zone

DAY = 1440
WEEK = 7 * DAY
REMEMBERED = 400  # dates of one calendar

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")


class MalformedHours(ValueError):
    """Use HH:MM for a time of day; only a closing time may be 24:00."""


class EmptyHours(ValueError):
    """The two times are equal. For the whole day, use 00:00 to 24:00."""


class OpeningWindow(NamedTuple):
    """Open from minute `opens` (0..1439) of a local day until `closes`, in (opens, opens + 1440].

    A length of 1440 is recorded by new releases for 00:00 to 24:00 alone.

    A window belongs to the date on which it starts; closes > 1440 runs past midnight.
    """

    opens: int
    closes: int


def window(from_: str, to: str) -> OpeningWindow:
    """From HH:MM to HH:MM or 24:00; a `to` before `from_` is the next day's. Raises MalformedHours, EmptyHours."""
    opens, closes = _minute(from_), _minute(to)
    if opens == DAY:
        raise MalformedHours(from_)
    if opens == closes:
        raise EmptyHours(from_)
    return OpeningWindow(opens, closes if closes > opens else closes + DAY)


def _minute(clock: str) -> int:
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise MalformedHours(clock[:16])
    hour, minute = match[1] or match[3], match[2] or match[4]
    return int(hour) * 60 + int(minute)


def overlapping(weekly: Mapping[int, Sequence[OpeningWindow]]) -> bool:
    """Whether any two windows of the week (0 = Monday) overlap, also past midnight and from Sunday to Monday."""
    of_week = sorted((day * DAY + opens, day * DAY + closes) for day in weekly for opens, closes in weekly[day])
    if len(of_week) < 2:
        return False
    round_again = (of_week[0][0] + WEEK, of_week[0][1] + WEEK)
    return any(later[0] < earlier[1] for earlier, later in pairwise([*of_week, round_again]))


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The opening rules of one calendar.

    `weekly` by weekday (0 = Monday); `overrides` replace the windows that start on a date (none: closed), also on a
    holiday; no weekly window starts on one of the `holidays`; `time_off` cuts instants, whatever the windows.
    """

    timezone: str
    weekly: Mapping[int, tuple[OpeningWindow, ...]]
    overrides: Mapping[date, tuple[OpeningWindow, ...]]
    time_off: tuple[Interval, ...]
    holidays: frozenset[date] = frozenset()
    _pieces: dict[date, list[Interval]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _joined: list[Interval] = field(default_factory=list, init=False, repr=False, compare=False)
    _closed: dict[frozenset[date], "OpeningHours"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def on(self, day: date) -> tuple[OpeningWindow, ...]:
        """The windows that start on a local date, time off aside."""
        windows = self.overrides.get(day)
        if windows is not None:
            return windows
        return () if self.holiday_closes(day) else self.weekly.get(day.weekday(), ())

    def holiday_closes(self, day: date) -> bool:
        """Whether a local date is a holiday that no override opens."""
        return day in self.holidays and day not in self.overrides

    def pieces(self, day: date, tz: ZoneInfo) -> list[Interval]:
        """The windows that start on a local date, in UTC. Cached: callers must not change the list."""
        known = self._pieces.get(day)
        if known is None:
            if len(self._pieces) >= REMEMBERED:
                self._pieces.clear()
            known = self._pieces[day] = _resolved(self.on(day), day, tz)
        return known

    def time_off_near(self, span: Interval) -> list[Interval]:
        """The time off that shares time with the span, joined and sorted: found without a look at all of the past."""
        if self.time_off and not self._joined:
            self._joined.extend(merge(self.time_off))
        first = bisect_right(self._joined, span.start, key=_end)
        return self._joined[first : bisect_left(self._joined, span.end, lo=first, key=_start)]

    def less(self, holidays: frozenset[date]) -> "OpeningHours":
        """These rules with more holidays. The last ones asked for are remembered."""
        if not holidays:
            return self
        known = self._closed.get(holidays)
        if known is None:
            self._closed.clear()
            known = self._closed[holidays] = replace(self, holidays=self.holidays | holidays)
        return known


_start, _end = itemgetter(0), itemgetter(1)


def opens_on(hours: OpeningHours, day: date) -> bool:
    """Whether any window that starts on this local date has time left after clock changes and time off."""
    pieces = hours.pieces(day, zone(hours.timezone))
    return any(subtract([piece], hours.time_off_near(piece)) for piece in pieces)


def openings(
    hours: OpeningHours, within: Interval, service: Mapping[int, Sequence[OpeningWindow]] | None = None
) -> list[Interval]:
    """The opening pieces in UTC that overlap `within`, uncut; sorted by start, adjoining ones not joined.

    Intersected with the service's weekly hours, if any, read in the calendar's zone. None outside SUPPORTED.
    """
    bounds = clip(within, SUPPORTED)
    if bounds.empty:
        return []
    tz = zone(hours.timezone)
    days = _days_near(bounds, tz)
    pieces = sorted(_near(bounds, chain.from_iterable(hours.pieces(day, tz) for day in days)))
    if pieces and hours.time_off:
        span = Interval(pieces[0].start, max(piece.end for piece in pieces))
        pieces = subtract(pieces, hours.time_off_near(span))
    if pieces and service is not None:
        before = days[0] - timedelta(days=1)  # its tail past midnight may join what starts on the first day
        theirs = (_resolved(service.get(day.weekday(), ()), day, tz) for day in [before, *days])
        pieces = intersect(pieces, list(chain.from_iterable(theirs)))
    return sorted(_near(bounds, pieces))


def covers(hours: OpeningHours, stretch: Interval) -> bool:
    """Whether the calendar is open for all of the stretch."""
    return not subtract([stretch], openings(hours, stretch))


def _days_near(bounds: Interval, tz: ZoneInfo) -> list[date]:
    """The dates whose windows can reach into `bounds`.

    From the date before, for windows past midnight, to the date after: where clocks are set back across
    midnight it has already begun once.
    """
    first = local_date(bounds.start, tz).toordinal() - 1
    last = local_date(bounds.end, tz).toordinal() + 1
    return [date.fromordinal(n) for n in range(first, last + 1)]


def _resolved(windows: Sequence[OpeningWindow], day: date, tz: ZoneInfo) -> list[Interval]:
    pieces = [Interval(instant(day, opens, tz), instant(day, closes, tz)) for opens, closes in windows]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _near(bounds: Interval, pieces: Iterable[Interval]) -> list[Interval]:
    return [piece for piece in pieces if overlaps(piece, bounds)]
