"""Offer, change and withdraw services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import demand, permit
from application.catalog.membership import check_affiliation, reaches, staff
from application.catalog.tag import coined, retagged
from application.ending import EndingCommand, EndingKind, cancellation
from application.event_log import Command, EventLog, command
from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.catalog.service_terms import ServiceTerms, check_sense, replaced, service_hours
from domain.errors import Invalid, NotFound
from domain.scheduling.opening_hours import overlapping


@dataclass(frozen=True, kw_only=True)
class CreateService(Command):
    id: UUID
    terms: ServiceTerms


@dataclass(frozen=True, kw_only=True)
class ChangeService(Command):
    """`terms`: the fields to replace."""

    service_id: UUID
    terms: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeleteService(EndingCommand):
    service_id: UUID


@dataclass(frozen=True, kw_only=True)
class MarkService(Command):
    """Pause or resume."""

    service_id: UUID


@command
async def create_service(cmd: CreateService, log: EventLog, now: datetime) -> Service:
    """Create a service of one or more of the caller's providers."""
    permit(cmd.by, "create_service")
    await check_affiliation(cmd.by, cmd.terms["organization_id"], log)
    await _check_terms(cmd, "create_service", cmd.terms, log)
    check_sense(cmd.terms)
    tags, coins = await coined(cmd.terms["tags"], cmd, log, now)
    own = {"tags": tags, **await _currency(cmd.terms, cmd.terms["organization_id"], log)}
    service = Service(id=cmd.id, by=cmd.by.account, terms=replaced(cmd.terms, own), timestamp=now)
    await log.record(service, *coins)
    return service


@command
async def change_service(cmd: ChangeService, log: EventLog, now: datetime) -> Service:
    """Replace some of the terms, for future bookings."""
    service = await _mine(cmd, "change_service", log)
    present = service.terms["organization_id"]
    if (organization_id := cmd.terms.get("organization_id", present)) != present:
        await check_affiliation(cmd.by, organization_id, log)
    wanted = replaced(service.terms, cmd.terms)
    await _check_terms(cmd, "change_service", wanted, log, service.provider_ids)
    check_sense(wanted, service.terms)
    terms, coins = await retagged(cmd.terms, service.terms, cmd, log, now)
    service.change(cmd.by.account, {**terms, **await _currency(cmd.terms, organization_id, log)}, now)
    await log.record(service, *coins)
    return service


@command
async def pause_service(cmd: MarkService, log: EventLog, now: datetime) -> Service:
    """Take no new bookings for now; what is booked stays."""
    service = await _mine(cmd, "pause_service", log)
    service.pause(cmd.by.account, now)
    await log.record(service)
    return service


@command
async def resume_service(cmd: MarkService, log: EventLog, now: datetime) -> Service:
    """Take bookings again."""
    service = await _mine(cmd, "resume_service", log)
    service.resume(cmd.by.account, now)
    await log.record(service)
    return service


@command
async def delete_service(cmd: DeleteService, log: EventLog, now: datetime) -> Service:
    """Withdraw the service: it takes no new bookings, existing appointments stay."""
    service = await _mine(cmd, "delete_service", log)
    jobs = cancellation(cmd, EndingKind.SERVICE, cmd.service_id)
    service.withdraw(cmd.by.account, now)
    await log.record(service, enqueues=jobs)
    return service


async def _currency(given: Mapping[str, Any], organization_id: str | None, log: EventLog) -> Mapping[str, str]:
    """The organization's currency where the terms have none. Raises Invalid if that has none either."""
    if given.get("currency", "") is not None:
        return {}
    organization = await log.find(Organization, UUID(organization_id)) if organization_id else None
    code = organization.profile.get("currency") if organization else None
    if code is None:
        raise Invalid("Required, unless an organization has a currency.", "/currency")
    return {"currency": code}


async def _mine(cmd: ChangeService | DeleteService | MarkService, operation: str, log: EventLog) -> Service:
    permit(cmd.by, operation)
    service = await log.edit(Service, cmd.service_id)
    id = service.terms["organization_id"]
    if id is None or (organization := await log.find(Organization, UUID(id))) is None:
        for provider in [await log.load(Provider, each) for each in service.provider_ids]:
            acting = await staff(cmd.by, provider, log, Rank.MANAGER)
            demand(cmd.by, operation, "service", service.id, *acting)
    elif not reaches(cmd.by, organization, Rank.MANAGER):
        raise NotFound("service", service.id)
    cmd.expect(service)
    return service


async def _check_terms(
    cmd: Command, operation: str, terms: ServiceTerms, log: EventLog, known: Sequence[UUID] = ()
) -> None:
    """Raise Invalid unless the caller acts for all providers and the hours don't overlap. New providers must be active.

    `known`: the providers that already offer the service.
    """
    for provider_id in terms["provider_ids"]:
        provider = await log.find(Provider, UUID(provider_id))
        try:
            if provider is None:
                raise NotFound("provider", provider_id)
            acting = await staff(cmd.by, provider, log, Rank.MANAGER)
            demand(cmd.by, operation, "provider", provider.id, *acting)
        except NotFound as unknown:
            raise Invalid(unknown.detail, "/provider_id") from None
        if terms["organization_id"] not in {None, provider.profile.get("organization_id")}:
            raise Invalid(f"Provider {provider_id} does not belong to the organization.", "/provider_ids")
        if provider.id not in known:
            provider.check_not_ended()
    if overlapping(service_hours(terms)):
        raise Invalid("The hours overlap.", "/hours")
