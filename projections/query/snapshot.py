"""Snapshots of the read models: a read-only transaction on one generation, with the position it reflects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.log_position import position_text
from projections.engine.event_feed import HEAD
from projections.engine.pg_notify import driver_of
from projections.engine.positions import Positions
from projections.engine.schema import schemas

PATIENCE = 1.0  # seconds that a snapshot waits for its projection


class Everything(Enum):
    """The scope of admins, auditors and Daybook's own jobs: all rows."""

    EVERYTHING = "all"


EVERYTHING = Everything.EVERYTHING
Sees = UUID | Everything | None
"""Who looks: an account, EVERYTHING, or None for rows without an owner; row-level security enforces it."""


class Behind(Exception):
    """Your last write is not visible yet. Try again."""

    def __init__(self, projection: str, position: int, asked: int) -> None:
        super().__init__(f"{projection} is at {position_text(position)}, before {position_text(asked)}.")
        self.position = position


class BeyondHead(Exception):
    """The log has no such position yet."""

    def __init__(self, head: int, asked: int) -> None:
        super().__init__(f"The log ends at {position_text(head)}, before {position_text(asked)}.")
        self.head = head


@dataclass(frozen=True)
class Snapshot:
    """An open snapshot: read-only, repeatable, its tables mapped to one generation. `position`: its projection's.

    `earliest_position`: the position up to which the table of earliest starts is complete.
    """

    connection: AsyncConnection
    projection: str
    position: int
    generation: int
    earliest_position: int


_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_CHECKPOINT = """
    SELECT generation, position, coalesce((SELECT position FROM read.earliest_mark), 0),
           set_config('app.scope', %(scope)s, true), set_config('app.sub', %(sub)s, true)
    FROM read.live JOIN read.bookmark USING (generation) WHERE reader = %(projection)s"""
_HEAD = text(f"SELECT {HEAD}")


async def checkpoint(connection: AsyncConnection, projection: str, sees: Sees, *, begin: bool = False) -> Snapshot:
    """The snapshot of a projection's tables in a transaction, whose row-level security is told who looks.

    `begin`: the transaction begins with it, in the same round trip.
    """
    scope, sub = ("all", "") if sees is EVERYTHING else ("", str(sees or ""))
    values = {"projection": projection, "scope": scope, "sub": sub}
    driver = await driver_of(connection)
    try:
        async with driver.pipeline():
            if begin:
                await driver.execute(_BEGIN)
            cursor = await driver.execute(_CHECKPOINT, values)
            found = await cursor.fetchone()
    except psycopg.OperationalError as error:
        await connection.invalidate(error)
        raise
    assert found is not None
    generation, position, earliest, _, _ = found
    await connection.execution_options(schema_translate_map=schemas(generation))
    return Snapshot(connection, projection, position, generation, earliest)


def no_older_than(snapshot: Snapshot, at_least: int | None) -> Snapshot:
    """The snapshot, unless it is older than the position; raises Behind."""
    if at_least is not None and snapshot.position < at_least:
        raise Behind(snapshot.projection, snapshot.position, at_least)
    return snapshot


class Snapshots:
    """Opens snapshots of the read models of one database."""

    def __init__(self, engine: AsyncEngine, positions: Positions) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # `checkpoint` begins the transaction
        self._positions = positions

    @asynccontextmanager
    async def open(
        self,
        projection: str,
        at_least: int | None = None,
        patience: float = PATIENCE,
        *,
        sees: Sees = None,
    ) -> AsyncIterator[Snapshot]:
        """A snapshot of a projection's tables, no older than a position: waits for it up to `patience` seconds.

        Raises Behind, and BeyondHead for a position that the log does not have.
        """
        if at_least is not None:
            await self.wait(projection, at_least, patience)
        async with self.begin(projection, sees) as snapshot:
            yield no_older_than(snapshot, at_least)

    @asynccontextmanager
    async def begin(self, projection: str, sees: Sees) -> AsyncIterator[Snapshot]:
        """A snapshot as it is. Its transaction sees one instant of the database, and ends with the block."""
        async with self._engine.connect() as connection:
            yield await checkpoint(connection, projection, sees, begin=True)

    def is_latest(self, projection: str, position: int) -> bool:
        """Whether the projection was last heard of at this position, or before it."""
        heard = self._positions.known.get(projection)
        return heard is not None and heard <= position

    async def catch_up(self, projection: str, position: int) -> bool:
        """Whether the projection gets to a position that the log has, within PATIENCE."""
        return await self._positions.wait(projection, position, PATIENCE)

    async def wait(self, projection: str, position: int, patience: float = PATIENCE) -> None:
        """Wait until the projection, or the table of earliest starts, is there; raises as `open` does."""
        if self._positions.reached(projection, position):
            return
        async with self._engine.connect() as connection:
            head = (await connection.execute(_HEAD)).scalar_one()
        if position > head:
            raise BeyondHead(head, position)
        if not await self._positions.wait(projection, position, patience):
            raise Behind(projection, self._positions.known.get(projection, 0), position)
