"""A search of the directory: from what is asked to a look that is fresh enough for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from interfaces.http.catalog.search_schemas import SearchFilters
from interfaces.http.framework.paging import page
from interfaces.http.framework.request import RequestContext
from projections.availability import earliest
from projections.query.paging import Page
from projections.query.snapshot import Behind, Snapshot
from projections.search.geo import NEARBY
from projections.search.search import SearchQuery, Sort


@dataclass(frozen=True)
class Searching:
    """`position`: that the answer reflects."""

    read: Snapshot
    page: Page
    asked: SearchQuery
    position: int


@asynccontextmanager
async def searched(request: RequestContext, filters: SearchFilters) -> AsyncIterator[Searching]:
    """Open it; raises as Reads does, and BadCursor. By earliest, it waits for what is worked out too."""
    asked = SearchQuery(
        now=request.ports.store.now(),
        tag=filters.tag,
        organization_id=filters.organization_id,
        near=filters.near,
        within=filters.within or NEARBY,
        q=filters.q,
        sort=Sort(filters.sort),
    )
    part = page(request, filters)
    by_time = asked.sort is Sort.EARLIEST
    if by_time and request.at_least is not None:
        await request.ports.reads.wait(earliest.NAME, request.at_least)
    async with request.ports.reads.open("directory", request.at_least) as read:
        position = min(read.position, read.worked_out) if by_time else read.position
        if request.at_least is not None and position < request.at_least:
            raise Behind(earliest.NAME, position, request.at_least)
        yield Searching(read, part, asked, position)
