"""Invitations: who was asked by e-mail to join an organization, and has not answered yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from domain.catalog.organization import Rank
from domain.errors import Conflict, Gone, NotFound
from domain.kernel import Aggregate, derived_id, event
from domain.personal_data import PersonalData

LASTS = timedelta(days=7)
MOST = 50
"""Open invitations of one organization."""


class TooManyInvitations(Conflict):
    """This organization has as many open invitations as it may have. Withdraw one first."""


class InvitationOver(Gone):
    """This invitation was answered or withdrawn, or has expired."""


class Invitee(NamedTuple):
    """A person to invite. `contact`: email and language; the invitation's own personal data, and gone with it."""

    rank: Rank
    address: UUID
    contact: PersonalData


class OpenInvitation(NamedTuple):
    """`by`: who invited, as an admin or as a member. `address`: the stream of the e-mail address.

    `version`: of the stream, as the person was invited.
    """

    rank: Rank
    address: UUID
    by: UUID
    as_admin: bool
    invited_at: datetime
    expires_at: datetime
    version: int


class Invitations(Aggregate):
    """The open invitations of one organization: at most one for each e-mail address."""

    class Opened(Aggregate.Created):
        organization_id: UUID

    class Invited(Aggregate.Event):
        by: UUID
        organization_id: UUID
        as_admin: bool
        invitation_id: UUID
        rank: str
        address: UUID
        invitee: PersonalData
        expires_at: datetime

        def apply(self, invitations: "Invitations") -> None:
            invitation = OpenInvitation(
                Rank(self.rank),
                self.address,
                self.by,
                self.as_admin,
                self.timestamp,
                self.expires_at,
                self.originator_version,
            )
            invitations.open = {**invitations.open, self.invitation_id: invitation}
            invitations.invitees = {**invitations.invitees, self.invitation_id: self.invitee}

    class Accepted(Aggregate.Event):
        invitation_id: UUID
        account_id: UUID

        def apply(self, invitations: "Invitations") -> None:
            invitations.close(self.invitation_id)

    class Declined(Aggregate.Event):
        invitation_id: UUID

        def apply(self, invitations: "Invitations") -> None:
            invitations.close(self.invitation_id)

    class Withdrawn(Aggregate.Event):
        by: UUID
        invitation_id: UUID

        def apply(self, invitations: "Invitations") -> None:
            invitations.close(self.invitation_id)

    class Expired(Aggregate.Event):
        invitation_id: UUID

        def apply(self, invitations: "Invitations") -> None:
            invitations.close(self.invitation_id)

    @staticmethod
    def id_of(organization_id: UUID) -> UUID:
        return derived_id("invitations", organization_id)

    @event(Opened)
    def __init__(self, id: UUID, organization_id: UUID, timestamp: datetime) -> None:
        self.organization_id = organization_id
        self.open: Mapping[UUID, OpenInvitation] = {}
        self.invitees: Mapping[UUID, PersonalData] = {}

    @classmethod
    def of(cls, organization_id: UUID, now: datetime) -> Self:
        """A new stream, without invitations."""
        return cls(id=cls.id_of(organization_id), organization_id=organization_id, timestamp=now)

    def close(self, id: UUID) -> None:
        """Take over that an invitation is over."""
        self.open = {each: invitation for each, invitation in self.open.items() if each != id}
        self.invitees = {each: invitee for each, invitee in self.invitees.items() if each != id}

    def live(self, id: UUID, now: datetime) -> OpenInvitation:
        """An open invitation; raises NotFound, InvitationOver for one that has just expired."""
        if id not in self.open:
            raise NotFound("invitation", id)
        if self.open[id].expires_at <= now:
            raise InvitationOver
        return self.open[id]

    def to(self, address: UUID) -> UUID | None:
        """The open invitation to an e-mail address."""
        return next((id for id, each in self.open.items() if each.address == address), None)

    def invite(self, id: UUID, invitee: Invitee, by: UUID, now: datetime, *, as_admin: bool) -> UUID | None:
        """Invite a person, and withdraw the open invitation to the same address; the answer is that one's id.

        Raises TooManyInvitations.
        """
        former = self.to(invitee.address)
        if former is None and len(self.open) >= MOST:
            raise TooManyInvitations(f"At most {MOST} invitations are open at a time.", limit=MOST)
        if former is not None:
            self.withdraw(former, by, now)
        who = {"rank": invitee.rank.value, "address": invitee.address, "invitee": invitee.contact}
        where = {"organization_id": self.organization_id, "invitation_id": id}
        until = {"expires_at": now + LASTS, "timestamp": now}
        self.trigger_event(self.Invited, by=by, as_admin=as_admin, **where, **who, **until)
        return former

    def accept(self, id: UUID, account_id: UUID, now: datetime) -> None:
        """Raises NotFound, InvitationOver."""
        self.live(id, now)
        self.trigger_event(self.Accepted, invitation_id=id, account_id=account_id, timestamp=now)

    def decline(self, id: UUID, now: datetime) -> None:
        """Raises NotFound, InvitationOver."""
        self.live(id, now)
        self.trigger_event(self.Declined, invitation_id=id, timestamp=now)

    def withdraw(self, id: UUID, by: UUID, now: datetime) -> None:
        """Raises NotFound."""
        if id not in self.open:
            raise NotFound("invitation", id)
        self.trigger_event(self.Withdrawn, by=by, invitation_id=id, timestamp=now)

    def expire(self, id: UUID, now: datetime) -> bool:
        """End an invitation whose time is over, otherwise do nothing. Whether it is over now."""
        if id in self.open and self.open[id].expires_at <= now:
            self.trigger_event(self.Expired, invitation_id=id, timestamp=now)
        return id not in self.open
