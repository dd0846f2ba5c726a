"""The history of an appointment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from domain.errors import NotFound
from domain.log_position import position_text
from interfaces.http.framework.fields import LogPosition, Paging, Shape, plain
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import page_response
from interfaces.http.framework.routing import Router
from projections.read_models import appointment, history

router = Router("/v1/appointments/{appointment_id}/history", "appointments")


class HistoryItemResponse(Shape):
    """One event. `data`: its fields."""

    position: LogPosition
    at: datetime
    type: str
    version: int
    actor: UUID | None
    data: dict[str, Any]


class HistoryPage(Shape):
    items: list[HistoryItemResponse]
    next: str | None


class HistoryFilters(Paging):
    """The events of an appointment."""


def history_item_response(item: history.HistoryEntry) -> Mapping[str, Any]:
    """An event as JSON."""
    return {
        "position": position_text(item.position),
        "at": plain(item.at),
        "type": item.type,
        "version": item.version,
        "actor": item.actor,
        "data": item.data,
    }


@router.get("", "get_appointment_history", HistoryPage)
async def find(request: RequestContext, appointment_id: UUID, filters: Annotated[HistoryFilters, Query()]) -> Response:
    """List the events of an appointment, the oldest first."""
    async with request.snapshot("agenda") as read:
        if await appointment.get(read, appointment_id, owner=request.owner) is None:
            raise NotFound("appointment", appointment_id)
        items, bookmark = await history.of(read.connection, appointment_id, page(request, filters), request.ports.codec)
    return page_response(
        [history_item_response(item) for item in items], next_cursor(request, filters, bookmark), read.position
    )
