"""Create, change and end providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import Role, Scope, demand, permit
from application.catalog.membership import check_affiliation, staff
from application.catalog.tag import coined, retagged
from application.ending import EndingCommand, EndingKind, cancellation
from application.event_log import Command, EventLog, command
from application.jobs.job import JobRequest, enqueues
from domain.catalog.organization import Rank
from domain.catalog.provider import Provider
from domain.catalog.provider_profile import ProviderDetails
from domain.errors import Invalid
from domain.people.account import Account
from domain.scheduling.schedule import Schedule
from domain.scheduling.wallclock import UnknownZone, zone


@dataclass(frozen=True, kw_only=True)
class CreateProvider(Command):
    """`owner_id`: None for the caller; only an admin may name another account."""

    id: UUID
    profile: ProviderDetails
    owner_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeProvider(Command):
    """`profile`: the fields to replace.

    `takes_appointments`: whether upcoming appointments move along to another organization. The past never does.
    """

    provider_id: UUID
    profile: Mapping[str, Any]
    takes_appointments: bool = False


@dataclass(frozen=True, kw_only=True)
class DeleteProvider(EndingCommand):
    provider_id: UUID


@dataclass(frozen=True, kw_only=True)
class MarkProvider(Command):
    """Pause or resume."""

    provider_id: UUID


@command
async def create_provider(cmd: CreateProvider, log: EventLog, now: datetime) -> Provider:
    """Create a provider with an empty schedule, owned by the caller."""
    scope = permit(cmd.by, "create_provider")
    owner_id = cmd.owner_id or cmd.by.account
    if scope is Scope.OWN and owner_id != cmd.by.account:
        raise Invalid("Only an admin may send another `owner_id`.", "/owner_id")
    check_zone(cmd.profile["timezone"], "/timezone")
    await check_affiliation(cmd.by, cmd.profile.get("organization_id"), log)
    await check_known(owner_id, log)
    tags, coins = await coined(cmd.profile.get("tags", ()), cmd, log, now)
    provider = Provider.join(cmd.id, owner_id, {**cmd.profile, "tags": tags}, now, demo=cmd.demo)
    schedule = Schedule(id=Schedule.id_of(cmd.id), calendar_id=cmd.id, timezone=cmd.profile["timezone"], timestamp=now)
    await log.record(provider, schedule, *coins)
    return provider


@command
async def change_provider(cmd: ChangeProvider, log: EventLog, now: datetime) -> Provider:
    """Replace some of the details."""
    provider = await log.unseal(await _mine(cmd, "change_provider", log))
    cmd.expect(provider)
    check_zone(cmd.profile.get("timezone", "UTC"), "/timezone")
    await _check_move(cmd, provider, log)
    await check_known(provider.owner_id, log)
    former = provider.profile.get("organization_id")
    profile, coins = await retagged(cmd.profile, provider.profile, cmd, log, now)
    provider.change(cmd.by.account, profile, now)
    await log.record(provider, *coins, enqueues=transfers(cmd, provider, former))
    return provider


@enqueues("transfer_ahead")
def transfers(cmd: ChangeProvider, provider: Provider, former: str | None) -> Sequence[JobRequest]:
    """The job by which upcoming appointments move along to another organization, if the caller chose that."""
    if not cmd.takes_appointments or provider.profile.get("organization_id") == former:
        return ()
    return [JobRequest("transfer_ahead", subject=provider.id)]


@command
async def pause_provider(cmd: MarkProvider, log: EventLog, now: datetime) -> Provider:
    """Take no new bookings for now; what is booked stays."""
    provider = await _mine(cmd, "pause_provider", log)
    cmd.expect(provider)
    provider.pause(cmd.by.account, now)
    await log.record(provider)
    return provider


@command
async def resume_provider(cmd: MarkProvider, log: EventLog, now: datetime) -> Provider:
    """Take bookings again."""
    provider = await _mine(cmd, "resume_provider", log)
    cmd.expect(provider)
    provider.resume(cmd.by.account, now)
    await log.record(provider)
    return provider


@command
async def delete_provider(cmd: DeleteProvider, log: EventLog, now: datetime) -> Provider:
    """Deactivate the provider: it takes no new bookings, existing appointments stay."""
    provider = await _mine(cmd, "delete_provider", log)
    cmd.expect(provider)
    jobs = cancellation(cmd, EndingKind.PROVIDER, cmd.provider_id)
    provider.deactivate(cmd.by.account, now)
    await log.record(provider, enqueues=jobs)
    return provider


async def _mine(cmd: ChangeProvider | DeleteProvider | MarkProvider, operation: str, log: EventLog) -> Provider:
    permit(cmd.by, operation)
    provider = await log.edit(Provider, cmd.provider_id)
    acting = await staff(cmd.by, provider, log, Rank.MANAGER)
    demand(cmd.by, operation, "provider", provider.id, *acting)
    return provider


async def _check_move(cmd: ChangeProvider, provider: Provider, log: EventLog) -> None:
    """Raise Invalid for a move to an organization, unless the caller owns the provider and manages the organization."""
    there = provider.profile.get("organization_id")
    to = cmd.profile.get("organization_id", there)
    if to not in {None, there}:  # managers who are not the owner may only take the provider out
        await check_affiliation(cmd.by, to, log)
        if cmd.by.role is not Role.ADMIN and cmd.by.id != provider.owner_id:
            raise Invalid("Only the owner may move a provider to another organization.", "/organization_id")


async def check_known(account_id: UUID, log: EventLog) -> None:
    """Raise AccountForgotten once the person is erased: no new personal data of theirs is recorded."""
    account = await log.find(Account, Account.id_of(account_id))
    if account is not None:
        account.check_known()


def check_zone(name: str, pointer: str) -> None:
    """Raise Invalid unless the name is a time zone of the IANA database."""
    try:
        zone(name)
    except UnknownZone:
        raise Invalid(f"Unknown time zone `{name}`. Use an IANA name such as Europe/Moscow.", pointer) from None
