"""Invite people by e-mail to join an organization; accept, decline, withdraw and expire invitations.

An invitation is over with the rank of the member who sent it. Its address is deleted in the same transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.access import LinkPurpose, Role, demand_system, permit
from application.catalog.organization import RoleCannotJoin, rank_in
from application.event_log import Command, EventLog, command
from domain.catalog.invitation import InvitationOver, Invitations, Invitee, OpenInvitation
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.errors import NotFound, Stale
from domain.people.account import Account
from domain.personal_data import PersonalData

_JOIN = frozenset({Role.CUSTOMER, Role.PROVIDER})
"""The roles whose accounts accept invitations: a customer becomes a provider."""


@dataclass(frozen=True, kw_only=True)
class InviteMember(Command):
    """`id`: the invitation's. `address`: the stream of `email`. `language`: of the mail; None: that of the caller."""

    organization_id: UUID
    id: UUID
    email: str
    address: UUID
    rank: Rank = Rank.STAFF
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeInvitation(Command):
    """Accept, decline, withdraw, expire."""

    organization_id: UUID
    invitation_id: UUID


@command
async def invite_member(cmd: InviteMember, log: EventLog, now: datetime) -> Invitations:
    """Invite a person, in place of the open invitation to the same address. Only owners give a rank as high as theirs.

    Raises RankTooLow, TooManyInvitations.
    """
    organization, acting = await rank_in(cmd, "invite_member", log)
    organization.check_invites(acting, cmd.rank)
    (known,) = await log.edit_all(Invitations, [Invitations.id_of(organization.id)])
    invitations = known or Invitations.of(organization.id, now)
    contact = PersonalData(cmd.id, {"email": cmd.email, "language": cmd.language})
    invitee = Invitee(cmd.rank, cmd.address, contact)
    former = invitations.invite(cmd.id, invitee, cmd.by.account, now, as_admin=cmd.by.role is Role.ADMIN)
    await log.record(invitations, forgets=[] if former is None else [former])
    return invitations


@command
async def withdraw_invitation(cmd: ChangeInvitation, log: EventLog, now: datetime) -> Invitations:
    """Withdraw an open invitation. The version of the command is the invitation's. Raises RankTooLow, NotFound."""
    organization, acting = await rank_in(replace(cmd, version=None), "withdraw_invitation", log, Rank.MANAGER)
    invitations = await _invitations(organization.id, cmd.invitation_id, log)
    if (invitation := invitations.open.get(cmd.invitation_id)) is not None:
        organization.check_invites(acting, invitation.rank)
        if cmd.version not in {None, invitation.version}:
            raise Stale(invitation.version, cmd.version)
    invitations.withdraw(cmd.invitation_id, cmd.by.account, now)
    await log.record(invitations, forgets=[cmd.invitation_id])
    return invitations


@command
async def accept_invitation(cmd: ChangeInvitation, log: EventLog, now: datetime) -> Organization:
    """Join the organization; a customer's account becomes a provider's, since ranks count for providers only.

    Raises NotFound for all but the account of the invited address, InvitationOver, RoleCannotJoin.
    """
    permit(cmd.by, "accept_invitation")
    (organization,) = await log.edit_all(Organization, [cmd.organization_id])
    invitations, invitation, account = await _mine(cmd, log, now)
    if organization is None:
        raise InvitationOver
    acting = _inviters_rank(invitation, organization)
    if account.role not in _JOIN:
        raise RoleCannotJoin(f"The role of this account is `{account.role}`.")
    account.join_staff(Role.PROVIDER, now)
    if account.account_id not in organization.members:
        organization.add_member(account.account_id, account.account_id, invitation.rank, acting, now)
    invitations.accept(cmd.invitation_id, account.account_id, now)
    await log.record(organization, account, invitations, forgets=[cmd.invitation_id])
    return organization


@command
async def decline_invitation(cmd: ChangeInvitation, log: EventLog, now: datetime) -> Invitations:
    """Decline an invitation, by its link also without an account.

    Raises NotFound for all but the account of the invited address, InvitationOver.
    """
    permit(cmd.by, "decline_invitation")
    if cmd.by.link is LinkPurpose.INVITATION:
        invitations = await _invitations(cmd.organization_id, cmd.invitation_id, log)
    else:
        invitations, _, _ = await _mine(cmd, log, now)
    invitations.decline(cmd.invitation_id, now)
    await log.record(invitations, forgets=[cmd.invitation_id])
    return invitations


@command
async def expire_invitation(cmd: ChangeInvitation, log: EventLog, now: datetime) -> Invitations:
    """End an invitation whose time is over; otherwise do nothing."""
    demand_system(cmd.by)
    invitations = await _invitations(cmd.organization_id, cmd.invitation_id, log)
    invitations.expire(cmd.invitation_id, now)
    over = cmd.invitation_id not in invitations.open
    await log.record(invitations, forgets=[cmd.invitation_id] if over else [])
    return invitations


async def _invitations(organization_id: UUID, id: UUID, log: EventLog) -> Invitations:
    """To change; raises NotFound."""
    (found,) = await log.edit_all(Invitations, [Invitations.id_of(organization_id)])
    if found is None:
        raise NotFound("invitation", id)
    return found


async def _mine(cmd: ChangeInvitation, log: EventLog, now: datetime) -> tuple[Invitations, OpenInvitation, Account]:
    """The invitation to the address of the caller's account."""
    invitations = await _invitations(cmd.organization_id, cmd.invitation_id, log)
    (account,) = await log.edit_all(Account, [Account.id_of(cmd.by.account)])
    invitation = invitations.open.get(cmd.invitation_id)
    if account is None or invitation is None or invitation.address != account.address:
        raise NotFound("invitation", cmd.invitation_id)
    account.check_active()
    return invitations, invitations.live(cmd.invitation_id, now), account


def _inviters_rank(invitation: OpenInvitation, organization: Organization) -> Rank:
    """Raises InvitationOver once who invited may not give the rank any more, and once the organization is closed."""
    acting = Rank.OWNER if invitation.as_admin else organization.members.get(invitation.by)
    if acting is None or organization.closed:
        raise InvitationOver
    try:
        organization.check_invites(acting, invitation.rank)
    except RankTooLow:
        raise InvitationOver from None
    return acting
