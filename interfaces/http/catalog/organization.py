"""Routes of organizations."""

from collections.abc import Mapping
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Query, Response

from application.access import Role
from application.catalog.organization import (
    ChangeOrganization,
    CreateOrganization,
    DeleteOrganization,
    change_organization,
    create_organization,
    delete_organization,
)
from application.ending import EndingKind
from application.event_log import CommandResult
from domain.catalog.organization import Organization
from domain.catalog.organization_profile import OrganizationProfile
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking.appointments_ahead import EndingQuery, EndingResponse, ended
from interfaces.http.catalog.organization_schemas import (
    ChangeOrganizationBody,
    CreateOrganizationBody,
    OrganizationFilters,
    OrganizationPage,
    OrganizationResponse,
    ReplaceOrganizationBody,
    organization_response,
    profile,
)
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PRIVATE,
    PUBLIC,
    command_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from projections.query.snapshot import Snapshot
from projections.read_models import organization
from projections.read_models.organization import ListedOrganization

router = Router("/v1/organizations", "organizations")


def location(organization: Organization) -> str:
    return f"/v1/organizations/{organization.id}"


@router.post("", "create_organization", OrganizationResponse, status=201)
async def create(request: RequestContext, body: CreateOrganizationBody) -> Response:
    """Create an organization. The caller is its owner."""
    command = CreateOrganization(
        **request.command(), id=new_id(), profile=cast("OrganizationProfile", profile(body)), owner_id=body.owner_id
    )
    return command_response(await create_organization(command, request.ports.store), organization_response, location)


@router.get("", "list_organizations", OrganizationPage)
async def find(request: RequestContext, filters: Annotated[OrganizationFilters, Query()]) -> Response:
    """List organizations. `member_id` finds those that the caller belongs to as well."""
    member_id = filters.member_id
    knows_all = member_id is None or request.caller.role in {Role.ADMIN, Role.AUDITOR}
    of = None if knows_all else request.caller.account
    async with request.snapshot("organization") as read:
        rows, bookmark = await organization.find(read, page(request, filters), q=filters.q, member_id=member_id, of=of)
    cache = PUBLIC if member_id is None else PRIVATE
    return page_response(
        [organization_response(row) for row in rows], next_cursor(request, filters, bookmark), read.position, cache
    )


@router.get("/{organization_id}", "get_organization", OrganizationResponse)
async def get(request: RequestContext, organization_id: UUID) -> Response:
    """Get an organization."""
    async with request.snapshot("organization") as read:
        row = await find_organization(read, organization_id)
    return resource_response(request.sent, row.version, organization_response(row), read.position, PUBLIC)


@router.put("/{organization_id}", "replace_organization", OrganizationResponse)
async def replace(request: RequestContext, organization_id: UUID, body: ReplaceOrganizationBody) -> Response:
    """Replace an organization's profile. Members and holidays stay."""
    details = profile(body)
    command = ChangeOrganization(**request.command(), organization_id=organization_id, profile=details)
    return command_response(await change_organization(command, request.ports.store), organization_response)


@router.patch("/{organization_id}", "change_organization", OrganizationResponse)
async def change(request: RequestContext, organization_id: UUID, body: ChangeOrganizationBody) -> Response:
    """Change some fields of an organization's profile."""
    details = profile(body, partly=True)
    command = ChangeOrganization(**request.command(), organization_id=organization_id, profile=details)
    return command_response(await change_organization(command, request.ports.store), organization_response)


@router.delete("/{organization_id}", "delete_organization", EndingResponse)
async def delete(request: RequestContext, organization_id: UUID, query: Annotated[EndingQuery, Query()]) -> Response:
    """Close an organization. Its providers take no new bookings; history stays. Says what becomes of appointments."""

    async def end(choice: Mapping[str, Any]) -> CommandResult[Any]:
        command = DeleteOrganization(**request.command(), **choice, organization_id=organization_id)
        return await delete_organization(command, request.ports.store)

    return await ended(request, query, (EndingKind.ORGANIZATION, organization_id), end)


async def find_organization(read: Snapshot, organization_id: UUID) -> ListedOrganization:
    """The organization; raises NotFound."""
    row = await organization.get(read, organization_id)
    if row is None:
        raise NotFound("organization", organization_id)
    return row
