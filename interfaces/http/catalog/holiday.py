"""Routes of an organization's holidays. Their ETag is the organization's."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.scheduling.holiday import DeleteHoliday, ReplaceHoliday, delete_holiday, replace_holiday
from domain.catalog.organization import Organization
from interfaces.http.catalog.organization import find_organization
from interfaces.http.catalog.organization_schemas import (
    HolidayFilters,
    HolidayPage,
    HolidayResponse,
    ReplaceHolidayBody,
    holiday_response,
)
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PUBLIC,
    command_response,
    empty_response,
    page_response,
)
from interfaces.http.framework.routing import Router
from projections.read_models import organization
from projections.read_models.organization import ListedHoliday

router = Router("/v1/organizations/{organization_id}/holidays", "organizations")


@router.get("", "list_holidays", HolidayPage)
async def find(request: RequestContext, organization_id: UUID, filters: Annotated[HolidayFilters, Query()]) -> Response:
    """List the holidays of an organization."""
    async with request.snapshot("organization") as read:
        row = await find_organization(read, organization_id)
        holidays, bookmark = await organization.holidays(read, organization_id, page(request, filters))
    items = [holiday_response(holiday, row.version) for holiday in holidays]
    return page_response(items, next_cursor(request, filters, bookmark), read.position, PUBLIC)


@router.put("/{date}", "replace_holiday", HolidayResponse)
async def replace(request: RequestContext, organization_id: UUID, date: date, body: ReplaceHolidayBody) -> Response:
    """Set a holiday, in each provider's own time zone. `orphans` says what becomes of its appointments."""
    command = ReplaceHoliday(
        **request.command(), organization_id=organization_id, date=date, name=body.name, orphans=body.handling
    )
    return command_response(await replace_holiday(command, request.ports.store), lambda it: _holiday(it, date))


@router.delete("/{date}", "delete_holiday")
async def delete(request: RequestContext, organization_id: UUID, date: date) -> Response:
    """Delete a holiday. Each provider's opening hours apply again."""
    command = DeleteHoliday(**request.command(), organization_id=organization_id, date=date)
    return empty_response(await delete_holiday(command, request.ports.store))


def _holiday(organization: Organization, day: date) -> Mapping[str, Any]:
    holiday = ListedHoliday(day.isoformat(), organization.holidays[day.isoformat()])
    return holiday_response(holiday, organization.version)
