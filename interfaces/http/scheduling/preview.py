"""The route that previews a change of opening hours."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json

from application.orphans.hours_check import Upcoming
from application.orphans.preview import HoursPreview, preview_hours
from domain.log_position import position_text
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import covers
from interfaces.http.framework.fields import plain
from interfaces.http.framework.needs import IdempotencyKeys, Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.scheduling.orphan_schemas import (
    MOST_ORPHANS,
    MOST_STARTS,
    PreviewScheduleBody,
    SchedulePreviewResponse,
)
from projections.availability.comparison import ComparedStarts

router = Router("/v1/providers/{provider_id}/schedule/preview", "schedules")


@router.post("", "preview_schedule", SchedulePreviewResponse, needs=Needs(keys=IdempotencyKeys.NONE))
async def preview(request: RequestContext, provider_id: UUID, body: PreviewScheduleBody) -> Response:
    """Preview a change of opening hours: the appointments left outside, and the starts gained and lost."""
    now = request.ports.store.now()
    span = body.span(now)
    found = await preview_hours(body.asked(provider_id, request.query()), request.ports.store)
    hours = found.aggregate.before, found.aggregate.after
    upcoming = await request.ports.upcoming.of_provider(provider_id, now, found.position)
    starts = await request.ports.availability.compared(provider_id, hours, span, now=now, at_least=found.position)
    answer = preview_response(found.aggregate, upcoming, starts, span, found.position)
    return HttpResponse(200, to_json(answer), {b"cache-control": PRIVATE}, position=found.position)


def preview_response(
    preview: HoursPreview,
    upcoming: Sequence[Upcoming],
    starts: Sequence[ComparedStarts],
    span: Interval,
    position: int,
) -> Mapping[str, Any]:
    """A preview as JSON. Orphans are those that the change leaves outside, and those that stay outside."""
    left = [each for each in upcoming if _left_outside(each, preview)]
    return {
        "version": preview.version,
        "orphan_count": len(left),
        "orphans": [_orphan(each) for each in left[:MOST_ORPHANS]],
        "reopened": sum(each.orphan and covers(preview.after, each.time) for each in upcoming),
        "services": [_service(each) for each in starts],
        "from": plain(span.start),
        "to": plain(span.end),
        "position": position_text(position),
    }


def _left_outside(each: Upcoming, preview: HoursPreview) -> bool:
    return not covers(preview.after, each.time) and (each.orphan or covers(preview.before, each.time))


def _orphan(each: Upcoming) -> Mapping[str, Any]:
    start, end = each.time
    return {"appointment_id": each.id, "start": plain(start), "end": plain(end), "listed": each.orphan}


def _service(each: ComparedStarts) -> Mapping[str, Any]:
    return {
        "service_id": each.service_id,
        "gained": len(each.gained),
        "lost": len(each.lost),
        "gained_starts": [plain(start) for start in each.gained[:MOST_STARTS]],
        "lost_starts": [plain(start) for start in each.lost[:MOST_STARTS]],
    }
