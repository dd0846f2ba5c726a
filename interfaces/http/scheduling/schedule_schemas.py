"""Bodies, filters and answers about schedules."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from domain.errors import NotFound
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule
from interfaces.http.framework.fields import (
    Instant,
    Paging,
    Resource,
    Shape,
    Text,
    Zone,
    plain,
)
from interfaces.http.scheduling import opening_hours as hours
from interfaces.http.scheduling.opening_hours import DayWindow, WeeklyWindow
from interfaces.http.scheduling.orphan_schemas import HoursBody
from projections.query.paging import Page
from projections.read_models.schedule import OpeningRules

AnySchedule = Schedule | OpeningRules


class ReplaceScheduleBody(HoursBody):
    """`timezone` applies to all hours. Windows must not overlap, not even past midnight."""

    timezone: Zone
    weekly: Annotated[list[WeeklyWindow], Field(max_length=336)]


class ReplaceOverrideBody(HoursBody):
    """No hours: closed."""

    hours: Annotated[list[DayWindow], Field(max_length=48)]


class CreateTimeOffBody(HoursBody):
    """From `start` until `end`."""

    start: Instant
    end: Instant
    reason: Text = ""

    @field_validator("end")
    @classmethod
    def _check_order(cls, end: datetime, earlier: ValidationInfo) -> datetime:
        if "start" in earlier.data and end <= earlier.data["start"]:
            raise PydanticCustomError("time_off", "`end` must be after `start`.")
        return end


class ReplaceTimeOffBody(CreateTimeOffBody):
    """From `start` until `end`."""


class TimeOffItemResponse(Shape):
    id: UUID
    start: datetime
    end: datetime
    reason: str


class TimeOffResponse(TimeOffItemResponse):
    """Closed between two instants. `version`: the schedule's."""

    version: int


class TimeOffPage(Shape):
    items: list[TimeOffResponse]
    next: str | None


class TimeOffFilters(Paging):
    """All time off."""


class OverrideItemResponse(Shape):
    date: date
    hours: list[DayWindow]


class OverrideResponse(OverrideItemResponse):
    """Other hours on one date. `version`: the schedule's."""

    version: int


class OpeningHoursResponse(Resource):
    """When a provider is open, but for time off, which is no public matter. `version`: the schedule's."""

    timezone: str
    weekly: list[WeeklyWindow]
    overrides: list[OverrideItemResponse]


class ScheduleResponse(OpeningHoursResponse):
    """When a provider is open."""

    time_off: list[TimeOffItemResponse]


def schedule_response(schedule: AnySchedule) -> Mapping[str, Any]:
    """A schedule as JSON."""
    return {
        **opening_hours_response(schedule),
        "time_off": [_off(schedule, id) for id, _ in _in_order(schedule)],
    }


def opening_hours_response(schedule: AnySchedule) -> Mapping[str, Any]:
    """Opening hours as JSON."""
    return {
        "id": schedule.id,
        "version": schedule.version,
        "timezone": schedule.timezone,
        "weekly": hours.week_response(schedule.weekly),
        "overrides": [
            {"date": day, "hours": hours.hours_response(schedule.overrides[day])} for day in sorted(schedule.overrides)
        ],
    }


def override_response(schedule: AnySchedule, day: date) -> Mapping[str, Any]:
    """One date's hours as JSON."""
    windows = hours.hours_response(schedule.overrides[day.isoformat()])
    return {"date": day, "hours": windows, "version": schedule.version}


def time_off_response(schedule: AnySchedule, id: UUID) -> Mapping[str, Any]:
    """One time off as JSON; raises NotFound."""
    if id not in schedule.time_off:
        raise NotFound("time off", id)
    return {**_off(schedule, id), "version": schedule.version}


def time_off_page(schedule: AnySchedule, page: Page) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """Time off after the bookmark, by start; and the bookmark to go on from."""
    rest = [off for off in _in_order(schedule) if page.after is None or _mark(off) > page.after]
    items = [{**_off(schedule, id), "version": schedule.version} for id, _ in rest[: page.limit]]
    return items, _mark(rest[page.limit - 1]) if len(rest) > page.limit else None


def _in_order(schedule: AnySchedule) -> list[tuple[UUID, Interval]]:
    return sorted(schedule.time_off.items(), key=_mark)


def _mark(entry: tuple[UUID, Interval]) -> str:
    id, off = entry
    return f"{plain(off.start).isoformat()} {id}"


def _off(schedule: AnySchedule, id: UUID) -> dict[str, Any]:
    off = schedule.time_off[id]
    return {"id": id, "start": plain(off.start), "end": plain(off.end), "reason": schedule.reason(id)}
