"""The read models anew from the log, beside those in use, which answer until the new take over."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.apply import apply
from projections.difference import Difference, differences
from projections.feed import Decode, Feed
from projections.generation import ROLE, create
from projections.reader import Reader
from projections.tables import generation_schema

GRACE = 10.0  # seconds that answers under way have before the old tables go
CLOSE = 500  # events; so near to the end the rest is read with the projector held off

_ONLY = text("SELECT pg_try_advisory_lock(hashtext('daybook rebuild'))")
_LIVE = text("SELECT generation FROM read.live")
_LIVE_MARKS = text("""
    SELECT reader, position FROM read.live JOIN read.bookmark USING (generation) ORDER BY reader""")
_HOLD = text("""
    SELECT b.reader, b.position FROM read.live JOIN read.bookmark b USING (generation)
    ORDER BY reader FOR UPDATE OF live, b""")
_MARK = text("SELECT min(position) FROM read.bookmark WHERE generation = :generation")
_SWITCH = text("UPDATE read.live SET generation = :generation")
_HEAD = text("SELECT coalesce(max(notification_id), 0) FROM log.stored_events")
_OTHERS = text("SELECT DISTINCT generation FROM read.bookmark WHERE generation <> :live")


class Busy(Exception):
    """Another rebuild is under way."""


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
        readers: Sequence[Reader],
        decode: Decode,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._engine = engine
        self._readers = readers
        self._feed = Feed(engine, decode)
        self._progress = progress

    async def run(self, *, grace: float = GRACE) -> Rebuilt:
        """Fill the next generation, let it take over in one transaction, drop the old one; raises Busy."""
        async with self._engine.connect() as guard:
            live = await self._begin(guard)
            made = live + 1
            try:
                await self._fill(made)
                position = await self._take_over(made)
            finally:
                self._feed.forget()
        await asyncio.sleep(grace)
        await self._drop(live)
        return Rebuilt(made, position)

    async def check(self) -> Rebuilt:
        """Fill the next generation up to where the live one is, compare rows, and drop it; raises Busy."""
        async with self._engine.connect() as guard:
            live = await self._begin(guard)
            made = live + 1
            try:
                return await self._compare(live, made)
            finally:
                self._feed.forget()
                await self._drop(made)

    async def _begin(self, guard: AsyncConnection) -> int:
        """What a rebuild that was killed has left goes; then the empty tables of the next generation."""
        if not (await guard.execute(_ONLY)).scalar_one():
            raise Busy("Another rebuild is under way.")
        await guard.commit()
        async with self._engine.connect() as connection:
            live: int = (await connection.execute(_LIVE)).scalar_one()
            left = (await connection.execute(_OTHERS, {"live": live})).scalars().all()
        for generation in {*left, live + 1}:
            await self._drop(generation)
        async with self._engine.begin() as connection:
            await connection.run_sync(_create, live + 1, self._readers)
        return live

    async def _fill(self, generation: int, upto: int | None = None) -> None:
        """Page after page; without `upto` until it is close to the log's head."""
        while True:
            async with self._engine.begin() as connection:
                position, total = await self._page(connection, generation, upto)
            if self._progress:
                self._progress(position, total)
            if position >= (upto if upto is not None else total - CLOSE):
                return

    async def _page(self, connection: AsyncConnection, generation: int, upto: int | None) -> tuple[int, int]:
        """One page for all readers of the generation; the position reached, and where the log ends."""
        since: int = (await connection.execute(_MARK, {"generation": generation})).scalar_one()
        total: int = (await connection.execute(_HEAD)).scalar_one()
        stretch = await self._feed.after(since)
        if stretch.broken is not None:
            raise stretch.broken[1]
        events = [event for event in stretch.events if upto is None or event.position <= upto]
        if not events:
            return since, total
        marks = await apply(connection, generation, self._readers, since, events, live=False)
        stopped = [name for name, mark in marks.items() if mark.stopped_at is not None]
        if stopped:
            raise RuntimeError(f"reader {stopped[0]} can't read position {marks[stopped[0]].stopped_at}")
        return events[-1].position, total

    async def _take_over(self, generation: int) -> int:
        """With the projector held off: the last events, then the switch. No query waits for it."""
        async with self._engine.begin() as connection:
            marks = _positions(await connection.execute(_HOLD))
            upto, position = max(marks.values()), -1
            while position < upto:
                position, _ = await self._page(connection, generation, upto)
            await connection.execute(_SWITCH, {"generation": generation})
            await connection.execute(text("SELECT pg_notify('read', :said)"), {"said": str(position)})
            return position

    async def _compare(self, live: int, made: int) -> Rebuilt:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        async with snapshot.connect() as connection:
            marks = _positions(await connection.execute(_LIVE_MARKS))
            found: list[Difference] = []
            for position in sorted(set(marks.values())):  # readers that stopped are behind the others
                await self._fill(made, position)
                tables = [
                    table
                    for reader in self._readers
                    if marks[reader.name] == position
                    for table in reader.tables
                ]
                found += await differences(connection, self._engine, tables, live, made)
            return Rebuilt(made, max(marks.values()), found)

    async def _drop(self, generation: int) -> None:
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(
                f'DROP SCHEMA IF EXISTS "{generation_schema(generation)}" CASCADE'
            )
            await connection.execute(
                text("DELETE FROM read.bookmark WHERE generation = :generation"), {"generation": generation}
            )


def _create(connection: Connection, generation: int, readers: Sequence[Reader]) -> None:
    create(connection, generation, readers, ROLE)


def _positions(rows: object) -> Mapping[str, int]:
    return {row.reader: row.position for row in rows}  # type: ignore[attr-defined]
