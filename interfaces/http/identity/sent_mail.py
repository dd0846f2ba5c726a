"""Routes of the mails that were sent to the caller."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json

from interfaces.http.framework.fields import Instant, Paging, Shape, plain
from interfaces.http.framework.needs import Source
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router

router = Router("/v1/me", "me", source=Source.ROWS)


class SentMailResponse(Shape):
    """A mail that was sent. `text`: without its code."""

    id: UUID
    at: Instant
    kind: str
    to: str
    subject: str
    text: str


class MailPage(Shape):
    items: list[SentMailResponse]
    next: str | None


class MailFilters(Paging):
    """The newest first."""


@router.get("/mails", "list_sent_mails", MailPage)
async def find(request: RequestContext, filters: Annotated[MailFilters, Query()]) -> Response:
    """List the mails that were sent to the caller."""
    bounds = page(request, filters)
    before = UUID(bounds.after) if bounds.after else None
    found = await request.ports.mails.latest(request.caller.account, limit=bounds.limit + 1, before=before)
    items = [{**each, "at": plain(each["at"])} for each in found[: bounds.limit]]
    bookmark = str(items[-1]["id"]) if len(found) > bounds.limit else None
    body = {"items": items, "next": next_cursor(request, filters, bookmark)}
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE})
