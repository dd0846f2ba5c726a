"""Routes of the past: the position of an instant, and the state of any aggregate at a position or an instant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import to_json

from application.past import LogMoment, PastAccess, PastLog, When, state_at, two_states
from application.view_log import person_of
from interfaces.http.audit.past_bodies import difference_body, moment_body, state_body, when
from interfaces.http.framework.fields import LogPosition, Shape
from interfaces.http.framework.fields import Query as Filters
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router

router = Router("/v1/audit", "audit", reserved=True)


WhenQuery = Annotated[
    When,
    PlainValidator(when),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["0.4711"]}),
]


class PositionQuery(Filters):
    """An instant, or a position."""

    at: WhenQuery | None = None


class PastStateQuery(Filters):
    """An instant, or a position."""

    at: WhenQuery | None = None


class StateDifferenceQuery(Filters):
    """Two instants or positions."""

    from_: WhenQuery = Field(alias="from")
    to: WhenQuery | None = None


class LogMomentResponse(Shape):
    """A position, when it was recorded, and when the next one was. Times are exact to the microsecond."""

    position: LogPosition
    at: datetime | None
    until: datetime | None


class PastStateResponse(LogMomentResponse):
    """An aggregate as it was. `state`: what its route answered, and its parts."""

    stream: UUID
    kind: str
    version: int
    state: dict[str, Any]


class ComparedMomentResponse(LogMomentResponse):
    """`version`: of the aggregate then; 0 before its first event."""

    version: int


class ChangedFieldResponse(Shape):
    """A field that differs."""

    pointer: str
    before: Any
    after: Any


class StateDifferenceResponse(Shape):
    """What differs between the states of an aggregate at two moments."""

    stream: UUID
    kind: str
    from_: ComparedMomentResponse = Field(alias="from")
    to: ComparedMomentResponse
    changes: list[ChangedFieldResponse]


@router.get("/position", "get_position", LogMomentResponse)
async def position(request: RequestContext, query: Annotated[PositionQuery, Query()]) -> Response:
    """Get the last position that had been recorded by an instant. Without one: the end of the log."""
    log = await log_of(request)
    moment = await log.moment(query.at)
    return answer(moment, moment_body(moment))


@router.get("/streams/{stream_id}", "get_past_state", PastStateResponse)
async def state(request: RequestContext, stream_id: UUID, query: Annotated[PastStateQuery, Query()]) -> Response:
    """Get an aggregate as it was at an instant or a position. Owners see what belonged to their organization then."""
    log = await log_of(request)
    found = await state_at(stream_id, query.at, log, access_of(request).shows)
    request.shows(person_of(found.aggregate))
    return answer(found.moment, await state_body(stream_id, found, log))


@router.get("/streams/{stream_id}/diff", "get_state_difference", StateDifferenceResponse)
async def difference(
    request: RequestContext, stream_id: UUID, query: Annotated[StateDifferenceQuery, Query()]
) -> Response:
    """Compare an aggregate at two instants or positions. `changes` lists the fields that differ."""
    log = await log_of(request)
    before, after = await two_states(stream_id, (query.from_, query.to), log, access_of(request).shows)
    request.shows(person_of(after.aggregate or before.aggregate))
    return answer(after.moment, await difference_body(stream_id, before, after, log))


async def log_of(request: RequestContext) -> PastLog:
    """The log, which has the position that the caller sent; raises BeyondHead."""
    if request.at_least is not None:
        await request.ports.past.moment(request.at_least)
    return request.ports.past


def access_of(request: RequestContext) -> PastAccess:
    """What of the past the caller may see."""
    return PastAccess(request.caller, request.operation, request.ports.store)


def answer(moment: LogMoment, body: Mapping[str, Any]) -> HttpResponse:
    """An answer that is true of this moment."""
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE}, position=moment.position)
