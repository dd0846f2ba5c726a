"""Routes of projections: their lag, and resuming one that stopped."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import Field
from pydantic_core import to_json

from domain.log_position import position_text
from interfaces.http.framework.fields import EmptyBody, LogPosition, Shape
from interfaces.http.framework.needs import Source
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.request_errors import not_found
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from projections.engine.states import ProjectionState, states
from projections.registry import PROJECTIONS

router = Router("/v1/projections", "jobs", source=Source.ROWS, reserved=True)
NAMES = frozenset(each.name for each in PROJECTIONS)
_ANY = "job"
"""The projection whose snapshot is opened: what is asked here belongs to none."""


class ProjectionResponse(Shape):
    """`behind`: events of the log that it has not processed."""

    name: str
    position: LogPosition
    behind: int = Field(ge=0)
    stopped_at: LogPosition | None
    error: str | None


class ProjectionPage(Shape):
    items: list[ProjectionResponse]
    next: str | None


@router.get("", "list_projections", ProjectionPage)
async def find(request: RequestContext) -> Response:
    """List the projections, which make the read models, with their lag."""
    items = [_body(each) for each in await _states(request)]
    return HttpResponse(200, to_json({"items": items, "next": None}), {b"cache-control": PRIVATE})


@router.post("/{projection}/resume", "resume_projection", ProjectionResponse)
async def resume(request: RequestContext, projection: str, body: EmptyBody) -> Response:  # noqa: ARG001
    """Let a projection that stopped try its event again, once the cause is fixed. The security log says who did."""
    if projection not in NAMES:
        raise not_found(f"There is no projection `{projection[:64]}`.")
    signing = request.ports.identity.signing
    async with signing.atomically():
        if await request.ports.stopped.resume(projection):
            by = request.caller.account
            await signing.security.note("projection_resumed", by, network=request.network, projection=projection)
    (found,) = [each for each in await _states(request) if each.name == projection]
    return HttpResponse(200, to_json(_body(found)), {b"cache-control": PRIVATE})


async def _states(request: RequestContext) -> list[ProjectionState]:
    async with request.snapshot(_ANY) as read:
        return [each for each in await states(read.connection) if each.name in NAMES]


def _body(each: ProjectionState) -> Mapping[str, Any]:
    return {
        "name": each.name,
        "position": position_text(each.position),
        "behind": max(0, each.behind),
        "stopped_at": None if each.stopped_at is None else position_text(each.stopped_at),
        "error": each.error,
    }
