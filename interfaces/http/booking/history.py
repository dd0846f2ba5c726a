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


def history_item_response(item: history.HistoryEntry, *, for_staff: bool = True) -> Mapping[str, Any]:
    """An event as JSON. `for_staff`: with staff notes."""
    return {
        "position": position_text(item.position),
        "at": plain(item.at),
        "type": item.type,
        "version": item.version,
        "actor": item.actor,
        "data": item.data if for_staff else _for_customer(item.data),
    }


def _for_customer(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an event without the staff note."""
    told = data.get("told")
    if not isinstance(told, Mapping):
        return data
    return {**data, "told": {name: text for name, text in told.items() if name != "staff_note"}}


@router.get("", "get_appointment_history", HistoryPage)
async def find(request: RequestContext, appointment_id: UUID, filters: Annotated[HistoryFilters, Query()]) -> Response:
    """List the events of an appointment, the oldest first."""
    async with request.snapshot("agenda") as read:
        found = await appointment.get(read, appointment_id, owner=request.owner)
        if found is None:
            raise NotFound("appointment", appointment_id)
        items, bookmark = await history.of(read.connection, appointment_id, page(request, filters), request.ports.codec)
    request.shows(found.customer_id)
    shown = [history_item_response(item, for_staff=found.for_staff) for item in items]
    return page_response(
        shown,
        next_cursor(request, filters, bookmark),
        read.position,
    )
