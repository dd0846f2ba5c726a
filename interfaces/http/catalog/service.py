"""Services: what is booked, and on which terms."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response

from application.catalog.service import (
    ChangeService,
    CreateService,
    DeleteService,
    change_service,
    create_service,
    delete_service,
)
from domain.catalog.service import Service
from domain.catalog.service_terms import ServiceTerms
from domain.errors import NotFound
from domain.kernel import new_id
from interfaces.http.catalog.search import searched
from interfaces.http.catalog.service_schemas import (
    ServiceBody,
    ServiceChange,
    ServiceFilters,
    ServicePage,
    ServiceShown,
    found,
    shown,
    terms,
)
from interfaces.http.framework.paging import sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PUBLIC, ended, listed, seen, written
from interfaces.http.framework.routing import Route
from projections.read_models import directory
from projections.search.search import find_services

router = APIRouter(prefix="/v1/services", tags=["services"], route_class=Route)


def location(service: Service) -> str:
    return f"/v1/services/{service.id}"


@router.post("", operation_id="create_service", status_code=201, response_model=ServiceShown)
async def create(ask: RequestContext, body: ServiceBody) -> Response:
    """Offer something to book with one or more of the caller's providers."""
    command = CreateService(**ask.command(), id=new_id(), terms=cast("ServiceTerms", terms(body)))
    return written(await create_service(command, ask.ports.store), shown, location)


@router.get("", operation_id="list_services", response_model=ServicePage)
async def find(ask: RequestContext, filters: Annotated[ServiceFilters, Query()]) -> Response:
    """Find services."""
    async with searched(ask, filters) as search:
        rows, bookmark = await find_services(search.read, search.page, search.asked, provider_id=filters.provider_id)
    return listed([found(row) for row in rows], sealed(ask, filters, bookmark), search.position, PUBLIC)


@router.get("/{service_id}", operation_id="get_service", response_model=ServiceShown)
async def get(ask: RequestContext, service_id: UUID) -> Response:
    """Show a service."""
    async with ask.look("directory") as read:
        row = await directory.service(read, service_id)
    if row is None:
        raise NotFound("service", service_id)
    return seen(ask.given, row.version, shown(row), read.position, PUBLIC)


@router.put("/{service_id}", operation_id="replace_service", response_model=ServiceShown)
async def replace(ask: RequestContext, service_id: UUID, body: ServiceBody) -> Response:
    """Replace all the terms, for future bookings."""
    command = ChangeService(**ask.command(), service_id=service_id, terms=terms(body))
    return written(await change_service(command, ask.ports.store), shown)


@router.patch("/{service_id}", operation_id="change_service", response_model=ServiceShown)
async def change(ask: RequestContext, service_id: UUID, body: ServiceChange) -> Response:
    """Change some of the terms, for future bookings."""
    command = ChangeService(**ask.command(), service_id=service_id, terms=terms(body, partly=True))
    return written(await change_service(command, ask.ports.store), shown)


@router.delete("/{service_id}", operation_id="delete_service", status_code=204)
async def delete(ask: RequestContext, service_id: UUID) -> Response:
    """Take no new bookings for this service; appointments and history stay."""
    command = DeleteService(**ask.command(), service_id=service_id)
    return ended(await delete_service(command, ask.ports.store))
