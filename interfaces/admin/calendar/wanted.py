"""What an address of the calendar asks for: which days, and whose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

from domain.scheduling.interval import Interval
from domain.scheduling.wallclock import SUPPORTED
from interfaces.http.framework.request_errors import InvalidFields, field_error

DAY, WEEK = "day", "week"
VIEWS = (DAY, WEEK)
MOST_COLUMNS = 50
_FIRST, _LAST = SUPPORTED.start.date() + timedelta(days=7), SUPPORTED.end.date() - timedelta(days=8)


@dataclass(frozen=True)
class CalendarQuery:
    """`day`: None: today, on the wall of the first provider. `cursor`: of the page of providers."""

    day: date | None
    view: str = DAY
    provider_id: str = ""
    service_id: str = ""
    tag: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Raises InvalidFields."""
        view = query.get("view") or DAY
        if view not in VIEWS:
            raise InvalidFields([field_error(["view"], "Use day or week.", "query")])
        rest = {name: query.get(name, "").strip() for name in ("provider_id", "service_id", "tag", "cursor")}
        return cls(_day(query.get("date", "")), view, **rest)

    @property
    def most_providers(self) -> int:
        """So many that there are no more than MOST_COLUMNS columns."""
        return MOST_COLUMNS if self.view == DAY else MOST_COLUMNS // 7

    @property
    def days(self) -> Sequence[date]:
        """The day, or its week from Monday on."""
        assert self.day is not None
        if self.view == DAY:
            return [self.day]
        monday = self.day - timedelta(days=self.day.weekday())
        return [monday + timedelta(days=each) for each in range(7)]

    def on(self, day: date) -> Self:
        """The same, of a day."""
        return replace(self, day=day)


def widest(days: Sequence[date]) -> Interval:
    """A span that has these days, whatever the zone."""
    first = SUPPORTED.start + (days[0] - SUPPORTED.start.date())
    return Interval(first - timedelta(hours=15), first + timedelta(days=len(days), hours=15))


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = date.min
    if day is not None and not _FIRST <= day <= _LAST:
        raise InvalidFields([field_error(["date"], "Use a date such as 2030-01-31.", "query")])
    return day
