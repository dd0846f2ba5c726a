"""Create, change and end providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Scope, demand, permit
from application.log import Command, Log, command
from application.tag import coined, retagged
from domain.errors import Invalid
from domain.provider import Provider
from domain.schedule import Schedule
from domain.wallclock import UnknownZone, zone


@dataclass(frozen=True, kw_only=True)
class CreateProvider(Command):
    """`profile`: as in `Provider`. `owner_id`: only an admin may name another's."""

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
async def create_provider(cmd: CreateProvider, log: Log, now: datetime) -> Provider:
    """A provider with an empty schedule, owned by the caller."""
    scope = permit(cmd.by, "create_provider")
    owner_id = cmd.owner_id or cmd.by.account
    if scope is Scope.OWN and owner_id != cmd.by.account:
        raise Invalid("Only an admin may name another owner.", "/owner_id")
    check_zone(cmd.profile["timezone"], "/timezone")
    tags, coins = await coined(cmd.profile["tags"], cmd, log, now)
    profile = {**cmd.profile, "tags": tags}
    provider = Provider(id=cmd.id, owner_id=owner_id, profile=profile, timestamp=now)
    schedule = Schedule(
        id=Schedule.id_of(cmd.id), calendar_id=cmd.id, timezone=cmd.profile["timezone"], timestamp=now
    )
    await log.record(provider, schedule, *coins)
    return provider


@command
async def change_provider(cmd: ChangeProvider, log: Log, now: datetime) -> Provider:
    """Replace some of the profile."""
    provider = await _mine(cmd, "change_provider", log)
    cmd.expect(provider)
    check_zone(cmd.profile.get("timezone", "UTC"), "/timezone")
    profile, coins = await retagged(cmd.profile, provider.profile, cmd, log, now)
    provider.change(cmd.by.account, profile, now)
    await log.record(provider, *coins)
    return provider


@command
async def delete_provider(cmd: DeleteProvider, log: Log, now: datetime) -> Provider:
    """End it for the future; appointments and history stay."""
    provider = await _mine(cmd, "delete_provider", log)
    cmd.expect(provider)
    provider.deactivate(cmd.by.account, now)
    await log.record(provider)
    return provider


async def _mine(cmd: ChangeProvider | DeleteProvider, operation: str, log: Log) -> Provider:
    permit(cmd.by, operation)
    provider = await log.edit(Provider, cmd.provider_id)
    demand(cmd.by, operation, "provider", provider.id, provider.owner_id)
    return provider


def check_zone(name: str, pointer: str) -> None:
    """Raise Invalid unless the zone is one of the IANA database."""
    try:
        zone(name)
    except UnknownZone:
        raise Invalid(f"{name!r} is not a time zone of the IANA database.", pointer) from None
