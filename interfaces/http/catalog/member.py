"""Routes of an organization's members. Their ETag is the organization's."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.catalog.organization import (
    AddMember,
    ChangeMember,
    RemoveMember,
    add_member,
    change_member,
    remove_member,
)
from domain.catalog.organization import Organization
from domain.errors import NotFound
from interfaces.http.catalog.organization import find_organization
from interfaces.http.catalog.organization_schemas import (
    AddMemberBody,
    ChangeMemberBody,
    MemberFilters,
    MemberPage,
    MemberResponse,
    member_response,
)
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    command_response,
    empty_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from projections.query.snapshot import EVERYTHING, Snapshot
from projections.read_models import account, organization
from projections.read_models.organization import ListedMember, ListedOrganization

router = Router("/v1/organizations/{organization_id}/members", "organizations")


@router.get("", "list_members", MemberPage)
async def find(request: RequestContext, organization_id: UUID, filters: Annotated[MemberFilters, Query()]) -> Response:
    """List the members of an organization, for its members, admins and auditors."""
    async with request.snapshot("organization") as read:
        row = await _ours(request, read, organization_id)
        members, bookmark = await organization.members(read, organization_id, page(request, filters))
    names = await _names(request, members)
    items = [member_response(member, row.version, names) for member in members]
    return page_response(items, next_cursor(request, filters, bookmark), read.position)


@router.post("", "add_member", MemberResponse, status=201)
async def add(request: RequestContext, organization_id: UUID, body: AddMemberBody) -> Response:
    """Add a member to act for the organization's providers."""
    command = AddMember(
        **request.command(), organization_id=organization_id, account_id=body.account_id, rank=body.rank
    )
    done = await add_member(command, request.ports.store)
    path = f"/v1/organizations/{organization_id}/members/{body.account_id}"
    return command_response(done, lambda organization: _member(organization, body.account_id), lambda _: path)


@router.get("/{account_id}", "get_member", MemberResponse)
async def get(request: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """Get a member of an organization, for its members, admins and auditors."""
    async with request.snapshot("organization") as read:
        row = await _ours(request, read, organization_id)
        member = await organization.member(read, organization_id, account_id)
    if member is None:
        raise NotFound("member", account_id)
    shown = member_response(member, row.version, await _names(request, [member]))
    return resource_response(request.sent, row.version, shown, read.position)


@router.put("/{account_id}", "change_member", MemberResponse)
async def change(request: RequestContext, organization_id: UUID, account_id: UUID, body: ChangeMemberBody) -> Response:
    """Change a member's rank."""
    command = ChangeMember(**request.command(), organization_id=organization_id, account_id=account_id, rank=body.rank)
    done = await change_member(command, request.ports.store)
    return command_response(done, lambda organization: _member(organization, account_id))


@router.delete("/{account_id}", "remove_member")
async def remove(request: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """Remove a member. Members may remove themselves."""
    command = RemoveMember(**request.command(), organization_id=organization_id, account_id=account_id)
    return empty_response(await remove_member(command, request.ports.store))


async def _ours(request: RequestContext, read: Snapshot, organization_id: UUID) -> ListedOrganization:
    """The organization, if the caller may see its members; raises NotFound."""
    row = await find_organization(read, organization_id)
    if request.of is not None and await organization.member(read, organization_id, request.of) is None:
        raise NotFound("organization", organization_id)
    return row


async def _names(request: RequestContext, members: Sequence[ListedMember]) -> Mapping[UUID, str]:
    """The names of members, which their colleagues may know, unlike the rest of their accounts."""
    async with request.reads.open("account", sees=EVERYTHING) as read:
        return await account.names(read, [each.account_id for each in members])


def _member(organization: Organization, account_id: UUID) -> Mapping[str, Any]:
    member = ListedMember(account_id, organization.members[account_id].value)
    return member_response(member, organization.version)
