"""A search of the directory, on a snapshot that is fresh enough for it."""

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
    """`position`: the log position that the answer reflects."""

    read: Snapshot
    page: Page
    query: SearchQuery
    position: int


@asynccontextmanager
async def searched(request: RequestContext, filters: SearchFilters) -> AsyncIterator[Searching]:
    """Open a search; raises Behind, BeyondHead and BadCursor. Sorted by earliest, it waits for that table too."""
    query = SearchQuery(
        now=request.ports.store.now(),
        tag=filters.tag,
        organization_id=filters.organization_id,
        near=filters.near,
        within=filters.within or NEARBY,
        q=filters.q,
        sort=Sort(filters.sort),
    )
    part = page(request, filters)
    by_time = query.sort is Sort.EARLIEST
    at_least = await request.reflecting(earliest.NAME if by_time else "directory")
    if by_time and at_least is not None:
        await request.reads.wait(earliest.NAME, at_least)
    async with request.reads.open("directory", at_least) as read:
        position = min(read.position, read.earliest_position) if by_time else read.position
        if at_least is not None and position < at_least:
            raise Behind(earliest.NAME, position, at_least)
        yield Searching(read, part, query, position)
