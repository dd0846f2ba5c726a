"""Rebuilds the read models from the log beside those in use, which answer queries until the switch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.analysis.schema import check_unseen
from projections.engine.apply import apply
from projections.engine.event_feed import HEAD, EventDecoder, EventFeed
from projections.engine.positions import CHANNEL
from projections.engine.projection import Projection
from projections.engine.schema import generation_schema
from projections.rebuild.analysis_views import point_views
from projections.rebuild.compare import Difference, differences
from projections.rebuild.generations import ROLE, create
from projections.rebuild.parts import RebuildParts, fill_in_parts

GRACE = 10.0  # seconds that running queries have before the old tables are dropped
CLOSE = 500  # events before the log's head, from which on the projector is blocked until the switch

LOCK_NAME = "daybook rebuild"
_LOCK = text(f"SELECT pg_try_advisory_lock(hashtext('{LOCK_NAME}'))")
_UNLOCK = text(f"SELECT pg_advisory_unlock(hashtext('{LOCK_NAME}'))")
_LIVE = text("SELECT generation FROM read.live FOR SHARE")
_CHECKPOINTS = text("SELECT reader, position FROM read.live JOIN read.bookmark USING (generation)")
_MADE = text("SELECT min(position) FROM read.bookmark WHERE generation = :made AND reader = ANY(:names)")
# Not row locks: an update that waits for those goes on with its old snapshot.
_HOLD = text("LOCK TABLE read.bookmark IN EXCLUSIVE MODE")
_SWITCH = text("UPDATE read.live SET generation = :made, switched_at = clock_timestamp()")
# Snapshots from before the last switch may still read the generation before.
_GRACE_LEFT = text("""
    SELECT greatest(0, extract(epoch FROM switched_at + make_interval(secs => :grace) - clock_timestamp()))::float8
    FROM read.live WHERE EXISTS (SELECT FROM read.bookmark b WHERE b.generation < live.generation)""")
_ANNOUNCE = text("SELECT pg_notify(:channel, :payload)")
_HEAD = text(f"SELECT {HEAD}")
_OTHERS = text("SELECT DISTINCT generation FROM read.bookmark WHERE generation <> :live")
_FORGET = text("DELETE FROM read.bookmark WHERE generation = :generation")
_WHY = text("SELECT error FROM read.bookmark WHERE generation = :made AND reader = :name")


class RebuildRunning(Exception):
    """Another rebuild is under way."""


class UndecodableEvents(Exception):
    """A projection can't handle an event, or the event can't be decoded; the read models in use stay in use."""


@dataclass(frozen=True)
class Rebuilt:
    """The new generation, its position, and its differences from the one in use (after a check)."""

    generation: int
    position: int
    differences: Sequence[Difference] = ()


class Rebuild:
    """Builds the next generation. The engine's role owns the read models' schemas.

    `parts`: the processes that fill it; none: this one does.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        projections: Sequence[Projection],
        codec: EventDecoder,
        progress: Callable[[int, int], None] | None = None,
        *,
        role: str = ROLE,
        parts: RebuildParts | None = None,
    ) -> None:
        self._engine = engine
        self._projections = projections
        self._feed = EventFeed(engine, codec)
        self._progress = progress
        self._role = role
        self._parts = parts

    async def run(self, *, grace: float = GRACE) -> Rebuilt:
        """Fill the next generation, switch to it in one transaction, drop the old one after `grace` seconds.

        Raises RebuildRunning, RebuildFailed and UndecodableEvents.
        """
        async with self._next(grace) as (live, made):
            if self._parts is not None:
                await fill_in_parts(self._engine, self._parts, made, self._progress)
            await self.fill(made, self._projections)
            await self._analyze(made)
            position = await self._switch(made)
            await point_views(self._engine, made, self._role)
            await asyncio.sleep(grace)
            await self._drop(live)
            return Rebuilt(made, position)

    async def check(self) -> Rebuilt:
        """Fill the next generation up to the positions of the live one, compare rows, and drop it.

        Differences are compared again, in tables made anew: a key that is deleted between the two snapshots makes
        rows differ that do not. Raises RebuildRunning and UndecodableEvents.
        """
        async with self._next(GRACE) as (live, made):
            rebuilt = await self._compare(live, made)
            await self._drop(made)
            if rebuilt.differences:
                self._feed.forget()
                await self._create(made)
                rebuilt = await self._compare(live, made)
                await self._drop(made)
            return rebuilt

    @asynccontextmanager
    async def _next(self, grace: float) -> AsyncIterator[tuple[int, int]]:
        """The live generation and the empty next one, for one rebuild at a time; dropped if it fails."""
        async with self._alone():
            live = await self._clear(grace)
            try:
                await self._create(live + 1)
                yield live, live + 1
            except Exception:
                with suppress(SQLAlchemyError):
                    await self._drop(live + 1)
                raise
            finally:
                self._feed.forget()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._engine.connect() as guard:
            if not (await guard.execute(_LOCK)).scalar_one():
                raise RebuildRunning("Another rebuild is under way.")
            await guard.commit()
            try:
                yield
            finally:
                with suppress(SQLAlchemyError):  # a lost connection has lost its lock too
                    await guard.execute(_UNLOCK)

    async def _create(self, made: int) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(create, made, self._projections, self._role)

    async def _clear(self, grace: float) -> int:
        """Drop the remains of a rebuild that was killed, after the rest of its grace; answers the live generation."""
        async with self._engine.connect() as connection:
            left = (await connection.execute(_GRACE_LEFT, {"grace": grace})).scalar_one_or_none()
        await asyncio.sleep(left or 0)
        async with self._engine.begin() as connection:
            live: int = (await connection.execute(_LIVE)).scalar_one()
            left = (await connection.execute(_OTHERS, {"live": live})).scalars().all()
        await point_views(self._engine, live, self._role)  # a rebuild that was killed may have left them behind
        for generation in left:
            await self._drop(generation)
        return live

    async def _drop(self, generation: int) -> None:
        """Drop a generation unless it is live: the database decides, for a switch may have been committed.

        Raises ViewsPointHere while analysts' views show it.
        """
        async with self._engine.begin() as connection:
            if generation != (await connection.execute(_LIVE)).scalar_one():
                await connection.run_sync(check_unseen, generation)
                schema = generation_schema(generation)
                await connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
                await connection.execute(_FORGET, {"generation": generation})

    async def fill(self, made: int, projections: Sequence[Projection], upto: int | None = None) -> None:
        """Give page after page to projections that are at one position; without `upto` until close to the log's head.

        Raises UndecodableEvents.
        """
        while True:
            async with self._engine.begin() as connection:
                total: int = (await connection.execute(_HEAD)).scalar_one()
                position = await self._page(connection, made, projections, total, upto)
            if self._progress:
                self._progress(position, total if upto is None else upto)
            if position >= (total - CLOSE if upto is None else upto):
                return

    async def _page(
        self, connection: AsyncConnection, made: int, projections: Sequence[Projection], head: int, upto: int | None
    ) -> int:
        """One page for these projections, which are all at one position; answers the position reached.

        `head`: the position that the log has at least.
        """
        names = [projection.name for projection in projections]
        since: int = (await connection.execute(_MADE, {"made": made, "names": names})).scalar_one()
        events = [event for event in await self._feed.after(since) if upto is None or event.position <= upto]
        if not events:
            if since < (head if upto is None else upto):
                raise UndecodableEvents(f"The log has no event after position {since}. See `daybook audit verify`.")
            return since
        reached = await apply(connection, made, projections, since, events, live=False)
        for name, checkpoint in reached.items():
            if checkpoint.stopped_at is not None:
                why = await connection.execute(_WHY, {"made": made, "name": name})
                raise UndecodableEvents(f"{name} can't read position {checkpoint.stopped_at}: {why.scalar_one()}")
        return events[-1].position

    async def _analyze(self, made: int) -> None:
        """Collect statistics, so that the first query is not planned for empty tables."""
        async with self._engine.begin() as connection:
            for table in _tables(self._projections):
                await connection.exec_driver_sql(f'ANALYZE "{generation_schema(made)}"."{table.name}"')

    async def _switch(self, made: int) -> int:
        """Block the projector, read up to the log's head, then switch. No query waits for it."""
        async with self._engine.begin() as connection:
            await connection.execute(_HOLD)
            upto: int = (await connection.execute(_HEAD)).scalar_one()
            position = -1
            while position < upto:
                position = await self._page(connection, made, self._projections, upto, upto)
            await connection.execute(_SWITCH, {"made": made})
            await connection.execute(_ANNOUNCE, {"channel": CHANNEL, "payload": str(position)})
            return position

    async def _compare(self, live: int, made: int) -> Rebuilt:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.connect() as connection:
            positions = await _positions(connection)
            known = [each for each in self._projections if each.name in positions]
            found: list[Difference] = []
            for position in sorted({positions[each.name] for each in known}):  # stopped ones are behind
                await self.fill(made, [each for each in known if positions[each.name] >= position], position)
                there = [each for each in known if positions[each.name] == position]
                found += await differences(connection, self._engine, _tables(there), live, made)
            return Rebuilt(made, max(positions.values()), found)


def _tables(projections: Iterable[Projection]) -> list[Table]:
    return [table for projection in projections for table in projection.tables]


async def _positions(connection: AsyncConnection) -> Mapping[str, int]:
    """Projection -> position, of the live generation."""
    return {row.reader: row.position for row in await connection.execute(_CHECKPOINTS)}
