"""Organizations: businesses, who belongs to them, and their holidays. All under the organization's ETag."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.access import Role
from application.catalog.organization import (
    AddMember,
    ChangeMember,
    ChangeOrganization,
    CreateOrganization,
    DeleteHoliday,
    DeleteOrganization,
    RemoveMember,
    ReplaceHoliday,
    add_member,
    change_member,
    change_organization,
    create_organization,
    delete_holiday,
    delete_organization,
    remove_member,
    replace_holiday,
)
from domain.catalog.organization import Organization
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.catalog.organization_schemas import (
    AddMemberBody,
    ChangeMemberBody,
    ChangeOrganizationBody,
    CreateOrganizationBody,
    HolidayFilters,
    HolidayPage,
    HolidayResponse,
    MemberFilters,
    MemberPage,
    MemberResponse,
    OrganizationFilters,
    OrganizationPage,
    OrganizationResponse,
    ReplaceHolidayBody,
    ReplaceOrganizationBody,
    holiday_response,
    member_response,
    organization_response,
    profile,
)
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PRIVATE,
    PUBLIC,
    command_response,
    empty_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from projections.query.snapshot import Snapshot
from projections.read_models import organization as organizations
from projections.read_models.organization import ListedHoliday, ListedMember, ListedOrganization

router = Router("/v1/organizations", "organizations")


def location(organization: Organization) -> str:
    return f"/v1/organizations/{organization.id}"


@router.post("", "create_organization", OrganizationResponse, status=201)
async def create(request: RequestContext, body: CreateOrganizationBody) -> Response:
    """Found an organization, of which the caller is the owner."""
    command = CreateOrganization(**request.command(), id=new_id(), profile=profile(body), owner_id=body.owner_id)
    return command_response(await create_organization(command, request.ports.store), organization_response, location)


@router.get("", "list_organizations", OrganizationPage)
async def find(request: RequestContext, filters: Annotated[OrganizationFilters, Query()]) -> Response:
    """Find organizations. Who belongs to one is told to its members."""
    member_id = filters.member_id
    knows_all = member_id is None or request.caller.role in {Role.ADMIN, Role.AUDITOR}
    of = None if knows_all else request.caller.account
    async with request.snapshot("organization") as read:
        rows, bookmark = await organizations.find(read, page(request, filters), q=filters.q, member_id=member_id, of=of)
    cache = PUBLIC if member_id is None else PRIVATE
    return page_response(
        [organization_response(row) for row in rows], sealed(request, filters, bookmark), read.position, cache
    )


@router.get("/{organization_id}", "get_organization", OrganizationResponse)
async def get(request: RequestContext, organization_id: UUID) -> Response:
    """Show an organization."""
    async with request.snapshot("organization") as read:
        row = await _row(read, organization_id)
    return resource_response(request.sent, row.version, organization_response(row), read.position, PUBLIC)


@router.put("/{organization_id}", "replace_organization", OrganizationResponse)
async def replace(request: RequestContext, organization_id: UUID, body: ReplaceOrganizationBody) -> Response:
    """Replace the whole profile; members and holidays stay."""
    said = profile(body)
    command = ChangeOrganization(**request.command(), organization_id=organization_id, profile=said)
    return command_response(await change_organization(command, request.ports.store), organization_response)


@router.patch("/{organization_id}", "change_organization", OrganizationResponse)
async def change(request: RequestContext, organization_id: UUID, body: ChangeOrganizationBody) -> Response:
    """Change some of the profile."""
    said = profile(body, partly=True)
    command = ChangeOrganization(**request.command(), organization_id=organization_id, profile=said)
    return command_response(await change_organization(command, request.ports.store), organization_response)


@router.delete("/{organization_id}", "delete_organization")
async def delete(request: RequestContext, organization_id: UUID) -> Response:
    """Close an organization: no new bookings with its providers; appointments and history stay."""
    command = DeleteOrganization(**request.command(), organization_id=organization_id)
    return empty_response(await delete_organization(command, request.ports.store))


@router.get("/{organization_id}/members", "list_members", MemberPage)
async def list_members(
    request: RequestContext, organization_id: UUID, filters: Annotated[MemberFilters, Query()]
) -> Response:
    """List who belongs to an organization that the caller belongs to."""
    async with request.snapshot("organization") as read:
        row = await _ours(request, read, organization_id)
        members, bookmark = await organizations.members(read, organization_id, page(request, filters))
    items = [member_response(member, row.version) for member in members]
    return page_response(items, sealed(request, filters, bookmark), read.position)


@router.post("/{organization_id}/members", "add_member", MemberResponse, status=201)
async def add(request: RequestContext, organization_id: UUID, body: AddMemberBody) -> Response:
    """Let an account act for the organization's providers."""
    command = AddMember(
        **request.command(), organization_id=organization_id, account_id=body.account_id, rank=body.rank
    )
    done = await add_member(command, request.ports.store)
    path = f"/v1/organizations/{organization_id}/members/{body.account_id}"
    return command_response(done, lambda organization: _member(organization, body.account_id), lambda _: path)


@router.get("/{organization_id}/members/{account_id}", "get_member", MemberResponse)
async def get_member(request: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """Show a member of an organization that the caller belongs to."""
    async with request.snapshot("organization") as read:
        row = await _ours(request, read, organization_id)
        member = await organizations.member(read, organization_id, account_id)
    if member is None:
        raise NotFound("member", account_id)
    return resource_response(request.sent, row.version, member_response(member, row.version), read.position)


@router.put("/{organization_id}/members/{account_id}", "change_member", MemberResponse)
async def rank(request: RequestContext, organization_id: UUID, account_id: UUID, body: ChangeMemberBody) -> Response:
    """Give a member another rank."""
    command = ChangeMember(**request.command(), organization_id=organization_id, account_id=account_id, rank=body.rank)
    done = await change_member(command, request.ports.store)
    return command_response(done, lambda organization: _member(organization, account_id))


@router.delete("/{organization_id}/members/{account_id}", "remove_member")
async def remove(request: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """End a membership; anybody may end the own."""
    command = RemoveMember(**request.command(), organization_id=organization_id, account_id=account_id)
    return empty_response(await remove_member(command, request.ports.store))


@router.get("/{organization_id}/holidays", "list_holidays", HolidayPage)
async def list_holidays(
    request: RequestContext, organization_id: UUID, filters: Annotated[HolidayFilters, Query()]
) -> Response:
    """List the dates on which no provider of the organization opens."""
    async with request.snapshot("organization") as read:
        row = await _row(read, organization_id)
        holidays, bookmark = await organizations.holidays(read, organization_id, page(request, filters))
    items = [holiday_response(holiday, row.version) for holiday in holidays]
    return page_response(items, sealed(request, filters, bookmark), read.position, PUBLIC)


@router.put("/{organization_id}/holidays/{date}", "replace_holiday", HolidayResponse)
async def put_holiday(request: RequestContext, organization_id: UUID, date: date, body: ReplaceHolidayBody) -> Response:
    """Close on a date, in each provider's own zone; appointments that lie in it stay."""
    command = ReplaceHoliday(**request.command(), organization_id=organization_id, date=date, name=body.name)
    return command_response(await replace_holiday(command, request.ports.store), lambda it: _holiday(it, date))


@router.delete("/{organization_id}/holidays/{date}", "delete_holiday")
async def lift_holiday(request: RequestContext, organization_id: UUID, date: date) -> Response:
    """Open again on a date, as each provider's hours say."""
    command = DeleteHoliday(**request.command(), organization_id=organization_id, date=date)
    return empty_response(await delete_holiday(command, request.ports.store))


async def _row(read: Snapshot, organization_id: UUID) -> ListedOrganization:
    row = await organizations.get(read, organization_id)
    if row is None:
        raise NotFound("organization", organization_id)
    return row


async def _ours(request: RequestContext, read: Snapshot, organization_id: UUID) -> ListedOrganization:
    """The organization, if the caller may know who belongs to it."""
    row = await _row(read, organization_id)
    if request.of is not None and await organizations.member(read, organization_id, request.of) is None:
        raise NotFound("organization", organization_id)
    return row


def _member(organization: Organization, account_id: UUID) -> Mapping[str, Any]:
    member = ListedMember(account_id, organization.members[account_id].value)
    return member_response(member, organization.version)


def _holiday(organization: Organization, day: date) -> Mapping[str, Any]:
    told = ListedHoliday(day.isoformat(), organization.holidays[day.isoformat()])
    return holiday_response(told, organization.version)
