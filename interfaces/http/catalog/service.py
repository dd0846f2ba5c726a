"""Routes of services: what can be booked, and on which terms."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Query, Response

from application.catalog.service import (
    ChangeService,
    CreateService,
    DeleteService,
    MarkService,
    change_service,
    create_service,
    delete_service,
    pause_service,
    resume_service,
)
from application.ending import EndingKind
from application.event_log import CommandResult
from domain.catalog.catalog_status import CatalogStatus
from domain.catalog.service import Service
from domain.catalog.service_terms import ServiceTerms
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.booking.appointments_ahead import EndingQuery, EndingResponse, ended
from interfaces.http.catalog.managing import managed_page
from interfaces.http.catalog.search import searched
from interfaces.http.catalog.service_schemas import (
    ChangeServiceBody,
    CreateServiceBody,
    ReplaceServiceBody,
    ServiceFilters,
    ServicePage,
    ServiceResponse,
    listed_service_response,
    service_response,
    terms,
)
from interfaces.http.catalog.unlisted import shown
from interfaces.http.framework.fields import EmptyBody
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.paging import next_cursor
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PRIVATE,
    PUBLIC,
    command_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from projections.read_models import directory
from projections.search import managed
from projections.search.search import find_services

router = Router("/v1/services", "services")


def location(service: Service) -> str:
    return f"/v1/services/{service.id}"


@router.post("", "create_service", ServiceResponse, status=201)
async def create(request: RequestContext, body: CreateServiceBody) -> Response:
    """Create a service of one or more of the caller's providers."""
    command = CreateService(**request.command(), id=new_id(), terms=cast("ServiceTerms", terms(body)))
    return command_response(await create_service(command, request.ports.store), service_response, location)


@router.get("", "list_services", ServicePage)
async def find(request: RequestContext, filters: Annotated[ServiceFilters, Query()]) -> Response:
    """List services."""
    if filters.managed:
        found = partial(managed.find_services, q=filters.q, provider_id=filters.provider_id)
        return await managed_page(request, filters, found, service_response)
    async with searched(request, filters) as search:
        rows, bookmark = await find_services(search.read, search.page, search.query, provider_id=filters.provider_id)
    return page_response(
        [listed_service_response(row) for row in rows], next_cursor(request, filters, bookmark), search.position, PUBLIC
    )


@router.get("/{service_id}", "get_service", ServiceResponse)
async def get(request: RequestContext, service_id: UUID) -> Response:
    """Get a service."""
    async with request.snapshot("directory") as read:
        row = await directory.service(read, service_id)
    if row is None or not await shown(request, row.status, map(UUID, row.terms["provider_ids"]), service_id):
        raise NotFound("service", service_id)
    cache = PUBLIC if row.status == CatalogStatus.ACTIVE else PRIVATE
    return resource_response(request.sent, row.version, service_response(row), read.position, cache)


@router.put("/{service_id}", "replace_service", ServiceResponse)
async def replace(request: RequestContext, service_id: UUID, body: ReplaceServiceBody) -> Response:
    """Replace a service's terms. They apply to future bookings."""
    command = ChangeService(**request.command(), service_id=service_id, terms=terms(body))
    return command_response(await change_service(command, request.ports.store), service_response)


@router.patch("/{service_id}", "change_service", ServiceResponse)
async def change(request: RequestContext, service_id: UUID, body: ChangeServiceBody) -> Response:
    """Change some of a service's terms. They apply to future bookings."""
    command = ChangeService(**request.command(), service_id=service_id, terms=terms(body, partly=True))
    return command_response(await change_service(command, request.ports.store), service_response)


@router.post("/{service_id}/pause", "pause_service", ServiceResponse, needs=Needs(version=True))
async def pause(request: RequestContext, service_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Pause a service. It takes no new bookings and is not listed; what is booked stays."""
    command = MarkService(**request.command(), service_id=service_id)
    return command_response(await pause_service(command, request.ports.store), service_response)


@router.post("/{service_id}/resume", "resume_service", ServiceResponse, needs=Needs(version=True))
async def resume(request: RequestContext, service_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Resume a service. It takes bookings again."""
    command = MarkService(**request.command(), service_id=service_id)
    return command_response(await resume_service(command, request.ports.store), service_response)


@router.delete("/{service_id}", "delete_service", EndingResponse)
async def delete(request: RequestContext, service_id: UUID, query: Annotated[EndingQuery, Query()]) -> Response:
    """Withdraw a service. It takes no new bookings; history stays. Says what becomes of appointments."""

    async def end(choice: Mapping[str, Any]) -> CommandResult[Any]:
        command = DeleteService(**request.command(), **choice, service_id=service_id)
        return await delete_service(command, request.ports.store)

    return await ended(request, query, (EndingKind.SERVICE, service_id), end)
