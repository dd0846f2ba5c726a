"""Who is told of an appointment: its customer, and those who act for its provider."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from application.access import Role
from application.current_state import current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobEnqueuer, JobRequest, enqueues
from application.notifications.notice import MOVES, STAFF, TO_STAFF, NoticeKind
from application.notifications.recipient import Recipient, account_of
from domain.booking.appointment import Appointment
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.kernel import derived_id
from domain.people.account import Account

TEAM = "team"
"""The setting by which a member is told of the appointments of the organization's other providers."""
TO = "to"
"""The member of `said` that names the account of a job which tells another account than the provider's owner."""


async def members_for(appointment: Appointment, provider: Provider, store: EventStore) -> Sequence[UUID]:
    """The accounts besides the provider's owner that act for the provider in this appointment."""
    id = appointment.organization_id
    if not appointment.organization_recorded:  # release 0.1.0 did not say which one that was
        present = provider.profile.get("organization_id")
        id = UUID(present) if present else None
    organization = await current_state(Organization, id, store) if id is not None else None
    members = organization.members if organization is not None else ()
    return [each for each in members if each != provider.owner_id]


async def others_told(
    kind: NoticeKind, appointment: Appointment, provider: Provider, store: EventStore
) -> Sequence[UUID]:
    """The accounts besides the provider's owner that are told of a change.

    They are the members of the organization who want to know, and the owner of the provider before a move, whose time
    is free again.
    """
    members = await members_for(appointment, provider, store)
    told = [each for each in members if await _wants_all(each, store)]
    former = await former_owner(appointment, store) if kind in MOVES else None
    if former is not None and former not in (provider.owner_id, *told):
        told.append(former)
    return told


async def former_owner(appointment: Appointment, store: EventStore) -> UUID | None:
    """The owner of the provider before the last move; None if it was never moved."""
    before = appointment.former
    provider = await current_state(Provider, before.provider_id, store) if before is not None else None
    return None if provider is None else provider.owner_id


@enqueues("notify")
async def tell_others(
    job: Job, kind: NoticeKind, appointment: Appointment, provider: Provider, means: tuple[EventStore, JobEnqueuer]
) -> None:
    """Enqueue a job for each of the others: once, however often it is asked, since keys derive from that of the job."""
    store, jobs = means
    for account_id in await others_told(kind, appointment, provider, store):
        said = {**job.said, TO: str(account_id)}
        key = derived_id(job.key, account_id)
        await jobs.enqueue(JobRequest("notify", said, appointment.id, job.slot, key), job.correlation)


async def staff_recipient(
    job: Job, kind: NoticeKind, appointment: Appointment, provider: Provider, store: EventStore
) -> tuple[Recipient | None, str]:
    """Whom this job tells, or why nobody: forgotten, own (they made the change), unwanted."""
    to = UUID(job.said[TO]) if TO in job.said else provider.owner_id
    if TO in job.said and to not in await others_told(kind, appointment, provider, store):
        return None, "unwanted"  # the person has left, or has switched it off, since the job was enqueued
    recipient = await account_of(to, store)
    if recipient is None:
        return None, "forgotten"
    if kind not in STAFF:
        return recipient, ""
    by = appointment.ending.get("by") if kind is NoticeKind.STAFF_CANCELLED else job.said.get("by")
    if str(by) == str(to):
        return None, "own"
    return (recipient, "") if STAFF[kind] in recipient.notifications else (None, "unwanted")


async def facts_for_staff(
    kind: NoticeKind, recipient: Recipient, appointment: Appointment, provider: Provider, store: EventStore
) -> Mapping[str, str]:
    """`side`: `team` for a member; `former` for who owns the provider before a move, and does not act for this one."""
    if kind not in TO_STAFF or recipient.account_id == provider.owner_id:
        return {}
    acting = await members_for(appointment, provider, store)
    return {"side": "team" if recipient.account_id in acting else "former"}


async def _wants_all(account_id: UUID, store: EventStore) -> bool:
    account = await current_state(Account, Account.id_of(account_id), store)
    if account is None or not account.active or Role(account.role) is not Role.PROVIDER:
        return False
    recipient = await account_of(account_id, store)
    return recipient is not None and TEAM in recipient.notifications
