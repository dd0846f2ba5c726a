"""A look at the read models: one snapshot of one generation, with the position it reflects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine.positions import Positions
from projections.engine.schema import schemas

PATIENCE = 1.0  # seconds that a look waits for its reader


class Everything(Enum):
    """What admins, auditors and we ourselves may see."""

    EVERYTHING = "all"


EVERYTHING = Everything.EVERYTHING


class Behind(Exception):
    """The read model has not yet got to the position asked for."""

    def __init__(self, reader: str, position: int, asked: int) -> None:
        super().__init__(f"{reader} is at {position}, before {asked}.")
        self.position = position


class BeyondHead(Exception):
    """There is no such position: the log ends before it."""

    def __init__(self, head: int, asked: int) -> None:
        super().__init__(f"The log ends at {head}, before {asked}.")
        self.head = head


@dataclass(frozen=True)
class Snapshot:
    """An open look: read-only, repeatable, its tables mapped to one generation. `position`: of its reader.

    `worked_out`: up to which position what is kept beside the readers is true (`earliest.py`).
    """

    connection: AsyncConnection
    position: int
    generation: int
    worked_out: int


_BOOKMARK = text("""
    SELECT generation, position, coalesce((SELECT position FROM read.earliest_mark), 0),
           set_config('app.scope', :scope, true), set_config('app.sub', :sub, true)
    FROM read.live JOIN read.bookmark USING (generation) WHERE reader = :reader""")
_HEAD = text("SELECT coalesce(max(notification_id), 0) FROM log.stored_events")


class Snapshots:
    """Opens looks at the read models of one database."""

    def __init__(self, engine: AsyncEngine, positions: Positions) -> None:
        self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._positions = positions

    @asynccontextmanager
    async def open(
        self,
        reader: str,
        at_least: int | None = None,
        patience: float = PATIENCE,
        *,
        sees: UUID | Everything | None = None,
    ) -> AsyncIterator[Snapshot]:
        """A look at a reader's tables, no older than a position: waits for it up to `patience` seconds.

        `sees`: whose things, EVERYTHING, or only what nobody owns; the database holds the look to it.
        Raises Behind, and BeyondHead for a position that the log does not have.
        """
        if at_least is not None:
            await self.wait(reader, at_least, patience)
        async with self._engine.connect() as connection:
            scope, sub = ("all", "") if sees is EVERYTHING else ("", str(sees or ""))
            told = {"reader": reader, "scope": scope, "sub": sub}
            generation, position, worked_out, _, _ = (await connection.execute(_BOOKMARK, told)).one()
            if at_least is not None and position < at_least:
                raise Behind(reader, position, at_least)
            await connection.execution_options(schema_translate_map=schemas(generation))
            yield Snapshot(connection, position, generation, worked_out)

    async def wait(self, reader: str, position: int, patience: float = PATIENCE) -> None:
        """Until the reader, or what is worked out beside them, is there; raises as `open` does."""
        if self._positions.reached(reader, position):
            return
        async with self._engine.connect() as connection:
            head = (await connection.execute(_HEAD)).scalar_one()
        if position > head:
            raise BeyondHead(head, position)
        if not await self._positions.wait(reader, position, patience):
            raise Behind(reader, self._positions.known.get(reader, 0), position)
