"""Keeps the read models true to the log: told at once, looking each second whatever happens."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine import lag
from projections.engine.apply import Checkpoint, Fenced, apply, break_off
from projections.engine.event_feed import PAGE, EventDecoder, EventFeed
from projections.engine.leader_election import Leadership, LeadershipLost, lead
from projections.engine.pg_notify import FIRST_PAUSE, LONGEST_PAUSE, POLL, heard
from projections.engine.positions import CHANNEL, announcement
from projections.engine.projection import Projection, RecordedEvent

LOG_CHANNEL = "log"
PUBLISHING = 1.0  # seconds that a publisher may take

_ANNOUNCE = text("SELECT pg_notify(:channel, :said)")

log = logging.getLogger(__name__)


class InvalidationPublisher(Protocol):
    """Is told what has changed, so that no cache answers with the old. May fail: nobody stops for it."""

    async def before_commit(self, changed: Mapping[UUID, int]) -> None:
        """Streams, and the calendars they belong to -> the last position that touched them in this page."""
        ...

    async def heartbeat(self) -> None:
        """Each second while this process leads."""
        ...


class ProjectionFollower(Protocol):
    """Works something out from the readers' tables. Runs while this process leads, and must not raise."""

    def wake(self) -> None:
        """A page has been committed."""
        ...

    async def run(self) -> None:
        """For ever, until cancelled."""
        ...


class Projector:
    """Brings the readers' tables up to the log's head, and keeps them there, if it leads; else it stands by.

    The engine's role writes read models and reads the log.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        readers: Sequence[Projection],
        codec: EventDecoder,
        publisher: InvalidationPublisher | None = None,
        followers: Sequence[ProjectionFollower] = (),
    ) -> None:
        self._engine = engine
        self._readers = {reader.name: reader for reader in readers}
        self._codec = codec
        self._publisher = publisher
        self._followers = followers
        self._wake = asyncio.Event()
        self._look_due = True
        self._generation = 0
        self._bookmarks: dict[str, Checkpoint] = {}

    async def run(self) -> None:
        """For ever; cancel it to stop. A page is then either whole in the tables or not at all."""
        while True:
            try:
                async with lead(self._engine) as won:
                    await self._lead(won)
            except* (LeadershipLost, psycopg.OperationalError) as lost:
                log.warning("standing by: %s", lost.exceptions[0])
            finally:
                lag.lead_lost()
            await asyncio.sleep(POLL)

    async def catch_up(self) -> None:
        """Once up to the log's head, leading or not; raises what `run` would try again."""
        self._look_due = True
        await self._read_on(EventFeed(self._engine, self._codec))

    async def _lead(self, won: Leadership) -> None:
        log.info("leading")
        lag.LEADING.set(1)
        self._look_due = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(won.keep())
            tasks.create_task(self._listen())
            tasks.create_task(self._work(won))
            tasks.create_task(self._beat())
            for follower in self._followers:
                tasks.create_task(follower.run())

    async def _listen(self) -> None:
        async with aclosing(heard(self._engine, LOG_CHANNEL, "daybook-projector-listen")) as notices:
            async for notice in notices:
                self._look_due |= notice is None
                self._wake.set()

    async def _beat(self) -> None:
        while self._publisher is not None:
            await _bounded(self._publisher.heartbeat())
            await asyncio.sleep(POLL)

    async def _work(self, won: Leadership) -> None:
        feed, pause = EventFeed(self._engine, self._codec), FIRST_PAUSE
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                try:
                    await self._read_on(feed)
                    pause = FIRST_PAUSE
                except (Fenced, SQLAlchemyError, psycopg.Error, OSError) as error:
                    log.warning("again in %.1f s: %s", pause, error)
                    await won.check()
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    self._look_due = True
                    self._wake.set()
        finally:
            feed.forget()

    async def _read_on(self, feed: EventFeed) -> None:
        more = True
        while more:
            if self._look_due:
                await self._look()
            fronts = sorted({mark.position for mark in self._running().values()})
            more = False
            for since, end in zip(fronts, [*fronts[1:], None], strict=False):
                # Those behind read up to where the next ones are, and go on with them.
                more |= await self._turn(feed, since, end)

    async def _look(self) -> None:
        async with self._engine.connect() as connection:
            self._generation, self._bookmarks = await lag.look(connection)
        self._look_due = False

    def _running(self) -> dict[str, Checkpoint]:
        marks = self._bookmarks
        return {name: marks[name] for name in self._readers if name in marks and marks[name].stopped_at is None}

    async def _turn(self, feed: EventFeed, since: int, end: int | None) -> bool:
        """One page for the readers at a position; whether there is more for them."""
        stretch = await feed.after(since)
        events = [event for event in stretch.events if end is None or event.position <= end]
        readers = [self._readers[name] for name, mark in self._running().items() if mark.position == since]
        reached: Mapping[str, Checkpoint] = {}
        if not events and stretch.broken is None:
            return False
        async with self._engine.begin() as connection:
            if events:
                reached = await apply(connection, self._generation, readers, since, events)
                await self._publish(events)
            elif stretch.broken is not None:
                at, error = stretch.broken
                reached = await break_off(connection, self._generation, readers, since, at, error)
            await self._announce(connection, {**self._bookmarks, **reached})
        self._bookmarks.update(reached)
        for follower in self._followers:
            follower.wake()
        return len(events) == PAGE or end is not None or stretch.broken is not None

    async def _publish(self, events: Sequence[RecordedEvent]) -> None:
        if self._publisher is not None:
            changed: dict[UUID, int] = {}
            for event in events:
                changed[event.stream] = event.position
                if event.calendar is not None:
                    changed[event.calendar] = event.position
            await _bounded(self._publisher.before_commit(changed))

    async def _announce(self, connection: AsyncConnection, marks: Mapping[str, Checkpoint]) -> None:
        said = announcement({name: mark.position for name, mark in marks.items()})
        await connection.execute(_ANNOUNCE, {"channel": CHANNEL, "said": said})


async def _bounded(publishing: Awaitable[Any]) -> None:
    try:
        async with asyncio.timeout(PUBLISHING):
            await publishing
    except Exception as error:  # noqa: BLE001  caches have their own ways to become true again
        log.warning("not published: %s", error)
