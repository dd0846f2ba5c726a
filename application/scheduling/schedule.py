"""Change the weekly hours, overrides and time off of a provider's calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.access import demand, permit
from application.catalog.membership import staff
from application.catalog.provider import check_known, check_zone
from application.event_log import Command, EventLog, command
from application.scheduling.hours_change import DECIDE_LATER, OrphanHandling, schedule_check
from domain.catalog.provider import Provider
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule, WeeklyHours


@dataclass(frozen=True, kw_only=True)
class ChangeHours(Command):
    """A command that may leave appointments outside the hours. `orphans`: what becomes of them."""

    calendar_id: UUID
    orphans: OrphanHandling = DECIDE_LATER


@dataclass(frozen=True, kw_only=True)
class ReplaceSchedule(ChangeHours):
    """`weekly`: weekday "0".."6", Monday first -> [[opens, closes], ...] in minutes of the local day."""

    timezone: str
    weekly: WeeklyHours


@dataclass(frozen=True, kw_only=True)
class ReplaceOverride(ChangeHours):
    """`hours`: [[opens, closes], ...] in minutes; none closes the date."""

    date: date
    hours: Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class DeleteOverride(ChangeHours):
    date: date


@dataclass(frozen=True, kw_only=True)
class TakeTimeOff(ChangeHours):
    id: UUID
    off: Interval
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeTimeOff(ChangeHours):
    id: UUID
    off: Interval
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CancelTimeOff(ChangeHours):
    id: UUID


@command
async def replace_schedule(cmd: ReplaceSchedule, log: EventLog, now: datetime) -> Schedule:
    """Replace time zone and weekly hours."""
    check_zone(cmd.timezone, "/timezone")
    schedule, before = await _editable(cmd, "replace_schedule", log, now)
    schedule.set_weekly(cmd.by.account, cmd.timezone, cmd.weekly, now, cmd.orphans.recorded)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now, cmd.orphans))
    return schedule


@command
async def replace_override(cmd: ReplaceOverride, log: EventLog, now: datetime) -> Schedule:
    """Replace the hours of one date."""
    schedule, before = await _editable(cmd, "replace_override", log, now)
    schedule.override(cmd.by.account, cmd.date, [list(pair) for pair in cmd.hours], now, cmd.orphans.recorded)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now, cmd.orphans))
    return schedule


@command
async def delete_override(cmd: DeleteOverride, log: EventLog, now: datetime) -> Schedule:
    """Return to the weekly hours on this date."""
    schedule, before = await _editable(cmd, "delete_override", log, now)
    schedule.lift_override(cmd.by.account, cmd.date, now, cmd.orphans.recorded)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now, cmd.orphans))
    return schedule


@command
async def take_time_off(cmd: TakeTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Close the calendar between two instants."""
    await check_known(cmd.by.account, log)
    schedule, before = await _editable(cmd, "create_time_off", log, now)
    schedule.take_time_off(cmd.by.account, cmd.id, cmd.off, cmd.reason, now, cmd.orphans.recorded)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now, cmd.orphans))
    return schedule


@command
async def change_time_off(cmd: ChangeTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Change start, end and reason of time off."""
    await check_known(cmd.by.account, log)
    sealed, before = await _editable(cmd, "replace_time_off", log, now)
    schedule = await log.unseal(sealed)
    schedule.change_time_off(cmd.by.account, cmd.id, cmd.off, cmd.reason, now, cmd.orphans.recorded)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now, cmd.orphans))
    return schedule


@command
async def cancel_time_off(cmd: CancelTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Cancel time off."""
    schedule, before = await _editable(cmd, "delete_time_off", log, now)
    schedule.cancel_time_off(cmd.by.account, cmd.id, now)
    await log.record(schedule, enqueues=schedule_check(before, schedule, cmd.by.account, now))
    return schedule


async def _editable(
    cmd: ChangeHours, operation: str, log: EventLog, now: datetime
) -> tuple[Schedule, Mapping[str, Any]]:
    """The schedule of a provider that has not ended, for those who act for it; and its rules as they are."""
    permit(cmd.by, operation)
    cmd.orphans.check()
    provider = await log.load(Provider, cmd.calendar_id)
    demand(cmd.by, operation, "provider", provider.id, *await staff(cmd.by, provider, log))
    provider.check_not_ended()
    schedule = await log.edit(Schedule, Schedule.id_of(cmd.calendar_id))
    cmd.expect(schedule)
    return schedule, schedule.rules(now)
