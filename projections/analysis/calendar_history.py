"""A provider's calendar with what applied before: open and booked minutes of each local date."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.scheduling.interval import Interval, clip, intersect, merge, subtract
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Weekly, hours_of
from domain.scheduling.wallclock import day_bounds, zone

_A_DAY = timedelta(days=1)
_A_MINUTE = timedelta(minutes=1)


class WeeklyPlan(NamedTuple):
    """A weekly plan and its zone, from `since` on."""

    since: datetime
    timezone: str
    weekly: Weekly


class Affiliation(NamedTuple):
    """The organization that a provider belongs to from `since` on; None: no organization."""

    since: datetime
    organization_id: UUID | None


class DayMinutes(NamedTuple):
    """The minutes of a local date. `booked`: of due appointments, buffers aside; `both`: of them, while open."""

    timezone: str
    organization_id: UUID | None
    open: int
    booked: int
    both: int


@dataclass(frozen=True)
class CalendarHistory:
    """`plans` and `affiliations` in the order of the log; `overrides`: by ISO date; `due`: times with their zones."""

    plans: Sequence[WeeklyPlan]
    affiliations: Sequence[Affiliation]
    overrides: Mapping[str, Sequence[Sequence[int]]]
    time_off: Sequence[Interval]
    holidays: Mapping[UUID, Collection[date]]
    due: Sequence[tuple[Interval, str]]

    @cached_property
    def _near(self) -> Mapping[date, Sequence[tuple[Interval, str]]]:
        """What is due by the dates that it may lie on, in any zone."""
        found: dict[date, list[tuple[Interval, str]]] = defaultdict(list)
        for each in self.due:
            first, last = (each[0].start - _A_DAY).date(), (each[0].end + _A_DAY).date()
            for number in range(first.toordinal(), last.toordinal() + 1):
                found[date.fromordinal(number)].append(each)
        return found

    @cached_property
    def _regular(self) -> Sequence[OpeningHours]:
        """The hours of each plan, without overrides."""
        return [hours_of(each.timezone, each.weekly, {}, ()) for each in self.plans]

    def minutes(self, day: date) -> DayMinutes | None:
        """None for a date before the first plan on which nothing is due."""
        plan, due = self.plan_on(day), self._near.get(day, ())
        timezone = plan.timezone if plan else next((name for time, name in due if _touches(time, day, name)), None)
        if timezone is None:
            return None
        bounds = day_bounds(day, zone(timezone))
        opened = self._opened(day, bounds)
        booked = merge(clip(time, bounds) for time, _ in due)
        both = intersect(booked, opened)
        organization_id = self._organization_on(day, zone(timezone))
        return DayMinutes(timezone, organization_id, *map(_length, (opened, booked, both)))

    def plan_on(self, day: date) -> WeeklyPlan | None:
        """The last plan that was set before the date ended: a new plan never changes a date that is over."""
        known = [each for each in self.plans if each.since < day_bounds(day, zone(each.timezone)).end]
        return known[-1] if known else None

    def _organization_on(self, day: date, tz: ZoneInfo) -> UUID | None:
        end = day_bounds(day, tz).end
        known = [each for each in self.affiliations if each.since < end]
        return known[-1].organization_id if known else None

    def _opened(self, day: date, bounds: Interval) -> Sequence[Interval]:
        # Windows of the date before may run past midnight; where clocks go back over midnight, the next has begun.
        # A plan for the next date that was set after this one counts from then on, even if its zone is far ahead.
        near = [
            (day - _A_DAY, self.plan_on(day - _A_DAY)),
            *((each, self.plan_on(day)) for each in (day, day + _A_DAY)),
        ]
        windows = [piece for date, plan in near for piece in self._windows(date, plan)]
        return subtract(merge(clip(piece, bounds) for piece in windows), self.time_off)

    def _windows(self, day: date, plan: WeeklyPlan | None) -> Sequence[Interval]:
        if plan is None:
            return ()
        tz, said = zone(plan.timezone), self.overrides.get(day.isoformat())
        if said is None:
            hours = self._regular[self.plans.index(plan)]
        else:
            hours = hours_of(plan.timezone, plan.weekly, {day.isoformat(): said}, ())
        employer = self._organization_on(day, tz)
        closed = employer is not None and day in self.holidays.get(employer, ())
        return hours.less(frozenset({day} if closed else ())).pieces(day, tz)


def _touches(time: Interval, day: date, timezone: str) -> bool:
    return not clip(time, day_bounds(day, zone(timezone))).empty


def _length(pieces: Iterable[Interval]) -> int:
    return sum(((piece.end - piece.start) // _A_MINUTE for piece in pieces), 0)
