"""The caller as a manager of providers and services, for lists of what they may act for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from application.access import Role
from interfaces.http.framework.fields import Paging
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import page_response
from projections.query.paging import Page
from projections.query.snapshot import Snapshot
from projections.read_models import organization
from projections.search.managed import Manager

T = TypeVar("T")
Find = Callable[[Snapshot, Page, Manager | None], Awaitable[tuple[Sequence[T], str | None]]]
_EVERYTHING = frozenset({Role.ADMIN, Role.AUDITOR})


async def manager_of(request: RequestContext) -> Manager | None:
    """The caller and their organizations; None for those who see everything. Raises Unauthenticated."""
    caller = request.caller
    if caller.role in _EVERYTHING:
        return None
    async with request.snapshot("organization") as read:
        return Manager(caller.account, await organization.ids_of(read, caller.account))


async def managed_page(
    request: RequestContext, filters: Paging, find: Find[T], to_body: Callable[[T], Mapping[str, Any]]
) -> Response:
    """A page of what the caller may act for."""
    by = await manager_of(request)
    async with request.snapshot("directory") as read:
        rows, bookmark = await find(read, page(request, filters), by)
    items = [to_body(row) for row in rows]
    return page_response(items, next_cursor(request, filters, bookmark), read.position)
