"""The progress of a rebuild, as any process sees it: the generation that is being built, and how far it is."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.event_feed import HEAD
from projections.rebuild.rebuild import LOCK_NAME

# PostgreSQL shows the 64 bits of an advisory lock's key as two halves.
_BUILDING = text(f"""
    SELECT b.generation, min(b.position) AS position, {HEAD} AS head, EXISTS (
               SELECT FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
               WHERE locktype = 'advisory' AND objsubid = 1
                 AND (classid::bigint << 32 | objid::bigint) = hashtext('{LOCK_NAME}')::bigint) AS runs
    FROM read.live JOIN read.bookmark b ON b.generation > live.generation
    GROUP BY b.generation ORDER BY b.generation DESC LIMIT 1""")  # noqa: S608  all of it is written here


@dataclass(frozen=True)
class RebuildProgress:
    """`position`: up to which the log has been read; `head`: its end. `runs`: False for one that was interrupted."""

    generation: int
    position: int
    head: int
    runs: bool

    @property
    def percent(self) -> int:
        """Below 100 until the read models in use have been replaced."""
        return min(99, 100 * self.position // max(1, self.head))


async def rebuild_progress(connection: AsyncConnection) -> RebuildProgress | None:
    """None where no generation is being built."""
    row = (await connection.execute(_BUILDING)).one_or_none()
    return None if row is None else RebuildProgress(**row._mapping)
