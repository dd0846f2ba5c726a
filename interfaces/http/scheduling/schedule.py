"""Schedules: when a provider's calendar is open. Everything here stands under the schedule's ETag."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

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
from domain.errors import NotFound
from domain.scheduling.interval import Interval
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import ended, listed, seen, written
from interfaces.http.framework.routing import Route
from interfaces.http.scheduling.opening_hours import minutes, minutes_of_week
from interfaces.http.scheduling.provider_access import staff
from interfaces.http.scheduling.schedule_schemas import (
    OverrideBody,
    OverrideShown,
    ScheduleBody,
    ScheduleShown,
    TimeOffBody,
    TimeOffFilters,
    TimeOffPage,
    TimeOffShown,
    off_shown,
    override_shown,
    shown,
    time_off_page,
)
from projections.read_models import directory, schedule
from projections.read_models.schedule import OpeningRules

router = APIRouter(prefix="/v1/providers/{provider_id}", tags=["schedules"], route_class=Route)


@router.get("/schedule", operation_id="get_schedule", response_model=ScheduleShown)
async def get(ask: RequestContext, provider_id: UUID) -> Response:
    """Show when a provider is open."""
    row, position = await _row(ask, provider_id)
    return seen(ask.given, row.version, shown(row), position)


@router.put("/schedule", operation_id="replace_schedule", response_model=ScheduleShown)
async def replace(ask: RequestContext, provider_id: UUID, body: ScheduleBody) -> Response:
    """Replace zone and weekly hours; overrides and time off stay."""
    weekly = minutes_of_week(body.weekly)
    command = ReplaceSchedule(**ask.command(), calendar_id=provider_id, timezone=body.timezone, weekly=weekly)
    return written(await replace_schedule(command, ask.ports.store), shown)


@router.put("/schedule/overrides/{date}", operation_id="replace_override", response_model=OverrideShown)
async def put_override(ask: RequestContext, provider_id: UUID, date: date, body: OverrideBody) -> Response:
    """Other hours on one date, in the schedule's zone."""
    command = ReplaceOverride(**ask.command(), calendar_id=provider_id, date=date, hours=minutes(body.hours))
    done = await replace_override(command, ask.ports.store)
    return written(done, lambda schedule: override_shown(schedule, date))


@router.delete("/schedule/overrides/{date}", operation_id="delete_override", status_code=204)
async def lift_override(ask: RequestContext, provider_id: UUID, date: date) -> Response:
    """Back to the weekly hours on this date."""
    command = DeleteOverride(**ask.command(), calendar_id=provider_id, date=date)
    return ended(await delete_override(command, ask.ports.store))


@router.post("/time-off", operation_id="create_time_off", status_code=201, response_model=TimeOffShown)
async def take(ask: RequestContext, provider_id: UUID, body: TimeOffBody) -> Response:
    """Closed between two instants, whatever the hours say."""
    id = ask.fresh_id()
    off = Interval(body.start, body.end)
    command = TakeTimeOff(**ask.command(), calendar_id=provider_id, id=id, off=off, reason=body.reason)
    done = await take_time_off(command, ask.ports.store)
    return written(
        done,
        lambda schedule: off_shown(schedule, id),
        lambda _: f"/v1/providers/{provider_id}/time-off/{id}",
    )


@router.get("/time-off", operation_id="list_time_off", response_model=TimeOffPage)
async def list_off(ask: RequestContext, provider_id: UUID, filters: Annotated[TimeOffFilters, Query()]) -> Response:
    """List time off, the earliest first."""
    row, position = await _row(ask, provider_id)
    items, bookmark = time_off_page(row, page(ask, filters))
    return listed(items, sealed(ask, filters, bookmark), position)


@router.get("/time-off/{time_off_id}", operation_id="get_time_off", response_model=TimeOffShown)
async def get_off(ask: RequestContext, provider_id: UUID, time_off_id: UUID) -> Response:
    """Show one time off."""
    row, position = await _row(ask, provider_id)
    return seen(ask.given, row.version, off_shown(row, time_off_id), position)


@router.put("/time-off/{time_off_id}", operation_id="replace_time_off", response_model=TimeOffShown)
async def replace_off(ask: RequestContext, provider_id: UUID, time_off_id: UUID, body: TimeOffBody) -> Response:
    """Move or rename time off."""
    off = Interval(body.start, body.end)
    command = ChangeTimeOff(**ask.command(), calendar_id=provider_id, id=time_off_id, off=off, reason=body.reason)
    done = await change_time_off(command, ask.ports.store)
    return written(done, lambda schedule: off_shown(schedule, time_off_id))


@router.delete("/time-off/{time_off_id}", operation_id="delete_time_off", status_code=204)
async def cancel_off(ask: RequestContext, provider_id: UUID, time_off_id: UUID) -> Response:
    """Open again as the hours say."""
    command = CancelTimeOff(**ask.command(), calendar_id=provider_id, id=time_off_id)
    return ended(await cancel_time_off(command, ask.ports.store))


async def _row(ask: RequestContext, provider_id: UUID) -> tuple[OpeningRules, int]:
    async with ask.look("directory") as read:
        provider = await directory.provider(read, provider_id)
        row = await schedule.of_calendar(read, provider_id)
    if provider is None or row is None:
        raise NotFound("provider", provider_id)
    demand(ask.caller, ask.operation, "provider", provider_id, *await staff(ask, provider))
    return row, read.position
