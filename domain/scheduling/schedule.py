"""Schedule: when a calendar is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.errors import Conflict, Invalid, NotFound
from domain.kernel import Aggregate, derived_id, event
from domain.personal_data import PersonalData
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow, overlapping


class TimeOffExists(Conflict):
    """This time off exists already."""


DayHours = list[list[int]]
"""[[opens, closes], ...] in minutes of the local day, as events record it."""
WeeklyHours = dict[str, DayHours]
"""Weekday "0".."6", Monday first, to its hours."""
Weekly = Mapping[str, Sequence[Sequence[int]]]
"""WeeklyHours, to read only."""


@dataclass(frozen=True)
class HoursFields:
    """`orphans`: what becomes of appointments that the change leaves outside the hours; None: staff decide later."""

    class_version = 2

    by: UUID
    orphans: str | None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Version 1 recorded no choice."""
        state["orphans"] = None


@dataclass(frozen=True)
class TimeOffFields(HoursFields):
    time_off_id: UUID
    start: datetime
    end: datetime
    reason: PersonalData | None


class Schedule(Aggregate):
    """When a calendar is open: weekly hours in its own zone, overrides by date, time off."""

    class Opened(Aggregate.Created):
        calendar_id: UUID
        timezone: str

    class WeeklySet(HoursFields, Aggregate.Event):
        timezone: str
        weekly: WeeklyHours

        def apply(self, schedule: "Schedule") -> None:
            schedule.timezone, schedule.weekly = self.timezone, self.weekly

    class Overridden(HoursFields, Aggregate.Event):
        date: str
        hours: DayHours

        def apply(self, schedule: "Schedule") -> None:
            schedule.overrides = schedule.put(schedule.overrides, self.date, self.hours)

    class OverrideLifted(HoursFields, Aggregate.Event):
        date: str

        def apply(self, schedule: "Schedule") -> None:
            schedule.overrides = schedule.drop(schedule.overrides, self.date)

    class TimeOffTaken(TimeOffFields, Aggregate.Event):
        def apply(self, schedule: "Schedule") -> None:
            schedule.close(self)

    class TimeOffChanged(TimeOffFields, Aggregate.Event):
        def apply(self, schedule: "Schedule") -> None:
            schedule.close(self)

    class TimeOffCancelled(Aggregate.Event):
        by: UUID
        time_off_id: UUID

        def apply(self, schedule: "Schedule") -> None:
            schedule.time_off = schedule.drop(schedule.time_off, self.time_off_id)
            schedule.reasons = schedule.drop(schedule.reasons, self.time_off_id)

    @staticmethod
    def id_of(calendar_id: UUID) -> UUID:
        return derived_id("schedule", calendar_id)

    @event(Opened)
    def __init__(self, id: UUID, calendar_id: UUID, timezone: str, timestamp: datetime) -> None:
        self.calendar_id = calendar_id
        self.timezone = timezone
        self.weekly: Weekly = {}
        self.overrides: Mapping[str, Sequence[Sequence[int]]] = {}
        self.time_off: Mapping[UUID, Interval] = {}
        self.reasons: Mapping[UUID, PersonalData | None] = {}
        self._hours: tuple[int, OpeningHours] | None = None

    def set_weekly(
        self, by: UUID, timezone: str, weekly: WeeklyHours, now: datetime, orphans: str | None = None
    ) -> None:
        """Replace time zone and weekly hours; raises Invalid when windows overlap (also past midnight)."""
        if overlapping({int(day): _windows(windows) for day, windows in weekly.items()}):
            raise Invalid("Weekly hours overlap.", "/weekly")
        if (timezone, weekly) != (self.timezone, self.weekly):
            said = {"timezone": timezone, "weekly": weekly, "orphans": orphans}
            self.trigger_event(self.WeeklySet, by=by, **said, timestamp=now)

    def override(self, by: UUID, day: date, hours: DayHours, now: datetime, orphans: str | None = None) -> None:
        """Replace the hours of one local date; no hours close it. Raises Invalid when they overlap."""
        if overlapping({0: _windows(hours)}):
            raise Invalid("Hours overlap.", "/hours")
        if self.overrides.get(day.isoformat()) != hours:
            said = {"date": day.isoformat(), "hours": hours, "orphans": orphans}
            self.trigger_event(self.Overridden, by=by, **said, timestamp=now)

    def lift_override(self, by: UUID, day: date, now: datetime, orphans: str | None = None) -> None:
        """Return to the weekly hours on this date; raises NotFound if there is no override."""
        if day.isoformat() not in self.overrides:
            raise NotFound("override", day.isoformat())
        self.trigger_event(self.OverrideLifted, by=by, date=day.isoformat(), orphans=orphans, timestamp=now)

    def take_time_off(
        self, by: UUID, id: UUID, off: Interval, reason: str, now: datetime, orphans: str | None = None
    ) -> None:
        """Close the calendar between two instants; raises TimeOffExists for a known id."""
        if id in self.time_off:
            raise TimeOffExists
        said = {**_closed(by, id, off, reason), "orphans": orphans}
        self.trigger_event(self.TimeOffTaken, **said, timestamp=now)

    def change_time_off(
        self, by: UUID, id: UUID, off: Interval, reason: str, now: datetime, orphans: str | None = None
    ) -> None:
        """Change time off; raises NotFound if there is none of this id. Reasons must be decrypted."""
        if self._the_time_off(id) != off or self.reason(id) != reason:
            said = {**_closed(by, id, off, reason), "orphans": orphans}
            self.trigger_event(self.TimeOffChanged, **said, timestamp=now)

    def close(self, event: TimeOffFields) -> None:
        """Take over the time off of an event."""
        self.time_off = self.put(self.time_off, event.time_off_id, Interval(event.start, event.end))
        self.reasons = self.put(self.reasons, event.time_off_id, event.reason)

    def reason(self, time_off_id: UUID) -> str:
        """The reason of time off; empty if none was given, while it is encrypted, and after erasure."""
        reason = self.reasons.get(time_off_id)
        return (reason.value if reason else None) or ""

    def cancel_time_off(self, by: UUID, id: UUID, now: datetime) -> None:
        """Cancel time off; raises NotFound if there is none of this id."""
        self._the_time_off(id)
        self.trigger_event(self.TimeOffCancelled, by=by, time_off_id=id, timestamp=now)

    def _the_time_off(self, id: UUID) -> Interval:
        if id not in self.time_off:
            raise NotFound("time off", id)
        return self.time_off[id]

    def hours(self) -> OpeningHours:
        """The opening rules, for `domain.scheduling.availability`."""
        if self._hours is None or self._hours[0] != self.version:
            off = list(self.time_off.values())
            self._hours = self.version, hours_of(self.timezone, self.weekly, self.overrides, off)
        return self._hours[1]

    def rules(self, now: datetime) -> Mapping[str, Any]:
        """The opening rules that concern appointments after `now`, as JSON."""
        first = (now - timedelta(days=2)).date().isoformat()  # a window may have begun on the date before, zones apart
        return {
            "timezone": self.timezone,
            "weekly": self.weekly,
            "overrides": {day: hours for day, hours in self.overrides.items() if day >= first},
            "time_off": [[each.isoformat() for each in off] for off in self.time_off.values() if off.end > now],
        }


def rules_of(record: Mapping[str, Any]) -> OpeningHours:
    """Opening rules from `Schedule.rules`."""
    off = [tuple(map(datetime.fromisoformat, each)) for each in record["time_off"]]
    return hours_of(record["timezone"], record["weekly"], record["overrides"], [(each[0], each[1]) for each in off])


def hours_of(
    timezone: str,
    weekly: Weekly,
    overrides: Mapping[str, Sequence[Sequence[int]]],
    time_off: Sequence[tuple[datetime, datetime]],
) -> OpeningHours:
    """Opening rules from stored values."""
    return OpeningHours(
        timezone=timezone,
        weekly={int(day): _windows(windows) for day, windows in weekly.items()},
        overrides={date.fromisoformat(day): _windows(windows) for day, windows in overrides.items()},
        time_off=tuple(Interval(*off) for off in time_off),
    )


def _closed(by: UUID, id: UUID, off: Interval, reason: str) -> dict[str, Any]:
    """The fields of time off; its reason is personal data of whoever takes it."""
    why = PersonalData(by, reason) if reason else None
    return {"by": by, "time_off_id": id, "start": off.start, "end": off.end, "reason": why}


def _windows(pairs: Sequence[Sequence[int]]) -> tuple[OpeningWindow, ...]:
    return tuple(OpeningWindow(*pair) for pair in pairs)
