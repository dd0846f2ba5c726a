"""The history of any aggregate: what happened, who did it, by what means, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.stream_history import HistoryItem, history_of
from application.view_log import person_of
from domain.log_position import position_text
from interfaces.http.audit.past import access_of, log_of
from interfaces.http.audit.past_bodies import exact
from interfaces.http.framework.fields import LogPosition, Paging, Shape
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import page_response
from interfaces.http.framework.routing import Router
from projections.read_models.history import FORGOTTEN, data_of

router = Router("/v1/audit/streams/{stream_id}/history", "audit", reserved=True)
UNKNOWN = "unknown"
"""What earlier releases did not record."""
_REASONS = ("reason", "override_reason", "reason_code")


class RecordedEventResponse(Shape):
    """An event of the log. `unknown` stands for what the release that recorded it did not record."""

    position: LogPosition
    at: datetime
    occurred_at: datetime
    stream: UUID
    type: str
    version: int
    actor: UUID | None
    actor_name: str | None
    role: str
    rank: str | None
    request: str
    cause: str | None
    via: str
    channel: str
    reason: str | None
    data: dict[str, Any]


class RecordedEventPage(Shape):
    items: list[RecordedEventResponse]
    next: str | None


class StreamHistoryFilters(Paging):
    """The events of an aggregate, the oldest first."""


@router.get("", "get_stream_history", RecordedEventPage)
async def find(request: RequestContext, stream_id: UUID, filters: Annotated[StreamHistoryFilters, Query()]) -> Response:
    """List the events of any aggregate. Owners see those of the time in which it belonged to their organization."""
    log, asked = await log_of(request), page(request, filters)
    end = await log.moment(None)
    found, version = await history_of(stream_id, int(asked.after or 0), asked.limit, log, access_of(request).shows)
    request.shows(person_of(await log.at(end.position).state(stream_id)))
    cursor = next_cursor(request, filters, None if version is None else str(version))
    return page_response([history_body(item) for item in found], cursor, end.position)


def history_body(item: HistoryItem) -> Mapping[str, Any]:
    """An event as JSON."""
    event, said = item.event, item.event.metadata
    data = data_of(event.event)
    return {
        "position": position_text(event.position),
        "at": exact(event.at),
        "occurred_at": exact(event.event.timestamp),
        "stream": str(event.stream),
        "type": event.topic,
        "version": event.version,
        "actor": said.get("actor"),
        "actor_name": _name(item),
        "role": said.get("role", UNKNOWN),
        "rank": said.get("rank", None if "channel" in said else UNKNOWN),
        "request": said.get("correlation", UNKNOWN),
        "cause": said.get("cause"),
        "via": said.get("via", UNKNOWN),
        "channel": said.get("channel", UNKNOWN),
        "reason": next((data[name] for name in _REASONS if data.get(name)), None),
        "data": data,
    }


def _name(item: HistoryItem) -> str | None:
    """The actor's name, as it was then; FORGOTTEN once they are erased."""
    if item.account is None:
        return None
    contact = item.account.contact
    return FORGOTTEN if contact.value is None else contact.get("name")
