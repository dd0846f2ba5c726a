"""Create, change and end providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Role, Scope, demand, permit
from application.catalog.membership import check_affiliation, staff
from application.catalog.tag import coined, retagged
from application.event_log import Command, EventLog, command
from domain.catalog.organization import Rank
from domain.catalog.provider import Provider
from domain.errors import Invalid
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from domain.scheduling.wallclock import UnknownZone, zone


@dataclass(frozen=True, kw_only=True)
class CreateProvider(Command):
    """`profile`: all that `Provider` tells. `owner_id`: only an admin may name another's."""

    id: UUID
    profile: Mapping[str, Any]
    owner_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeProvider(Command):
    """`profile`: the fields to replace."""

    provider_id: UUID
    profile: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeleteProvider(Command):
    provider_id: UUID


@command
async def create_provider(cmd: CreateProvider, log: EventLog, now: datetime) -> Provider:
    """A provider with an empty schedule, owned by the caller."""
    scope = permit(cmd.by, "create_provider")
    owner_id = cmd.owner_id or cmd.by.account
    if scope is Scope.OWN and owner_id != cmd.by.account:
        raise Invalid("Only an admin may name another owner.", "/owner_id")
    check_zone(cmd.profile["timezone"], "/timezone")
    await check_affiliation(cmd.by, cmd.profile["organization_id"], log)
    await check_known(owner_id, log)
    tags, coins = await coined(cmd.profile["tags"], cmd, log, now)
    provider = Provider.join(cmd.id, owner_id, {**cmd.profile, "tags": tags}, now)
    schedule = Schedule(id=Schedule.id_of(cmd.id), calendar_id=cmd.id, timezone=cmd.profile["timezone"], timestamp=now)
    await log.record(provider, schedule, *coins)
    return provider


@command
async def change_provider(cmd: ChangeProvider, log: EventLog, now: datetime) -> Provider:
    """Replace some of the profile."""
    provider = await log.unseal(await _mine(cmd, "change_provider", log))
    cmd.expect(provider)
    check_zone(cmd.profile.get("timezone", "UTC"), "/timezone")
    await _check_move(cmd, provider, log)
    await check_known(provider.owner_id, log)
    profile, coins = await retagged(cmd.profile, provider.profile, cmd, log, now)
    provider.change(cmd.by.account, profile, now)
    await log.record(provider, *coins)
    return provider


@command
async def delete_provider(cmd: DeleteProvider, log: EventLog, now: datetime) -> Provider:
    """End it for the future; appointments and history stay."""
    provider = await _mine(cmd, "delete_provider", log)
    cmd.expect(provider)
    provider.deactivate(cmd.by.account, now)
    await log.record(provider)
    return provider


async def _mine(cmd: ChangeProvider | DeleteProvider, operation: str, log: EventLog) -> Provider:
    permit(cmd.by, operation)
    provider = await log.edit(Provider, cmd.provider_id)
    acting = await staff(cmd.by, provider, log, Rank.MANAGER)
    demand(cmd.by, operation, "provider", provider.id, *acting)
    return provider


async def _check_move(cmd: ChangeProvider, provider: Provider, log: EventLog) -> None:
    """Raise Invalid where it would go to an organization, unless the caller is its owner and manages that."""
    there = provider.profile.get("organization_id")
    to = cmd.profile.get("organization_id", there)
    if to not in {None, there}:  # managers who are not the owner may let it go, but not take it along
        await check_affiliation(cmd.by, to, log)
        if cmd.by.role is not Role.ADMIN and cmd.by.id != provider.owner_id:
            raise Invalid("Only its owner takes a provider to another organization.", "/organization_id")


async def check_known(account_id: UUID, log: EventLog) -> None:
    """Whoever is forgotten meanwhile, of them nothing more is recorded: raises AccountForgotten."""
    account = await log.find(Account, Account.id_of(account_id))
    if account is not None:
        account.check_known()


def check_zone(name: str, pointer: str) -> None:
    """Raise Invalid unless the zone is one of the IANA database."""
    try:
        zone(name)
    except UnknownZone:
        raise Invalid(f"{name!r} is not a time zone of the IANA database.", pointer) from None
