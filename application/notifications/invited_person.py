"""The person who opens the link of an invitation, with or without an account."""

from dataclasses import dataclass
from uuid import UUID

from application.access import LINK_SCOPES, Caller, LinkPurpose, Role
from application.current_state import current_state
from application.event_log import EventStore
from application.notifications.link_holder import LinkHolder
from application.notifications.links import Capability, Links, LinkVoid
from application.notifications.recipient import Recipient
from domain.catalog.invitation import InvitationOver, Invitations, OpenInvitation
from domain.catalog.organization import Organization
from domain.kernel import derived_id
from domain.people.account import Account
from domain.people.email_address import Address


@dataclass(frozen=True, slots=True)
class InvitedPerson:
    """`holder`: the person; without an account (`account` is None), as the account that accepting makes."""

    holder: LinkHolder
    invitation_id: UUID
    invitation: OpenInvitation
    organization: Organization
    account: Account | None


async def invited_person(capability: Capability, links: Links, store: EventStore) -> InvitedPerson:
    """Who was invited to the organization by a mail to the mailbox of the link.

    Raises LinkVoid for a link of another purpose, InvitationOver without an open invitation to that mailbox.
    """
    if capability.purpose is not LinkPurpose.INVITATION:
        raise LinkVoid
    organization = await current_state(Organization, capability.subject, store)
    invitations = await current_state(Invitations, Invitations.id_of(capability.subject), store)
    if organization is None or organization.closed or invitations is None:
        raise InvitationOver
    for id, contact in invitations.invitees.items():
        if links.is_of(capability, contact.get("email")):
            invitation = invitations.live(id, store.now())
            holder, account = await _holder(id, invitation, contact.value or {}, store)
            return InvitedPerson(holder, id, invitation, organization, account)
    raise InvitationOver


async def _holder(
    id: UUID, invitation: OpenInvitation, contact: dict[str, str | None], store: EventStore
) -> tuple[LinkHolder, Account | None]:
    """The account of the address, or the one to make: the same at each try."""
    address = await current_state(Address, invitation.address, store)
    account_id = (address.holder if address else None) or derived_id("invited", id)
    account = await current_state(Account, Account.id_of(account_id), store)
    role = Role.PROVIDER if account is None else Role(account.role)
    scopes = LINK_SCOPES[LinkPurpose.INVITATION]
    recipient = Recipient(
        name="",
        email=contact["email"],
        language=contact.get("language") or "",
        account_id=None if account is None else account_id,
    )
    return LinkHolder(Caller(account_id, role, scopes=scopes, link=LinkPurpose.INVITATION), recipient), account
