"""Routes of schedules: opening hours, overrides and time off. All have the schedule's ETag."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from application.access import demand
from application.scheduling.schedule import (
    CancelTimeOff,
    ChangeTimeOff,
    DeleteOverride,
    ReplaceOverride,
    ReplaceSchedule,
    TakeTimeOff,
    cancel_time_off,
    change_time_off,
    delete_override,
    replace_override,
    replace_schedule,
    take_time_off,
)
from domain.catalog.catalog_status import CatalogStatus
from domain.errors import NotFound
from domain.scheduling.interval import Interval
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    PUBLIC,
    command_response,
    empty_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from interfaces.http.scheduling.opening_hours import minutes, minutes_of_week
from interfaces.http.scheduling.orphan_schemas import OrphanHandlingQuery
from interfaces.http.scheduling.provider_access import staff
from interfaces.http.scheduling.schedule_schemas import (
    CreateTimeOffBody,
    OpeningHoursResponse,
    OverrideResponse,
    ReplaceOverrideBody,
    ReplaceScheduleBody,
    ReplaceTimeOffBody,
    ScheduleResponse,
    TimeOffFilters,
    TimeOffPage,
    TimeOffResponse,
    opening_hours_response,
    override_response,
    schedule_response,
    time_off_page,
    time_off_response,
)
from projections.read_models import directory, schedule
from projections.read_models.schedule import OpeningRules

router = Router("/v1/providers/{provider_id}", "schedules")


@router.get("/schedule", "get_schedule", ScheduleResponse)
async def get(request: RequestContext, provider_id: UUID) -> Response:
    """Get a provider's schedule."""
    row, position = await _row(request, provider_id)
    return resource_response(request.sent, row.version, schedule_response(row), position)


@router.get("/opening-hours", "get_opening_hours", OpeningHoursResponse)
async def opening_hours(request: RequestContext, provider_id: UUID) -> Response:
    """Get a provider's opening hours, without time off."""
    row, position = await _found(request, provider_id)
    return resource_response(request.sent, row.version, opening_hours_response(row), position, PUBLIC)


@router.put("/schedule", "replace_schedule", ScheduleResponse)
async def replace(request: RequestContext, provider_id: UUID, body: ReplaceScheduleBody) -> Response:
    """Replace a schedule's time zone and weekly hours. Overrides and time off stay."""
    weekly = minutes_of_week(body.weekly)
    command = ReplaceSchedule(
        **request.command(),
        calendar_id=provider_id,
        timezone=body.timezone,
        weekly=weekly,
        orphans=body.handling,
    )
    return command_response(await replace_schedule(command, request.ports.store), schedule_response)


@router.put("/schedule/overrides/{date}", "replace_override", OverrideResponse)
async def put_override(request: RequestContext, provider_id: UUID, date: date, body: ReplaceOverrideBody) -> Response:
    """Set other hours for one date, in the schedule's time zone."""
    hours = minutes(body.hours)
    command = ReplaceOverride(
        **request.command(), calendar_id=provider_id, date=date, hours=hours, orphans=body.handling
    )
    done = await replace_override(command, request.ports.store)
    return command_response(done, lambda schedule: override_response(schedule, date))


@router.delete("/schedule/overrides/{date}", "delete_override")
async def lift_override(
    request: RequestContext, provider_id: UUID, date: date, query: Annotated[OrphanHandlingQuery, Query()]
) -> Response:
    """Delete an override. The weekly hours apply again."""
    command = DeleteOverride(**request.command(), calendar_id=provider_id, date=date, orphans=query.handling)
    return empty_response(await delete_override(command, request.ports.store))


@router.post("/time-off", "create_time_off", TimeOffResponse, status=201)
async def take(request: RequestContext, provider_id: UUID, body: CreateTimeOffBody) -> Response:
    """Create time off: closed between two instants, whatever the hours are."""
    id = request.fresh_id()
    off = Interval(body.start, body.end)
    command = TakeTimeOff(
        **request.command(), calendar_id=provider_id, id=id, off=off, reason=body.reason, orphans=body.handling
    )
    done = await take_time_off(command, request.ports.store)
    return command_response(
        done,
        lambda schedule: time_off_response(schedule, id),
        lambda _: f"/v1/providers/{provider_id}/time-off/{id}",
    )


@router.get("/time-off", "list_time_off", TimeOffPage)
async def list_off(request: RequestContext, provider_id: UUID, filters: Annotated[TimeOffFilters, Query()]) -> Response:
    """List time off, the earliest first."""
    row, position = await _row(request, provider_id)
    items, bookmark = time_off_page(row, page(request, filters))
    return page_response(items, next_cursor(request, filters, bookmark), position)


@router.get("/time-off/{time_off_id}", "get_time_off", TimeOffResponse)
async def get_off(request: RequestContext, provider_id: UUID, time_off_id: UUID) -> Response:
    """Get one time off."""
    row, position = await _row(request, provider_id)
    return resource_response(request.sent, row.version, time_off_response(row, time_off_id), position)


@router.put("/time-off/{time_off_id}", "replace_time_off", TimeOffResponse)
async def replace_off(
    request: RequestContext, provider_id: UUID, time_off_id: UUID, body: ReplaceTimeOffBody
) -> Response:
    """Replace a time off's span and reason."""
    off = Interval(body.start, body.end)
    command = ChangeTimeOff(
        **request.command(), calendar_id=provider_id, id=time_off_id, off=off, reason=body.reason, orphans=body.handling
    )
    done = await change_time_off(command, request.ports.store)
    return command_response(done, lambda schedule: time_off_response(schedule, time_off_id))


@router.delete("/time-off/{time_off_id}", "delete_time_off")
async def cancel_off(request: RequestContext, provider_id: UUID, time_off_id: UUID) -> Response:
    """Delete time off. The opening hours apply again."""
    command = CancelTimeOff(**request.command(), calendar_id=provider_id, id=time_off_id)
    return empty_response(await cancel_time_off(command, request.ports.store))


async def _found(request: RequestContext, provider_id: UUID) -> tuple[OpeningRules, int]:
    async with request.snapshot("directory") as read:
        provider = await directory.provider(read, provider_id)
        row = await schedule.of_calendar(read, provider_id)
    if provider is None or provider.status != CatalogStatus.ACTIVE or row is None:
        raise NotFound("provider", provider_id)
    return row, read.position


async def _row(request: RequestContext, provider_id: UUID) -> tuple[OpeningRules, int]:
    async with request.snapshot("directory") as read:
        provider = await directory.provider(read, provider_id)
        row = await schedule.of_calendar(read, provider_id)
    if provider is None or row is None:
        raise NotFound("provider", provider_id)
    demand(request.caller, request.operation, "provider", provider_id, *await staff(request, provider))
    return row, read.position
