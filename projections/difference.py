"""Two generations of a table, row by row: what is in one and not in the other?"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.tables import generation_schema

MOST = 20  # differences named for each table


class Difference(NamedTuple):
    """A row of one generation that the other does not have; None for the side where nothing is."""

    table: str
    live: str | None
    rebuilt: str | None


async def differences(
    live_connection: AsyncConnection, engine: AsyncEngine, tables: Sequence[Table], live: int, rebuilt: int
) -> list[Difference]:
    """The first MOST differences of each table; the live rows are those of the connection's snapshot."""
    found = []
    async with engine.connect() as other:
        for table in tables:
            ours = _rows(live_connection, table, live)
            theirs = _rows(other, table, rebuilt)
            found += [Difference(table.name, *pair) for pair in await _merged(ours, theirs)]
    return found


async def _rows(connection: AsyncConnection, table: Table, generation: int) -> AsyncIterator[str]:
    statement = text(
        f'SELECT t::text FROM "{generation_schema(generation)}"."{table.name}" t'  # noqa: S608  names of our own
        ' ORDER BY t::text COLLATE "C"'
    )
    result = await connection.stream(statement)
    async for row in result:
        yield row[0]


async def _merged(
    ours: AsyncIterator[str], theirs: AsyncIterator[str]
) -> list[tuple[str | None, str | None]]:
    """Both in order: what only one of them has, at most MOST."""
    found: list[tuple[str | None, str | None]] = []
    left, right = await anext(ours, None), await anext(theirs, None)
    while (left is not None or right is not None) and len(found) < MOST:
        if left == right:
            left, right = await anext(ours, None), await anext(theirs, None)
        elif right is None or (left is not None and left < right):
            found.append((left, None))
            left = await anext(ours, None)
        else:
            found.append((None, right))
            right = await anext(theirs, None)
    return found
