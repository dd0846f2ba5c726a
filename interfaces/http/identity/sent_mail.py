"""The mails that were sent to the caller, as they said it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic_core import to_json

from interfaces.http.framework.fields import Instant, Paging, Shape, plain
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import PRIVATE, HttpResponse
from interfaces.http.framework.routing import Router

router = Router("/v1/me", "me")


class SentMailResponse(Shape):
    """A mail that was sent. `text`: without the code that was in it, if one was."""

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
    """List what was mailed to the caller."""
    asked = page(request, filters)
    before = UUID(asked.after) if asked.after else None
    found = await request.ports.mails.latest(request.caller.account, limit=asked.limit + 1, before=before)
    items = [{**each, "at": plain(each["at"])} for each in found[: asked.limit]]
    bookmark = str(items[-1]["id"]) if len(found) > asked.limit else None
    body = {"items": items, "next": sealed(request, filters, bookmark)}
    return HttpResponse(200, to_json(body), {b"cache-control": PRIVATE})
