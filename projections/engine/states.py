"""The state of each projection of the live generation: its position, and how far it is behind the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.event_feed import HEAD

PROJECTION_STATES = f"""
    SELECT b.reader AS name, b.generation, b.position, {HEAD} - b.position AS behind, b.stopped_at, b.error,
           coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT recorded_at FROM log.stored_events WHERE notification_id > b.position
               ORDER BY notification_id LIMIT 1)), 0)::float AS seconds
    FROM read.live JOIN read.bookmark b USING (generation)
    ORDER BY b.reader"""  # noqa: S608  all of it is written here

RESUME = """
    UPDATE read.checkpoint b SET stopped_at = NULL, error = NULL FROM read.live
    WHERE b.generation = live.generation AND b.reader = ANY(%s) AND b.stopped_at IS NOT NULL
    RETURNING b.reader"""
"""Let projections that have stopped try their event again."""


@dataclass(frozen=True)
class ProjectionState:
    """A projection of the live generation. `behind`: events; `seconds`: the age of the first that is missing."""

    name: str
    generation: int
    position: int
    behind: int
    stopped_at: int | None
    error: str | None
    seconds: float


async def states(connection: AsyncConnection) -> Sequence[ProjectionState]:
    """All projections, by name."""
    return [ProjectionState(**row._mapping) for row in await connection.execute(text(PROJECTION_STATES))]
