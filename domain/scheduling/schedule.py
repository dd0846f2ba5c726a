"""Schedule: when a calendar is open."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
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


class Schedule(Aggregate):
    """When a calendar is open: weekly hours in its own zone, overrides by date, time off."""

    class Opened(Aggregate.Created):
        calendar_id: UUID
        timezone: str

    class WeeklySet(Aggregate.Event):
        by: UUID
        timezone: str
        weekly: WeeklyHours

    class Overridden(Aggregate.Event):
        by: UUID
        date: str
        hours: DayHours

    class OverrideLifted(Aggregate.Event):
        by: UUID
        date: str

    class TimeOffTaken(Aggregate.Event):
        by: UUID
        time_off_id: UUID
        start: datetime
        end: datetime
        reason: PersonalData | None

    class TimeOffChanged(Aggregate.Event):
        by: UUID
        time_off_id: UUID
        start: datetime
        end: datetime
        reason: PersonalData | None

    class TimeOffCancelled(Aggregate.Event):
        by: UUID
        time_off_id: UUID

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

    def set_weekly(self, by: UUID, timezone: str, weekly: WeeklyHours, now: datetime) -> None:
        """Replace time zone and weekly hours; raises Invalid when windows overlap (also past midnight)."""
        if overlapping({int(day): _windows(windows) for day, windows in weekly.items()}):
            raise Invalid("Weekly hours overlap.", "/weekly")
        if (timezone, weekly) != (self.timezone, self.weekly):
            self._weekly_set(by=by, timezone=timezone, weekly=weekly, timestamp=now)

    @event(WeeklySet)
    def _weekly_set(self, by: UUID, timezone: str, weekly: WeeklyHours, timestamp: datetime) -> None:
        self.timezone = timezone
        self.weekly = weekly

    def override(self, by: UUID, day: date, hours: DayHours, now: datetime) -> None:
        """Replace the hours of one local date; no hours close it. Raises Invalid when they overlap."""
        if overlapping({0: _windows(hours)}):
            raise Invalid("Hours overlap.", "/hours")
        if self.overrides.get(day.isoformat()) != hours:
            self._overridden(by=by, date=day.isoformat(), hours=hours, timestamp=now)

    @event(Overridden)
    def _overridden(self, by: UUID, date: str, hours: DayHours, timestamp: datetime) -> None:
        self.overrides = {**self.overrides, date: hours}

    def lift_override(self, by: UUID, day: date, now: datetime) -> None:
        """Return to the weekly hours on this date; raises NotFound if there is no override."""
        if day.isoformat() not in self.overrides:
            raise NotFound("override", day.isoformat())
        self._override_lifted(by=by, date=day.isoformat(), timestamp=now)

    @event(OverrideLifted)
    def _override_lifted(self, by: UUID, date: str, timestamp: datetime) -> None:
        self.overrides = {k: v for k, v in self.overrides.items() if k != date}

    def take_time_off(self, by: UUID, id: UUID, off: Interval, reason: str, now: datetime) -> None:
        """Close the calendar between two instants; raises TimeOffExists for a known id."""
        if id in self.time_off:
            raise TimeOffExists
        why = PersonalData(by, reason) if reason else None
        self._time_off_taken(by=by, time_off_id=id, start=off.start, end=off.end, reason=why, timestamp=now)

    @event(TimeOffTaken)
    def _time_off_taken(
        self,
        by: UUID,
        time_off_id: UUID,
        start: datetime,
        end: datetime,
        reason: PersonalData | None,
        timestamp: datetime,
    ) -> None:
        self._close(time_off_id, Interval(start, end), reason)

    def _close(self, time_off_id: UUID, off: Interval, reason: PersonalData | None) -> None:
        self.time_off = {**self.time_off, time_off_id: off}
        self.reasons = {**self.reasons, time_off_id: reason}

    def change_time_off(self, by: UUID, id: UUID, off: Interval, reason: str, now: datetime) -> None:
        """Change time off; raises NotFound if there is none of this id. Reasons must be decrypted."""
        if self._the_time_off(id) != off or self.reason(id) != reason:
            why = PersonalData(by, reason) if reason else None
            self._time_off_changed(by=by, time_off_id=id, start=off.start, end=off.end, reason=why, timestamp=now)

    @event(TimeOffChanged)
    def _time_off_changed(
        self,
        by: UUID,
        time_off_id: UUID,
        start: datetime,
        end: datetime,
        reason: PersonalData | None,
        timestamp: datetime,
    ) -> None:
        self._close(time_off_id, Interval(start, end), reason)

    def reason(self, time_off_id: UUID) -> str:
        """The reason of time off; empty if none was given, while it is encrypted, and after erasure."""
        reason = self.reasons.get(time_off_id)
        return (reason.value if reason else None) or ""

    def cancel_time_off(self, by: UUID, id: UUID, now: datetime) -> None:
        """Cancel time off; raises NotFound if there is none of this id."""
        self._the_time_off(id)
        self._time_off_cancelled(by=by, time_off_id=id, timestamp=now)

    @event(TimeOffCancelled)
    def _time_off_cancelled(self, by: UUID, time_off_id: UUID, timestamp: datetime) -> None:
        self.time_off = {k: v for k, v in self.time_off.items() if k != time_off_id}
        self.reasons = {k: v for k, v in self.reasons.items() if k != time_off_id}

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


def _windows(pairs: Sequence[Sequence[int]]) -> tuple[OpeningWindow, ...]:
    return tuple(OpeningWindow(*pair) for pair in pairs)
