"""Routes of the feed: the events that concern the caller, in pages and as a stream of server-sent events."""

from typing import Annotated, Any

from fastapi import Query, Response

from application.access import Scope
from application.feed.ports import FeedMessage, Follower
from domain.log_position import position_of, position_text
from interfaces.http.events.event_schemas import EventFilters, EventPage, StreamFilters
from interfaces.http.events.event_stream import EventStream, FeedPages
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import Malformed
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from projections.read_models.feed import reading

router = Router("/v1/events", "events")
_EXAMPLE = 'id: 0.4711\nevent: schedule.changed\ndata: {"type":"schedule.changed","data":{}}\n\n'
_SENT = {"description": "Server-sent events: `id` is a position, `event` a type, `data` a message as in `/v1/events`."}
STREAM: Any = {200: {"content": {"text/event-stream": {"schema": _SENT, "example": _EXAMPLE}}}}
_POSITION = {"type": "string", "pattern": r"^((0\.)?[0-9]{1,18})?$", "examples": ["0.4711"]}
RESUMED: Any = {
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The last `id` of the stream before: Daybook goes on after it. An empty one counts as none.",
            "schema": _POSITION,
        }
    ]
}


@router.get("", "list_events", EventPage)
async def find(request: RequestContext, filters: Annotated[EventFilters, Query()]) -> Response:
    """List the events after a position that concern the caller. Send `next` as `after` for the ones that follow."""
    at_least = max((filters.after or 0), await request.reflecting("feed") or 0)
    async with request.reads.open("feed", at_least, sees=request.sees) as read:
        page = await reading.page(read, (filters.after or 0), filters.limit, types=filters.types, owner=request.owner)
    bodies = await request.ports.feed.messages.rendered([FeedMessage(*each) for each in page.messages])
    items = b",".join(bodies[each.position] for each in page.messages)
    body = b'{"items":[%s],"next":"%s"}' % (items, position_text(page.next).encode())
    return HttpResponse(200, body, {b"cache-control": PRIVATE}, position=read.position)


@router.get(
    "/stream",
    "stream_events",
    None,
    status_code=200,
    response_class=EventStream,
    responses=STREAM,
    openapi_extra=RESUMED,
)
async def stream(request: RequestContext, filters: Annotated[StreamFilters, Query()]) -> Response:
    """Stream the events that concern the caller, as they happen. `Last-Event-ID` resumes after an event."""
    after = _resumed(request, filters.after)
    if after is not None:
        await request.reads.wait("feed", after)
    everything = request.granted is Scope.ANY
    follower = Follower(request.caller, request.credential, everything=everything, types=filters.types)
    tail = request.ports.feed.tail
    subscription = await tail.subscribe(follower)
    pages = FeedPages(request.ports, request.sees, request.owner, filters.types)
    return EventStream(request.ports.feed, follower, subscription, pages, after)


def _resumed(request: RequestContext, after: int | None) -> int | None:
    """The position to begin after: Last-Event-ID, which a client sends when it connects again, else `after`."""
    sent = request.headers.get("last-event-id")
    if not sent:
        return after
    position = position_of(sent)
    if position is None:
        raise Malformed("Last-Event-ID must be the id of an event of the stream, such as 0.4711.")
    return position
