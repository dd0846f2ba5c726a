"""The person who opens a link from a mail, and whether the link is still theirs."""

from dataclasses import dataclass
from uuid import UUID

from application.access import LINK_SCOPES, Caller, LinkPurpose, Role
from application.current_state import current_state
from application.event_log import EventStore
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
    person = await _person(capability, store)
    recipient = None if person is None else await customer_of(person, store)
    if person is None or recipient is None or not links.is_of(capability, recipient.email):
        raise LinkVoid
    role = await _role(capability.purpose, recipient, store)
    scopes = LINK_SCOPES[capability.purpose]
    return LinkHolder(Caller(person, role, scopes=scopes, link=capability.purpose), recipient)


async def _role(purpose: LinkPurpose, recipient: Recipient, store: EventStore) -> Role:
    """The role in which the person acts: that of the account, but for what concerns them as a customer."""
    if recipient.account_id is None:
        return Role.CUSTOMER
    account = await current_state(Account, Account.id_of(recipient.account_id), store)
    if account is None or not account.active:
        raise LinkVoid
    return Role.CUSTOMER if purpose in _AS_CUSTOMER else Role(account.role)


async def _person(capability: Capability, store: EventStore) -> UUID | None:
    """The person whom the subject belongs to now; None if there is no such subject."""
    subject = capability.subject
    match capability.purpose:
        case LinkPurpose.APPOINTMENT:
            appointment = await current_state(Appointment, subject, store)
            return None if appointment is None else appointment.customer_id
        case LinkPurpose.STAFF:
            return await _owner(subject, store)
        case LinkPurpose.OFFER:
            waiting = await current_state(Waiting, subject, store)
            return None if waiting is None else waiting.customer_id
        case LinkPurpose.WEBHOOK:
            webhook = await current_state(Webhook, subject, store)
            return None if webhook is None else webhook.subscriber
        case LinkPurpose.MAILS:
            return subject
        case LinkPurpose.INVITATION:  # who has it may have no account: see `invited_person`
            return None


async def _owner(appointment_id: UUID, store: EventStore) -> UUID | None:
    """The owner of the appointment's provider."""
    appointment = await current_state(Appointment, appointment_id, store)
    provider = None if appointment is None else await current_state(Provider, appointment.provider_id, store)
    return None if provider is None else provider.owner_id
