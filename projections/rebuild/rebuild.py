"""The read models anew from the log, beside those in use, which answer until the new take over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine.apply import apply
from projections.engine.event_feed import EventDecoder, EventFeed
from projections.engine.positions import CHANNEL
from projections.engine.projection import Projection
from projections.engine.schema import generation_schema
from projections.rebuild.compare import Difference, differences
from projections.rebuild.generations import ROLE, create

GRACE = 10.0  # seconds that answers under way have before the old tables go
CLOSE = 500  # events; so near to the end the rest is read with the projector held off

_ONLY = text("SELECT pg_try_advisory_lock(hashtext('daybook rebuild'))")
_FREE = text("SELECT pg_advisory_unlock(hashtext('daybook rebuild'))")
_LIVE = text("SELECT generation FROM read.live FOR SHARE")
_MARKS = text("SELECT reader, position FROM read.live JOIN read.bookmark USING (generation)")
_MADE = text("SELECT min(position) FROM read.bookmark WHERE generation = :made AND reader = ANY(:readers)")
# Not the rows' locks: an update that waits for those goes on with what it saw before.
_HOLD = text("LOCK TABLE read.bookmark IN EXCLUSIVE MODE")
_SWITCH = text("UPDATE read.live SET generation = :made")
_ANNOUNCE = text("SELECT pg_notify(:channel, :said)")
_HEAD = text("SELECT coalesce(max(notification_id), 0) FROM log.stored_events")
_OTHERS = text("SELECT DISTINCT generation FROM read.bookmark WHERE generation <> :live")
_FORGET = text("DELETE FROM read.bookmark WHERE generation = :generation")
_WHY = text("SELECT error FROM read.bookmark WHERE generation = :made AND reader = :reader")


class RebuildRunning(Exception):
    """Another rebuild is under way."""


class UndecodableEvents(Exception):
    """An event of the log that a reader, or nobody, can read; the read models in use stay in use."""


@dataclass(frozen=True)
class Rebuilt:
    """The generation made, the position it is at, and how it differs from the one in use (if asked)."""

    generation: int
    position: int
    differences: Sequence[Difference] = ()


class Rebuild:
    """Makes the next generation. The engine's role owns the read models' schemas."""

    def __init__(
        self,
        engine: AsyncEngine,
        readers: Sequence[Projection],
        codec: EventDecoder,
        progress: Callable[[int, int], None] | None = None,
        *,
        role: str = ROLE,
    ) -> None:
        self._engine = engine
        self._readers = readers
        self._feed = EventFeed(engine, codec)
        self._progress = progress
        self._role = role

    async def run(self, *, grace: float = GRACE) -> Rebuilt:
        """Fill the next generation, let it take over in one transaction, drop the old one.

        `grace`: seconds until then. Raises Busy and Unreadable.
        """
        async with self._next() as (live, made):
            await self._fill(made, self._readers)
            await self._analyze(made)
            position = await self._take_over(made)
            await asyncio.sleep(grace)
            await self._drop(live)
            return Rebuilt(made, position)

    async def check(self) -> Rebuilt:
        """Fill the next generation up to where the live one is, compare rows, and drop it.

        Raises Busy and Unreadable.
        """
        async with self._next() as (live, made):
            rebuilt = await self._compare(live, made)
            await self._drop(made)
            return rebuilt

    @asynccontextmanager
    async def _next(self) -> AsyncIterator[tuple[int, int]]:
        """The live generation and the empty next one, for one rebuild at a time; dropped if it fails."""
        async with self._alone():
            live = await self._clear()
            try:
                async with self._engine.begin() as connection:
                    await connection.run_sync(create, live + 1, self._readers, self._role)
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
            if not (await guard.execute(_ONLY)).scalar_one():
                raise RebuildRunning("Another rebuild is under way.")
            await guard.commit()
            try:
                yield
            finally:
                with suppress(SQLAlchemyError):  # a connection that is gone holds nothing
                    await guard.execute(_FREE)

    async def _clear(self) -> int:
        """What a rebuild that was killed has left goes; answers with the generation that stays."""
        async with self._engine.begin() as connection:
            live: int = (await connection.execute(_LIVE)).scalar_one()
            left = (await connection.execute(_OTHERS, {"live": live})).scalars().all()
        for generation in left:
            await self._drop(generation)
        return live

    async def _drop(self, generation: int) -> None:
        """Not the live one: whether the switch was made is for the database to say."""
        async with self._engine.begin() as connection:
            if generation != (await connection.execute(_LIVE)).scalar_one():
                schema = generation_schema(generation)
                await connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
                await connection.execute(_FORGET, {"generation": generation})

    async def _fill(self, made: int, readers: Sequence[Projection], upto: int | None = None) -> None:
        """Page after page; without `upto` until it is close to the log's head."""
        while True:
            async with self._engine.begin() as connection:
                total: int = (await connection.execute(_HEAD)).scalar_one()
                position = await self._page(connection, made, readers, upto)
            if self._progress:
                self._progress(position, total if upto is None else upto)
            if position >= (total - CLOSE if upto is None else upto):
                return

    async def _page(
        self, connection: AsyncConnection, made: int, readers: Sequence[Projection], upto: int | None
    ) -> int:
        """One page for these readers, which are all at one position; answers with that reached."""
        names = [reader.name for reader in readers]
        since: int = (await connection.execute(_MADE, {"made": made, "readers": names})).scalar_one()
        stretch = await self._feed.after(since)
        events = [event for event in stretch.events if upto is None or event.position <= upto]
        if not events:
            if stretch.broken is not None and since != upto:
                raise UndecodableEvents(f"The event at position {stretch.broken[0]}: {stretch.broken[1]!r}")
            return since
        marks = await apply(connection, made, readers, since, events, live=False)
        for name, mark in marks.items():
            if mark.stopped_at is not None:
                why = await connection.execute(_WHY, {"made": made, "reader": name})
                raise UndecodableEvents(f"{name} can't read position {mark.stopped_at}: {why.scalar_one()}")
        return events[-1].position

    async def _analyze(self, made: int) -> None:
        """So that the first question is not planned for empty tables."""
        async with self._engine.begin() as connection:
            for table in _tables(self._readers):
                await connection.exec_driver_sql(f'ANALYZE "{generation_schema(made)}"."{table.name}"')

    async def _take_over(self, made: int) -> int:
        """With the projector held off: up to the log's head, then the switch. No query waits for it."""
        async with self._engine.begin() as connection:
            await connection.execute(_HOLD)
            upto: int = (await connection.execute(_HEAD)).scalar_one()
            position = -1
            while position < upto:
                position = await self._page(connection, made, self._readers, upto)
            await connection.execute(_SWITCH, {"made": made})
            await connection.execute(_ANNOUNCE, {"channel": CHANNEL, "said": str(position)})
            return position

    async def _compare(self, live: int, made: int) -> Rebuilt:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.connect() as connection:
            marks = await _marks(connection)
            known = [reader for reader in self._readers if reader.name in marks]
            found: list[Difference] = []
            for position in sorted({marks[reader.name] for reader in known}):  # who has stopped is behind
                await self._fill(made, [reader for reader in known if marks[reader.name] >= position], position)
                there = [reader for reader in known if marks[reader.name] == position]
                found += await differences(connection, self._engine, _tables(there), live, made)
            return Rebuilt(made, max(marks.values()), found)


def _tables(readers: Iterable[Projection]) -> list[Table]:
    return [table for reader in readers for table in reader.tables]


async def _marks(connection: AsyncConnection) -> Mapping[str, int]:
    """Reader -> position, of the live generation."""
    return {row.reader: row.position for row in await connection.execute(_MARKS)}
