"""Routes of invitations: people who were asked by e-mail to join an organization."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.catalog.invitation import (
    ChangeInvitation,
    InviteMember,
    accept_invitation,
    decline_invitation,
    invite_member,
    withdraw_invitation,
)
from domain.catalog.invitation import Invitations
from domain.catalog.organization import Organization, Rank, RankTooLow
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.catalog.organization import find_organization
from interfaces.http.catalog.organization_schemas import MemberResponse, member_response
from interfaces.http.framework.details.contact import EmailAddress, Language
from interfaces.http.framework.fields import Body, EmptyBody, Paging, Resource, Shape, plain
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.rate_limit import RateLimited, by_account
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from projections.query.snapshot import Snapshot
from projections.read_models import organization
from projections.read_models.organization import ListedInvitation, ListedMember

router = Router("/v1/organizations/{organization_id}/invitations", "organizations")


class InviteMemberBody(Body):
    """The person to invite. `language`: of the mail; null for that of the caller."""

    email: EmailAddress
    rank: Rank = Rank.STAFF
    language: Language | None = None


class InvitationResponse(Resource):
    """An open invitation. `email`: null once it is over, when Daybook has deleted the address."""

    organization_id: UUID
    email: str | None
    rank: Rank
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


class InvitationPage(Shape):
    items: list[InvitationResponse]
    next: str | None


class InvitationFilters(Paging):
    """All open invitations, the oldest first."""


def invitation_response(invitation: ListedInvitation) -> Mapping[str, Any]:
    """An invitation as JSON."""
    return {
        "id": invitation.id,
        "version": invitation.version,
        "organization_id": invitation.organization_id,
        "email": invitation.email,
        "rank": invitation.rank,
        "invited_by": invitation.invited_by,
        "created_at": plain(invitation.invited_at),
        "expires_at": plain(invitation.expires_at),
    }


@router.post("", "invite_member", InvitationResponse, status=201, needs=Needs(limit=RateLimited("invite", by_account)))
async def invite(request: RequestContext, organization_id: UUID, body: InviteMemberBody) -> Response:
    """Invite a person by e-mail. An open invitation to the same address is withdrawn."""
    command = InviteMember(
        **request.command(),
        organization_id=organization_id,
        id=new_id(),
        email=body.email,
        address=await request.ports.store.address_id(body.email),
        rank=body.rank,
        language=body.language,
    )
    done = await invite_member(command, request.ports.store)
    return command_response(done, _newest, lambda made: f"{_path(organization_id)}/{_newest(made)['id']}")


@router.get("", "list_invitations", InvitationPage)
async def find(
    request: RequestContext, organization_id: UUID, filters: Annotated[InvitationFilters, Query()]
) -> Response:
    """List the open invitations of an organization, for its owners and managers, admins and auditors."""
    now = request.ports.store.now()
    async with request.snapshot("organization") as read:
        await _check_manages(request, read, organization_id)
        rows, bookmark = await organization.invitations(
            read, organization_id, now, page(request, filters), owner=request.owner
        )
    return page_response(
        [invitation_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position
    )


@router.get("/{invitation_id}", "get_invitation", InvitationResponse)
async def get(request: RequestContext, organization_id: UUID, invitation_id: UUID) -> Response:
    """Get an open invitation. 404 once it is over."""
    async with request.snapshot("organization") as read:
        await _check_manages(request, read, organization_id)
        row = await organization.invitation(read, invitation_id, owner=request.owner)
    if row is None or row.organization_id != organization_id:
        raise NotFound("invitation", invitation_id)
    return resource_response(request.sent, row.version, invitation_response(row), read.position)


@router.delete("/{invitation_id}", "withdraw_invitation")
async def withdraw(request: RequestContext, organization_id: UUID, invitation_id: UUID) -> Response:
    """Withdraw an invitation. Its link is void at once."""
    return empty_response(
        await withdraw_invitation(_command(request, organization_id, invitation_id), request.ports.store)
    )


@router.post("/{invitation_id}/accept", "accept_invitation", MemberResponse, needs=Needs(expires=True))
async def accept(request: RequestContext, organization_id: UUID, invitation_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Accept an invitation to the address of the caller's account. A customer becomes a provider."""
    done = await accept_invitation(_command(request, organization_id, invitation_id), request.ports.store)
    account_id = request.caller.account
    return command_response(done, lambda joined: _member(joined, account_id))


@router.post("/{invitation_id}/decline", "decline_invitation", None, status=204, needs=Needs(expires=True))
async def decline(request: RequestContext, organization_id: UUID, invitation_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Decline an invitation to the address of the caller's account."""
    return empty_response(
        await decline_invitation(_command(request, organization_id, invitation_id), request.ports.store)
    )


async def _check_manages(request: RequestContext, read: Snapshot, organization_id: UUID) -> None:
    """Raise NotFound for a caller who is not a member of the organization, RankTooLow for one of the staff."""
    await find_organization(read, organization_id)
    if request.of is None:
        return
    member = await organization.member(read, organization_id, request.of)
    if member is None:
        raise NotFound("organization", organization_id)
    if not Rank(member.rank).reaches(Rank.MANAGER):
        raise RankTooLow


def _command(request: RequestContext, organization_id: UUID, invitation_id: UUID) -> ChangeInvitation:
    return ChangeInvitation(**request.command(), organization_id=organization_id, invitation_id=invitation_id)


def _path(organization_id: UUID) -> str:
    return f"/v1/organizations/{organization_id}/invitations"


def _newest(invitations: Invitations) -> Mapping[str, Any]:
    id, known = list(invitations.open.items())[-1]
    listed = ListedInvitation(
        id=id,
        organization_id=invitations.organization_id,
        version=known.version,
        rank=known.rank.value,
        email=invitations.invitees[id].get("email"),
        invited_by=known.by,
        invited_at=known.invited_at,
        expires_at=known.expires_at,
    )
    return invitation_response(listed)


def _member(organization: Organization, account_id: UUID) -> Mapping[str, Any]:
    member = ListedMember(account_id, organization.members[account_id].value)
    return member_response(member, organization.version)
