"""Change the weekly hours, overrides and time off of a provider's calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from application.access import demand, permit
from application.catalog.membership import staff
from application.catalog.provider import check_known, check_zone
from application.event_log import Command, EventLog, command
from domain.catalog.provider import Provider
from domain.scheduling.interval import Interval
from domain.scheduling.schedule import Schedule, WeeklyHours


@dataclass(frozen=True, kw_only=True)
class ReplaceSchedule(Command):
    """`weekly`: weekday "0".."6", Monday first -> [[opens, closes], ...] in minutes of the local day."""

    calendar_id: UUID
    timezone: str
    weekly: WeeklyHours


@dataclass(frozen=True, kw_only=True)
class ReplaceOverride(Command):
    """`hours`: [[opens, closes], ...] in minutes; none closes the date."""

    calendar_id: UUID
    date: date
    hours: Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class DeleteOverride(Command):
    calendar_id: UUID
    date: date


@dataclass(frozen=True, kw_only=True)
class TakeTimeOff(Command):
    calendar_id: UUID
    id: UUID
    off: Interval
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ChangeTimeOff(Command):
    calendar_id: UUID
    id: UUID
    off: Interval
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CancelTimeOff(Command):
    calendar_id: UUID
    id: UUID


@command
async def replace_schedule(cmd: ReplaceSchedule, log: EventLog, now: datetime) -> Schedule:
    """Replace time zone and weekly hours."""
    check_zone(cmd.timezone, "/timezone")
    schedule = await _mine(cmd, "replace_schedule", log)
    schedule.set_weekly(cmd.by.account, cmd.timezone, cmd.weekly, now)
    await log.record(schedule)
    return schedule


@command
async def replace_override(cmd: ReplaceOverride, log: EventLog, now: datetime) -> Schedule:
    """Replace the hours of one date."""
    schedule = await _mine(cmd, "replace_override", log)
    schedule.override(cmd.by.account, cmd.date, [list(pair) for pair in cmd.hours], now)
    await log.record(schedule)
    return schedule


@command
async def delete_override(cmd: DeleteOverride, log: EventLog, now: datetime) -> Schedule:
    """Return to the weekly hours on this date."""
    schedule = await _mine(cmd, "delete_override", log)
    schedule.lift_override(cmd.by.account, cmd.date, now)
    await log.record(schedule)
    return schedule


@command
async def take_time_off(cmd: TakeTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Close the calendar between two instants."""
    await check_known(cmd.by.account, log)
    schedule = await _mine(cmd, "create_time_off", log)
    schedule.take_time_off(cmd.by.account, cmd.id, cmd.off, cmd.reason, now)
    await log.record(schedule)
    return schedule


@command
async def change_time_off(cmd: ChangeTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Change start, end and reason of time off."""
    await check_known(cmd.by.account, log)
    schedule = await log.unseal(await _mine(cmd, "replace_time_off", log))
    schedule.change_time_off(cmd.by.account, cmd.id, cmd.off, cmd.reason, now)
    await log.record(schedule)
    return schedule


@command
async def cancel_time_off(cmd: CancelTimeOff, log: EventLog, now: datetime) -> Schedule:
    """Cancel time off."""
    schedule = await _mine(cmd, "delete_time_off", log)
    schedule.cancel_time_off(cmd.by.account, cmd.id, now)
    await log.record(schedule)
    return schedule


_AnyOfSchedule = ReplaceSchedule | ReplaceOverride | DeleteOverride | TakeTimeOff | ChangeTimeOff | CancelTimeOff


async def _mine(cmd: _AnyOfSchedule, operation: str, log: EventLog) -> Schedule:
    permit(cmd.by, operation)
    provider = await log.load(Provider, cmd.calendar_id)
    demand(cmd.by, operation, "provider", provider.id, *await staff(cmd.by, provider, log))
    provider.check_not_ended()
    schedule = await log.edit(Schedule, Schedule.id_of(cmd.calendar_id))
    cmd.expect(schedule)
    return schedule
