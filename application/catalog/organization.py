"""Found, change and close organizations; manage their members."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from application.access import Caller, Role, Scope, demand, permit
from application.catalog.provider import check_zone
from application.ending import EndingCommand, EndingKind, cancellation
from application.event_log import Command, EventLog, command
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.catalog.organization_profile import OrganizationProfile
from domain.errors import Conflict, Invalid
from domain.kernel import Aggregate
from domain.people.account import Account


class RoleCannotJoin(Conflict):
    """An account with this role can't be a member of an organization."""


@dataclass(frozen=True, kw_only=True)
class CreateOrganization(Command):
    """`owner_id`: None for the caller; only an admin may name another account."""

    id: UUID
    profile: OrganizationProfile
    owner_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeOrganization(Command):
    """`profile`: the fields to replace."""

    organization_id: UUID
    profile: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeleteOrganization(EndingCommand):
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


@command
async def create_organization(cmd: CreateOrganization, log: EventLog, now: datetime) -> Organization:
    """Found an organization, owned by the caller."""
    scope = permit(cmd.by, "create_organization")
    owner_id = cmd.owner_id or cmd.by.account
    if scope is Scope.OWN and owner_id != cmd.by.account:
        raise Invalid("Only an admin may send another `owner_id`.", "/owner_id")
    check_zone(cmd.profile["timezone"] or "UTC", "/timezone")
    organization = Organization(id=cmd.id, by=cmd.by.account, owner_id=owner_id, profile=cmd.profile, timestamp=now)
    await log.record(organization)
    return organization


@command
async def change_organization(cmd: ChangeOrganization, log: EventLog, now: datetime) -> Organization:
    """Replace some of the profile."""
    check_zone(cmd.profile.get("timezone") or "UTC", "/timezone")
    organization, _ = await rank_in(cmd, "change_organization", log, Rank.MANAGER)
    organization.change(cmd.by.account, cmd.profile, now)
    await log.record(organization)
    return organization


@command
async def delete_organization(cmd: DeleteOrganization, log: EventLog, now: datetime) -> Organization:
    """Close the organization: its providers take no new bookings."""
    organization, _ = await rank_in(cmd, "delete_organization", log, Rank.OWNER)
    jobs = cancellation(cmd, EndingKind.ORGANIZATION, cmd.organization_id)
    organization.close(cmd.by.account, now)
    await log.record(organization, enqueues=jobs)
    return organization


@command
async def add_member(cmd: AddMember, log: EventLog, now: datetime) -> Organization:
    """Add a member to act for the organization's providers. Only owners give a rank as high as their own."""
    organization, acting = await rank_in(cmd, "add_member", log)
    account = await log.find(Account, Account.id_of(cmd.account_id))
    if account is not None and account.role != Role.PROVIDER:
        raise RoleCannotJoin("Invite the holder of the account by e-mail: who accepts becomes a provider.")
    organization.add_member(cmd.by.account, cmd.account_id, cmd.rank, acting, now)
    await log.record(organization)
    return organization


@command
async def change_member(cmd: ChangeMember, log: EventLog, now: datetime) -> Organization:
    """Change a member's rank."""
    organization, acting = await rank_in(cmd, "change_member", log)
    organization.rank_member(cmd.by.account, cmd.account_id, cmd.rank, acting, now)
    await log.record(organization)
    return organization


@command
async def remove_member(cmd: RemoveMember, log: EventLog, now: datetime) -> Organization:
    """Remove a member; every member may leave."""
    organization, acting = await rank_in(cmd, "remove_member", log)
    organization.remove_member(cmd.by.account, cmd.account_id, acting, now)
    await log.record(organization)
    return organization


class OfOrganization(Protocol):
    """A command about an organization."""

    @property
    def by(self) -> Caller: ...
    @property
    def organization_id(self) -> UUID: ...
    def expect(self, aggregate: Aggregate) -> None: ...


async def rank_in(
    cmd: OfOrganization, operation: str, log: EventLog, least: Rank = Rank.STAFF
) -> tuple[Organization, Rank]:
    """The organization, and the caller's rank in it. Raises NotFound for a caller who is not a member, RankTooLow."""
    permit(cmd.by, operation)
    organization = await log.edit(Organization, cmd.organization_id)
    demand(cmd.by, operation, "organization", organization.id, *organization.members)
    if cmd.by.role is Role.ADMIN:
        acting = Rank.OWNER
    else:  # ranks count for providers only: a member in another role may leave, nothing else
        acting = organization.rank_of(cmd.by.account) if cmd.by.role is Role.PROVIDER else Rank.STAFF
    if not acting.reaches(least):
        raise RankTooLow
    cmd.expect(organization)
    return organization, acting
