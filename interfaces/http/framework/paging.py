"""Paging: from the caller's limit and cursor to a query's Page, and back to a cursor."""

from interfaces.http.framework.fields import Paging
from interfaces.http.framework.request import RequestContext
from projections.query.paging import Page


def page(request: RequestContext, filters: Paging) -> Page:
    """Where the query starts, and its limit; raises BadCursor."""
    return Page(limit=filters.limit, after=request.ports.cursors.open(filters.cursor, _list_of(request, filters)))


def next_cursor(request: RequestContext, filters: Paging, bookmark: str | None) -> str | None:
    """The cursor of the next page; None at the end."""
    return request.ports.cursors.seal(bookmark, _list_of(request, filters))


def _list_of(request: RequestContext, filters: Paging) -> str:
    """The identity of a list: its owner, path and filters."""
    return f"{request.of} {request.scope['path']} {filters.filters()}"
