"""Booking window: the dates that can be booked, counted in local days of the calendar."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, opens_on
from domain.scheduling.wallclock import SUPPORTED, day_bounds, local_date, zone

LOOK_AHEAD = 3660
"""Days searched for business days: ten years; where fewer have opening hours, the window ends there."""

_FIRST, _LAST = SUPPORTED.start.date().toordinal(), SUPPORTED.end.date().toordinal()


@dataclass(frozen=True, slots=True)
class BookingWindow:
    """The dates on which starts are offered.

    rolling: `days` calendar days, today the first; business: `days` days that have opening hours, today too
    if it has; fixed: `first` to `last`, both included, None for no bound. Raises ValueError without `days`.
    """

    kind: Literal["rolling", "business", "fixed"]
    days: int | None = None
    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.kind != "fixed" and (self.days is None or self.days < 1):
            raise ValueError("a rolling or business window has at least one day")

    def bounds(self, hours: OpeningHours, now: datetime) -> Interval:
        """The starts that the window allows at `now`, a SUPPORTED instant; past starts too."""
        tz = zone(hours.timezone)
        first, last = self._dates(hours, local_date(now, tz))
        return Interval(
            SUPPORTED.start if first is None else day_bounds(_plannable(first.toordinal()), tz).start,
            SUPPORTED.end if last is None else day_bounds(_plannable(last.toordinal()), tz).end,
        )

    def _dates(self, hours: OpeningHours, today: date) -> tuple[date | None, date | None]:
        if self.days is None or self.kind == "fixed":
            return self.first, self.last
        if self.kind == "rolling":
            return today, _plannable(today.toordinal() + self.days - 1)
        return today, _business_day(hours, today, self.days)


def _business_day(hours: OpeningHours, today: date, count: int) -> date:
    """The count-th date from today with opening hours, or the last one searched."""
    day = today
    for n in range(LOOK_AHEAD):
        day = _plannable(today.toordinal() + n)
        count -= opens_on(hours, day)
        if not count:
            break
    return day


def _plannable(ordinal: int) -> date:
    return date.fromordinal(min(max(ordinal, _FIRST), _LAST))
