"""The person who opens a link from a mail, and whether the link is still theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.access import LINK_SCOPES, Caller, LinkPurpose, Role
from application.current_state import current_state
from application.customer_record import current_record
from application.event_log import EventStore
from application.notifications.audience import members_for
from application.notifications.links import Capability, Links, LinkVoid
from application.notifications.recipient import Recipient, customer_of
from domain.booking.appointment import Appointment
from domain.booking.waitlist import Waiting
from domain.catalog.provider import Provider
from domain.people.account import Account
from domain.webhooks.webhook import Webhook

_AS_CUSTOMER = frozenset({LinkPurpose.APPOINTMENT, LinkPurpose.OFFER, LinkPurpose.MAILS})


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """`caller`: the person, with the operations of the link alone. `recipient`: how they are addressed."""

    caller: Caller
    recipient: Recipient


async def holder_of(capability: Capability, links: Links, store: EventStore) -> LinkHolder:
    """The person the link was sent to.

    Raises LinkVoid once their address or status has changed, they were erased, or the subject belongs to another.
    """
    for person in await _people(capability, store):
        recipient = await customer_of(person, store)
        if recipient is None or not links.is_of(capability, recipient.email):
            continue
        role = await _role(capability.purpose, recipient, store)
        scopes = LINK_SCOPES[capability.purpose]
        return LinkHolder(Caller(person, role, scopes=scopes, link=capability.purpose), recipient)
    raise LinkVoid


async def _role(purpose: LinkPurpose, recipient: Recipient, store: EventStore) -> Role:
    """The role in which the person acts: that of the account, but for what concerns them as a customer."""
    if recipient.account_id is None:
        return Role.CUSTOMER
    account = await current_state(Account, Account.id_of(recipient.account_id), store)
    if account is None or not account.active:
        raise LinkVoid
    return Role.CUSTOMER if purpose in _AS_CUSTOMER else Role(account.role)


async def _people(capability: Capability, store: EventStore) -> Sequence[UUID]:
    """Those to whom such a link may have gone: the person whom the subject belongs to now, or all who act for it."""
    if capability.purpose is LinkPurpose.STAFF:
        return await _staff(capability.subject, store)
    person = await _person(capability, store)
    return [] if person is None else [person]


async def _person(capability: Capability, store: EventStore) -> UUID | None:
    """The person whom the subject belongs to now; None if there is no such subject."""
    subject = capability.subject
    match capability.purpose:
        case LinkPurpose.APPOINTMENT:
            appointment = await current_state(Appointment, subject, store)
            return None if appointment is None else await _customer(appointment.customer_id, store)
        case LinkPurpose.OFFER:
            waiting = await current_state(Waiting, subject, store)
            return None if waiting is None else await _customer(waiting.customer_id, store)
        case LinkPurpose.WEBHOOK:
            webhook = await current_state(Webhook, subject, store)
            return None if webhook is None else webhook.subscriber
        case LinkPurpose.MAILS | LinkPurpose.NOTIFICATIONS:
            return subject
        case LinkPurpose.STAFF | LinkPurpose.INVITATION:  # see `_staff`; who is invited may have no account
            return None


async def _customer(customer_id: UUID, store: EventStore) -> UUID:
    """The customer whose record stands for this one."""
    record = await current_record(customer_id, store)
    return customer_id if record is None else record.id


async def _staff(appointment_id: UUID, store: EventStore) -> Sequence[UUID]:
    """The owner of the appointment's provider, then the others that act for it."""
    appointment = await current_state(Appointment, appointment_id, store)
    provider = None if appointment is None else await current_state(Provider, appointment.provider_id, store)
    if appointment is None or provider is None:
        return []
    return [provider.owner_id, *await members_for(appointment, provider, store)]
