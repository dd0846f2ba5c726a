"""Membership: the owner of a provider acts for it, and the members of its organization as far as their rank allows.

An organization is loaded only for staff who are not the owner. It is then part of the read set: a decision that was
based on an ended membership is not recorded.
"""

from collections.abc import Collection
from uuid import UUID

from application.access import Caller, Role
from application.event_log import EventReader
from domain.booking.appointment import Appointment
from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.errors import Invalid
from domain.people.customer import Customer


async def organization_of(provider: Provider, log: EventReader) -> Organization | None:
    """The organization that the provider belongs to, closed or not."""
    id = provider.profile.get("organization_id")
    return None if id is None else await log.find(Organization, UUID(id))


async def staff(by: Caller, provider: Provider, log: EventReader, least: Rank = Rank.STAFF) -> Collection[UUID]:
    """The accounts that act for the provider, for `demand`: its owner, and the caller if a member of this rank.

    Empty for callers in another role: an owner who has lost the role provider acts for no provider.
    """
    if by.role is not Role.PROVIDER:
        return ()
    if by.id != provider.owner_id:
        organization = await organization_of(provider, log)
        if organization is not None and reaches(by, organization, least):
            return provider.owner_id, by.account
    return (provider.owner_id,)


async def record_staff(by: Caller, appointment: Appointment, provider: Provider, log: EventReader) -> Collection[UUID]:
    """As `staff`, for an appointment: of the organization under which it was made, not of the provider's."""
    if not appointment.organization_recorded:  # release 0.1.0 did not say which one that was
        return await staff(by, provider, log)
    if by.role is not Role.PROVIDER:
        return ()
    if by.id != provider.owner_id and appointment.organization_id is not None:
        organization = await log.find(Organization, appointment.organization_id)
        if organization is not None and reaches(by, organization, Rank.STAFF):
            return provider.owner_id, by.account
    return (provider.owner_id,)


async def acts(by: Caller, provider: Provider, log: EventReader) -> bool:
    """Whether the caller acts for the provider, as admin, owner or member."""
    return by.role is Role.ADMIN or by.id in await staff(by, provider, log)


def reaches(by: Caller, organization: Organization, least: Rank) -> bool:
    """Whether the caller is an admin, or a member of at least this rank."""
    if by.role is Role.ADMIN:
        return True
    rank = organization.members.get(by.account) if by.role is Role.PROVIDER else None
    return rank is not None and rank.reaches(least)


async def check_affiliation(by: Caller, id: UUID | str | None, log: EventReader, least: Rank = Rank.MANAGER) -> None:
    """Raise Invalid unless the organization is open and the caller's rank in it is high enough."""
    if id is None:
        return
    organization = await log.find(Organization, UUID(str(id)))
    if organization is None or organization.closed or not reaches(by, organization, least):
        raise Invalid(f"There is no organization {id}, or you do not have access.", "/organization_id")


async def hosts(by: Caller, customer: Customer, log: EventReader) -> Collection[UUID]:
    """The accounts that manage a guest, for `demand`: the staff who entered it, or the members of its organization."""
    if by.role is not Role.PROVIDER:
        return ()
    if customer.organization_id is None:
        return (customer.registered_by,)
    organization = await log.find(Organization, customer.organization_id)
    return (by.account,) if organization is not None and reaches(by, organization, Rank.STAFF) else ()
