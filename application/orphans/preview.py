"""The preview of a change of opening hours: the rules before and after it, without recording anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from application.access import demand, permit
from application.catalog.membership import organization_of, staff
from application.catalog.provider import check_zone
from application.event_log import EventReader
from application.query import Lookup, query
from domain.catalog.provider import Provider
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import DayHours, Schedule, WeeklyHours


@dataclass(frozen=True, kw_only=True)
class PreviewHours(Lookup):
    """The changes, in this order. None: time zone or weekly hours stay; of a date: its override is lifted."""

    calendar_id: UUID
    timezone: str | None = None
    weekly: WeeklyHours | None = None
    overrides: Mapping[date, DayHours | None] = field(default_factory=dict)
    time_off: Sequence[Interval] = ()
    cancelled_time_off: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class HoursPreview:
    """The opening rules before and after. `version`: of the schedule, for If-Match."""

    version: int
    before: OpeningHours
    after: OpeningHours


@query
async def preview_hours(asked: PreviewHours, log: EventReader, now: datetime) -> HoursPreview:
    """Apply the changes to a copy, by the commands that would record them. Raises what they raise."""
    permit(asked.by, "preview_schedule")
    provider = await log.load(Provider, asked.calendar_id)
    demand(asked.by, "preview_schedule", "provider", provider.id, *await staff(asked.by, provider, log))
    provider.check_not_ended()
    schedule = await log.load(Schedule, Schedule.id_of(asked.calendar_id))
    organization = await organization_of(provider, log)
    closed = frozenset[date]() if organization is None else organization.closed_dates()
    changed = schedule.own_copy()
    _change(changed, asked, now)
    return HoursPreview(schedule.version, schedule.hours().less(closed), changed.hours().less(closed))


def _change(schedule: Schedule, asked: PreviewHours, now: datetime) -> None:
    by = asked.by.account
    if asked.timezone is not None or asked.weekly is not None:
        timezone = asked.timezone or schedule.timezone
        check_zone(timezone, "/timezone")
        kept = {day: [[*window] for window in windows] for day, windows in schedule.weekly.items()}
        schedule.set_weekly(by, timezone, kept if asked.weekly is None else asked.weekly, now)
    for day, hours in asked.overrides.items():
        if hours is None:
            schedule.lift_override(by, day, now)
        else:
            schedule.override(by, day, hours, now)
    for id in asked.cancelled_time_off:
        schedule.cancel_time_off(by, id, now)
    for off in asked.time_off:
        schedule.take_time_off(by, new_id(), off, "", now)
