"""The route of the views log: who opened whose card."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import to_json

from application.view_log import RecordedView, ViewFilters
from interfaces.http.audit.past_bodies import exact
from interfaces.http.framework.fields import Paging, Shape, exact_instant
from interfaces.http.framework.needs import Source
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router

router = Router("/v1/audit/views", "audit", source=Source.ROWS, reserved=True)

ExactInstant = Annotated[
    datetime,
    PlainValidator(exact_instant),
    PlainSerializer(exact, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2030-01-31T09:00:00Z"]}),
]


class RecordedViewResponse(Shape):
    """The first time in an hour that somebody opened a person's card."""

    id: int
    at: datetime
    viewer: UUID
    person: UUID
    operation: str
    organizations: list[UUID]
    role: str
    via: str
    request: str


class RecordedViewPage(Shape):
    items: list[RecordedViewResponse]
    next: str | None


class RecordedViewFilters(Paging):
    """The newest first."""

    person: UUID | None = None
    viewer: UUID | None = None
    from_: ExactInstant | None = Field(None, alias="from")
    to: ExactInstant | None = None


@router.get("", "list_views", RecordedViewPage)
async def find(request: RequestContext, filters: Annotated[RecordedViewFilters, Query()]) -> Response:
    """List who opened whose card: once a viewer, person and hour."""
    bounds = page(request, filters)
    found = await request.ports.views.find(
        ViewFilters(filters.person, filters.viewer, filters.from_, filters.to),
        limit=bounds.limit + 1,
        before=int(bounds.after) if bounds.after else None,
    )
    items = found[: bounds.limit]
    bookmark = str(items[-1].id) if len(found) > bounds.limit else None
    body = {"items": [view_body(each) for each in items], "next": next_cursor(request, filters, bookmark)}
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE})


def view_body(view: RecordedView) -> Mapping[str, Any]:
    """A view as JSON, for the route and for `daybook audit`."""
    return {
        "id": view.id,
        "at": exact(view.at),
        "viewer": str(view.viewer),
        "person": str(view.person),
        "operation": view.operation,
        "organizations": list(view.organizations),
        **{name: view.facts.get(name, "unknown") for name in ("role", "via", "request")},
    }
