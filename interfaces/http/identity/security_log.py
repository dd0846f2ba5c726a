"""Routes of the security log: sign-ins, failed sign-ins and denied requests."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json

from interfaces.http.framework.fields import Instant, Paging, Shape, plain
from interfaces.http.framework.needs import Source
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching

router = Router("/v1/audit", "audit", source=Source.ROWS, reserved=True)


class SecurityEventResponse(Shape):
    """`network`: a pseudonym of the network. `facts`: further fields, by `kind`."""

    id: int
    at: Instant
    kind: str
    account_id: UUID | None
    network: str | None
    facts: dict[str, Any]


class SecurityEventPage(Shape):
    items: list[SecurityEventResponse]
    next: str | None


class SecurityFilters(Paging):
    """The newest first."""

    kind: str | None = matching(r"^[a-z_]+$", "Use lower-case letters and underscores.", default=None, max_length=64)
    account_id: UUID | None = None


@router.get("/security", "list_security_events", SecurityEventPage)
async def find(request: RequestContext, filters: Annotated[SecurityFilters, Query()]) -> Response:
    """List security events."""
    bounds = page(request, filters)
    found = await request.ports.identity.signing.security.find(
        limit=bounds.limit + 1,
        before=int(bounds.after) if bounds.after else None,
        kind=filters.kind,
        account_id=filters.account_id,
    )
    items = found[: bounds.limit]
    bookmark = str(items[-1].id) if len(found) > bounds.limit else None
    rows = [
        {
            "id": each.id,
            "at": plain(each.at),
            "kind": each.kind,
            "account_id": each.account_id,
            "network": each.network,
            "facts": each.facts,
        }
        for each in items
    ]
    body = {"items": rows, "next": next_cursor(request, filters, bookmark)}
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE})
