"""Organizations: businesses, who belongs to them, and their holidays. All under the organization's ETag."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response

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
from domain.catalog.organization_profile import OrganizationProfile
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.catalog.organization_schemas import (
    HolidayBody,
    HolidayFilters,
    HolidayPage,
    HolidayShown,
    MemberFilters,
    MemberPage,
    MemberShown,
    NewMember,
    NewOrganization,
    OrganizationBody,
    OrganizationChange,
    OrganizationFilters,
    OrganizationPage,
    OrganizationShown,
    RankBody,
    holiday_shown,
    member_shown,
    profile,
    shown,
)
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, PUBLIC, ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.query.snapshot import Snapshot
from projections.read_models import organization
from projections.read_models.organization import ListedHoliday, ListedMember, ListedOrganization

router = APIRouter(prefix="/v1/organizations", tags=["organizations"], route_class=Route)


def location(organization: Organization) -> str:
    return f"/v1/organizations/{organization.id}"


@router.post("", operation_id="create_organization", status_code=201, response_model=OrganizationShown)
async def create(ask: RequestContext, body: NewOrganization) -> Response:
    """Found an organization, of which the caller is the owner."""
    command = CreateOrganization(
        **ask.command(), id=new_id(), profile=cast("OrganizationProfile", profile(body)), owner_id=body.owner_id
    )
    return written(await create_organization(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_organizations", response_model=OrganizationPage)
async def find(ask: RequestContext, filters: Annotated[OrganizationFilters, Query()]) -> Response:
    """Find organizations. Who belongs to one is told to its members."""
    member_id = filters.member_id
    knows_all = member_id is None or ask.caller.role in {Role.ADMIN, Role.AUDITOR}
    of = None if knows_all else ask.caller.account
    async with ask.look("organization") as read:
        rows, bookmark = await organization.find(read, page(ask, filters), q=filters.q, member_id=member_id, of=of)
    cache = PUBLIC if member_id is None else PRIVATE
    return listed([shown(row) for row in rows], sealed(ask, filters, bookmark), read.position, cache)


@router.get("/{organization_id}", operation_id="get_organization", response_model=OrganizationShown)
async def get(ask: RequestContext, organization_id: UUID) -> Response:
    """Show an organization."""
    async with ask.look("organization") as read:
        row = await _row(read, organization_id)
    return seen(ask.given, row.version, shown(row), read.position, PUBLIC)


@router.put("/{organization_id}", operation_id="replace_organization", response_model=OrganizationShown)
async def replace(ask: RequestContext, organization_id: UUID, body: OrganizationBody) -> Response:
    """Replace the whole profile; members and holidays stay."""
    said = profile(body)
    command = ChangeOrganization(**ask.command(), organization_id=organization_id, profile=said)
    return written(await change_organization(command, ask.ports.store), shown)


@router.patch("/{organization_id}", operation_id="change_organization", response_model=OrganizationShown)
async def change(ask: RequestContext, organization_id: UUID, body: OrganizationChange) -> Response:
    """Change some of the profile."""
    said = profile(body, partly=True)
    command = ChangeOrganization(**ask.command(), organization_id=organization_id, profile=said)
    return written(await change_organization(command, ask.ports.store), shown)


@router.delete("/{organization_id}", operation_id="delete_organization", status_code=204)
async def delete(ask: RequestContext, organization_id: UUID) -> Response:
    """Close an organization: no new bookings with its providers; appointments and history stay."""
    command = DeleteOrganization(**ask.command(), organization_id=organization_id)
    return ended(await delete_organization(command, ask.ports.store))


@router.get("/{organization_id}/members", operation_id="list_members", response_model=MemberPage)
async def list_members(
    ask: RequestContext, organization_id: UUID, filters: Annotated[MemberFilters, Query()]
) -> Response:
    """List who belongs to an organization that the caller belongs to."""
    async with ask.look("organization") as read:
        row = await _ours(ask, read, organization_id)
        members, bookmark = await organization.members(read, organization_id, page(ask, filters))
    items = [member_shown(member, row.version) for member in members]
    return listed(items, sealed(ask, filters, bookmark), read.position)


@router.post("/{organization_id}/members", operation_id="add_member", status_code=201, response_model=MemberShown)
async def add(ask: RequestContext, organization_id: UUID, body: NewMember) -> Response:
    """Let an account act for the organization's providers."""
    command = AddMember(**ask.command(), organization_id=organization_id, account_id=body.account_id, rank=body.rank)
    done = await add_member(command, ask.ports.store)
    path = f"/v1/organizations/{organization_id}/members/{body.account_id}"
    return written(done, lambda organization: _member(organization, body.account_id), lambda _: path)


@router.get("/{organization_id}/members/{account_id}", operation_id="get_member", response_model=MemberShown)
async def get_member(ask: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """Show a member of an organization that the caller belongs to."""
    async with ask.look("organization") as read:
        row = await _ours(ask, read, organization_id)
        member = await organization.member(read, organization_id, account_id)
    if member is None:
        raise NotFound("member", account_id)
    return seen(ask.given, row.version, member_shown(member, row.version), read.position)


@router.put("/{organization_id}/members/{account_id}", operation_id="change_member", response_model=MemberShown)
async def rank(ask: RequestContext, organization_id: UUID, account_id: UUID, body: RankBody) -> Response:
    """Give a member another rank."""
    command = ChangeMember(**ask.command(), organization_id=organization_id, account_id=account_id, rank=body.rank)
    done = await change_member(command, ask.ports.store)
    return written(done, lambda organization: _member(organization, account_id))


@router.delete("/{organization_id}/members/{account_id}", operation_id="remove_member", status_code=204)
async def remove(ask: RequestContext, organization_id: UUID, account_id: UUID) -> Response:
    """End a membership; anybody may end the own."""
    command = RemoveMember(**ask.command(), organization_id=organization_id, account_id=account_id)
    return ended(await remove_member(command, ask.ports.store))


@router.get("/{organization_id}/holidays", operation_id="list_holidays", response_model=HolidayPage)
async def list_holidays(
    ask: RequestContext, organization_id: UUID, filters: Annotated[HolidayFilters, Query()]
) -> Response:
    """List the dates on which no provider of the organization opens."""
    async with ask.look("organization") as read:
        row = await _row(read, organization_id)
        holidays, bookmark = await organization.holidays(read, organization_id, page(ask, filters))
    items = [holiday_shown(holiday, row.version) for holiday in holidays]
    return listed(items, sealed(ask, filters, bookmark), read.position, PUBLIC)


@router.put("/{organization_id}/holidays/{date}", operation_id="replace_holiday", response_model=HolidayShown)
async def put_holiday(ask: RequestContext, organization_id: UUID, date: date, body: HolidayBody) -> Response:
    """Close on a date, in each provider's own zone; appointments that lie in it stay."""
    command = ReplaceHoliday(**ask.command(), organization_id=organization_id, date=date, name=body.name)
    return written(await replace_holiday(command, ask.ports.store), lambda it: _holiday(it, date))


@router.delete("/{organization_id}/holidays/{date}", operation_id="delete_holiday", status_code=204)
async def lift_holiday(ask: RequestContext, organization_id: UUID, date: date) -> Response:
    """Open again on a date, as each provider's hours say."""
    command = DeleteHoliday(**ask.command(), organization_id=organization_id, date=date)
    return ended(await delete_holiday(command, ask.ports.store))


async def _row(read: Snapshot, organization_id: UUID) -> ListedOrganization:
    row = await organization.get(read, organization_id)
    if row is None:
        raise NotFound("organization", organization_id)
    return row


async def _ours(ask: RequestContext, read: Snapshot, organization_id: UUID) -> ListedOrganization:
    """The organization, if the caller may know who belongs to it."""
    row = await _row(read, organization_id)
    if ask.of is not None and await organization.member(read, organization_id, ask.of) is None:
        raise NotFound("organization", organization_id)
    return row


def _member(organization: Organization, account_id: UUID) -> Mapping[str, Any]:
    member = ListedMember(account_id, organization.members[account_id].value)
    return member_shown(member, organization.version)


def _holiday(organization: Organization, day: date) -> Mapping[str, Any]:
    told = ListedHoliday(day.isoformat(), organization.holidays[day.isoformat()])
    return holiday_shown(told, organization.version)
