"""Found, change and close organizations; who belongs to one, and its holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.access import Role, Scope, demand, permit
from application.catalog.provider import check_zone
from application.event_log import Command, EventLog, command
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class CreateOrganization(Command):
    """`profile`: as in `Organization`. `owner_id`: only an admin may name another's."""

    id: UUID
    profile: Mapping[str, Any]
    owner_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeOrganization(Command):
    """`profile`: the fields to replace."""

    organization_id: UUID
    profile: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeleteOrganization(Command):
    organization_id: UUID


@dataclass(frozen=True, kw_only=True)
class AddMember(Command):
    organization_id: UUID
    account_id: UUID
    rank: Rank = Rank.STAFF


@dataclass(frozen=True, kw_only=True)
class ChangeMember(Command):
    organization_id: UUID
    account_id: UUID
    rank: Rank


@dataclass(frozen=True, kw_only=True)
class RemoveMember(Command):
    organization_id: UUID
    account_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReplaceHoliday(Command):
    organization_id: UUID
    date: date
    name: str


@dataclass(frozen=True, kw_only=True)
class DeleteHoliday(Command):
    organization_id: UUID
    date: date


@command
async def create_organization(cmd: CreateOrganization, log: EventLog, now: datetime) -> Organization:
    """An organization of which the caller is the owner."""
    scope = permit(cmd.by, "create_organization")
    owner_id = cmd.owner_id or cmd.by.account
    if scope is Scope.OWN and owner_id != cmd.by.account:
        raise Invalid("Only an admin may name another owner.", "/owner_id")
    check_zone(cmd.profile["timezone"] or "UTC", "/timezone")
    profile = dict(cmd.profile)
    organization = Organization(id=cmd.id, by=cmd.by.account, owner_id=owner_id, profile=profile, timestamp=now)
    await log.record(organization)
    return organization


@command
async def change_organization(cmd: ChangeOrganization, log: EventLog, now: datetime) -> Organization:
    """Replace some of the profile."""
    check_zone(cmd.profile.get("timezone") or "UTC", "/timezone")
    organization, _ = await _ours(cmd, "change_organization", log, Rank.MANAGER)
    organization.change(cmd.by.account, dict(cmd.profile), now)
    await log.record(organization)
    return organization


@command
async def delete_organization(cmd: DeleteOrganization, log: EventLog, now: datetime) -> Organization:
    """End it for the future: no new bookings with its providers; history stays."""
    organization, _ = await _ours(cmd, "delete_organization", log, Rank.OWNER)
    organization.close(cmd.by.account, now)
    await log.record(organization)
    return organization


@command
async def add_member(cmd: AddMember, log: EventLog, now: datetime) -> Organization:
    """Somebody who from now on acts for its providers; nobody gives a rank as high as the own, but owners."""
    organization, acting = await _ours(cmd, "add_member", log)
    organization.add_member(cmd.by.account, cmd.account_id, cmd.rank, acting, now)
    await log.record(organization)
    return organization


@command
async def change_member(cmd: ChangeMember, log: EventLog, now: datetime) -> Organization:
    """Another rank."""
    organization, acting = await _ours(cmd, "change_member", log)
    organization.rank_member(cmd.by.account, cmd.account_id, cmd.rank, acting, now)
    await log.record(organization)
    return organization


@command
async def remove_member(cmd: RemoveMember, log: EventLog, now: datetime) -> Organization:
    """From now on they act for its providers no more. Anybody may leave."""
    organization, acting = await _ours(cmd, "remove_member", log)
    organization.remove_member(cmd.by.account, cmd.account_id, acting, now)
    await log.record(organization)
    return organization


@command
async def replace_holiday(cmd: ReplaceHoliday, log: EventLog, now: datetime) -> Organization:
    """All its providers are closed on this date."""
    organization, _ = await _ours(cmd, "replace_holiday", log, Rank.MANAGER)
    organization.set_holiday(cmd.by.account, cmd.date, cmd.name, now)
    await log.record(organization)
    return organization


@command
async def delete_holiday(cmd: DeleteHoliday, log: EventLog, now: datetime) -> Organization:
    """Open again on this date, as each provider's hours say."""
    organization, _ = await _ours(cmd, "delete_holiday", log, Rank.MANAGER)
    organization.lift_holiday(cmd.by.account, cmd.date, now)
    await log.record(organization)
    return organization


_AnyOfOrganization = (
    ChangeOrganization | DeleteOrganization | AddMember | ChangeMember | RemoveMember | ReplaceHoliday | DeleteHoliday
)


async def _ours(
    cmd: _AnyOfOrganization, operation: str, log: EventLog, least: Rank = Rank.STAFF
) -> tuple[Organization, Rank]:
    """The organization, and the caller's rank in it. Raises NotFound for who is no member, RankTooLow."""
    permit(cmd.by, operation)
    organization = await log.edit(Organization, cmd.organization_id)
    demand(cmd.by, operation, "organization", organization.id, *organization.members)
    if cmd.by.role is Role.ADMIN:
        acting = Rank.OWNER
    else:  # a rank counts for staff alone: a customer may leave, and no more
        acting = organization.rank_of(cmd.by.account) if cmd.by.role is Role.PROVIDER else Rank.STAFF
    if not acting.reaches(least):
        raise RankTooLow
    cmd.expect(organization)
    return organization, acting
