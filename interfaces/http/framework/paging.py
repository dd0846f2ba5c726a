"""A page of a list: from the caller's limit and cursor to the query's Page, and back to a cursor."""

from interfaces.http.framework.fields import Paging
from interfaces.http.framework.request import RequestContext
from projections.query.paging import Page


def page(request: RequestContext, asked: Paging) -> Page:
    """Where the query starts and how much it answers; raises BadCursor."""
    return Page(limit=asked.limit, after=request.ports.cursors.open(asked.cursor, _list(request, asked)))


def sealed(request: RequestContext, asked: Paging, bookmark: str | None) -> str | None:
    """The cursor to go on from."""
    return request.ports.cursors.seal(bookmark, _list(request, asked))


def _list(request: RequestContext, asked: Paging) -> str:
    """Which list this is: whose, where, and by which filters."""
    return f"{request.of} {request.scope['path']} {asked.filters()}"
