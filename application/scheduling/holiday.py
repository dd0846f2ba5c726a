"""Set and remove the holidays of an organization, on which all its providers are closed."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from application.catalog.organization import rank_in
from application.event_log import Command, EventLog, command
from application.scheduling.hours_change import DECIDE_LATER, OrphanHandling, holiday_check
from domain.catalog.organization import Organization, Rank


@dataclass(frozen=True, kw_only=True)
class ReplaceHoliday(Command):
    """`orphans`: what becomes of the appointments on this date."""

    organization_id: UUID
    date: date
    name: str
    orphans: OrphanHandling = DECIDE_LATER


@dataclass(frozen=True, kw_only=True)
class DeleteHoliday(Command):
    organization_id: UUID
    date: date


@command
async def replace_holiday(cmd: ReplaceHoliday, log: EventLog, now: datetime) -> Organization:
    """Close all providers of the organization on this date."""
    cmd.orphans.check()
    organization, _ = await rank_in(cmd, "replace_holiday", log, Rank.MANAGER)
    organization.set_holiday(cmd.by.account, cmd.date, cmd.name, now)
    jobs = holiday_check(organization, cmd.date, cmd.by.account, cmd.orphans)
    await log.record(organization, enqueues=jobs)
    return organization


@command
async def delete_holiday(cmd: DeleteHoliday, log: EventLog, now: datetime) -> Organization:
    """Remove a holiday."""
    organization, _ = await rank_in(cmd, "delete_holiday", log, Rank.MANAGER)
    organization.lift_holiday(cmd.by.account, cmd.date, now)
    await log.record(organization, enqueues=holiday_check(organization, cmd.date, cmd.by.account))
    return organization
