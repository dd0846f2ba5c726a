"""Compares two generations of a table row by row: rows missing in one, or different in the other."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine.pg_notify import driver_of
from projections.engine.schema import generation_schema

MOST = 20  # differences reported for each table


class Difference(NamedTuple):
    """A row as each generation has it, in PostgreSQL's notation; None where it is missing."""

    table: str
    live: str | None
    rebuilt: str | None


class _Row(NamedTuple):
    key: str
    row: str


async def differences(
    live_connection: AsyncConnection, engine: AsyncEngine, tables: Sequence[Table], live: int, rebuilt: int
) -> list[Difference]:
    """The first MOST differences of each table; the live rows are those of the connection's snapshot."""
    found = []
    async with engine.connect() as other:
        for table in tables:
            async with (
                aclosing(_rows(live_connection, table, live)) as ours,
                aclosing(_rows(other, table, rebuilt)) as theirs,
            ):
                found += [Difference(table.name, *pair) for pair in await _merged(ours, theirs)]
    return found


async def _rows(connection: AsyncConnection, table: Table, generation: int) -> AsyncGenerator[_Row]:
    """Rows by key, in an order that Python can compare."""
    key = ", ".join(f't."{column.name}"' for column in table.primary_key)
    statement = (
        f"SELECT ROW({key})::text, t::text"  # noqa: S608  names of our own
        f' FROM "{generation_schema(generation)}"."{table.name}" t ORDER BY ROW({key})::text COLLATE "C"'
    )
    driver = await driver_of(connection)
    async with driver.cursor("difference") as cursor:
        await cursor.execute(statement.encode())
        async for row in cursor:
            yield _Row(*row)


async def _merged(ours: AsyncIterator[_Row], theirs: AsyncIterator[_Row]) -> list[tuple[str | None, str | None]]:
    """Compare two ordered sequences of rows. Returns the rows that differ, at most MOST."""
    found: list[tuple[str | None, str | None]] = []
    left, right = await anext(ours, None), await anext(theirs, None)
    while (left is not None or right is not None) and len(found) < MOST:
        mine = left if right is None or (left is not None and left.key <= right.key) else None
        other = right if left is None or (right is not None and right.key <= left.key) else None
        if mine != other:
            found.append((mine.row if mine else None, other.row if other else None))
        left = await anext(ours, None) if mine else left
        right = await anext(theirs, None) if other else right
    return found
