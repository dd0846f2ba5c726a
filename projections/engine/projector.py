"""The projector: follows the log and updates the read models, woken by NOTIFY and by a poll each second."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine import lag
from projections.engine.apply import Checkpoint, Fenced, apply, stop_ahead
from projections.engine.cancellation import check_cancelled, run_together
from projections.engine.event_feed import PAGE, EventDecoder, EventFeed
from projections.engine.leader_election import Leadership, LeadershipLost, lead
from projections.engine.pace import LONGEST_REST, Pace
from projections.engine.pg_notify import FIRST_PAUSE, LONGEST_PAUSE, POLL, notifications
from projections.engine.positions import CHANNEL, announcement
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.tracing import request_ids, span_of

LOG_CHANNEL = "log"
PUBLISHING = 1.0  # seconds that a publisher may take

_ANNOUNCE = text("SELECT pg_notify(:channel, :payload)")

logger = structlog.get_logger(__name__)
_INSTANCE = f"{socket.gethostname()}:{os.getpid()}"


class InvalidationPublisher(Protocol):
    """Publishes what has changed, so that no cache answers with old data. May fail: the projector goes on."""

    async def before_commit(self, changed: Mapping[UUID, int]) -> None:
        """Streams, and the calendars they belong to -> the last position that touched them in this page."""
        ...

    def lead_began(self) -> None:
        """This process has taken the lead: another one may have led meanwhile, or the log may be another."""
        ...

    async def heartbeat(self) -> None:
        """Each second while this process leads."""
        ...


class ProjectionFollower(Protocol):
    """Computes something from the projections' tables. Runs while this process leads, and must not raise."""

    def wake(self) -> None:
        """A page has been committed."""
        ...

    async def run(self) -> None:
        """Run until cancelled."""
        ...


class Projector:
    """Brings the projections' tables up to the log's head and keeps them there while it leads; else it stands by.

    The engine's role writes read models and reads the log. `shapes`: projection -> fingerprint of its tables; while the
    live read models have others, they belong to another release, whose projector may lead.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        projections: Sequence[Projection],
        codec: EventDecoder,
        publisher: InvalidationPublisher | None = None,
        followers: Sequence[ProjectionFollower] = (),
        shapes: Mapping[str, str] | None = None,
    ) -> None:
        self._engine = engine
        self._projections = {projection.name: projection for projection in projections}
        self._pace = Pace(self._projections)
        self._codec = codec
        self._publisher = publisher
        self._followers = followers
        self._shapes = shapes
        self._wake = asyncio.Event()
        self._checkpoints_stale = True
        self._generation = 0
        self._checkpoints: dict[str, Checkpoint] = {}

    async def run(self) -> None:
        """Run until cancelled. A page is either completely in the tables or not at all."""
        while True:
            try:
                async with lead(self._engine) as won:
                    await self._lead(won)
            except* lag.OtherRelease as other:
                lag.leadership_lost()
                logger.warning("projector is on standby", leader_error=str(other.exceptions[0]))
                await self._until_ours()
            except* (LeadershipLost, psycopg.OperationalError) as lost:
                logger.warning("projector is on standby", outage="postgresql", leader_error=str(lost.exceptions[0]))
            finally:
                lag.leadership_lost()
            check_cancelled()
            await asyncio.sleep(POLL)

    async def catch_up(self) -> None:
        """Apply all events up to the log's head, leading or not. Raises the errors after which `run` retries."""
        self._checkpoints_stale = True
        await self._read_on(EventFeed(self._engine, self._codec), self._running)

    async def _until_ours(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            with suppress(SQLAlchemyError, psycopg.Error, OSError, lag.OtherRelease):
                await self._load_checkpoints()
                return
            check_cancelled()

    async def _lead(self, won: Leadership) -> None:
        self._checkpoints_stale = True
        with suppress(SQLAlchemyError, psycopg.Error, OSError):  # `_work` tries again, and logs the error
            await self._load_checkpoints()
        check_cancelled()
        foremost = max((each.position for each in self._checkpoints.values()), default=0)
        logger.info("projector is now the leader", instance=_INSTANCE, position=foremost)
        lag.LEADING.set(1)
        if self._publisher is not None:
            self._publisher.lead_began()
        followers = [follower.run() for follower in self._followers]
        await run_together(won.keep(), self._listen(), self._work(won), self._beat(), *followers)

    async def _listen(self) -> None:
        async with aclosing(notifications(self._engine, LOG_CHANNEL, "daybook-projector-listen")) as payloads:
            async for payload in payloads:
                self._checkpoints_stale |= payload is None
                self._wake.set()

    async def _beat(self) -> None:
        while self._publisher is not None:
            await _bounded(self._publisher.heartbeat())
            await asyncio.sleep(POLL)

    async def _work(self, won: Leadership) -> None:
        feed, pause = EventFeed(self._engine, self._codec), FIRST_PAUSE
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.pause(self._running())):
                        await self._wake.wait()
                self._wake.clear()
                try:
                    began = monotonic()
                    await self._read_on(feed, self._due)
                    pause = FIRST_PAUSE
                    await asyncio.sleep(min(monotonic() - began, LONGEST_REST))
                except (Fenced, SQLAlchemyError, psycopg.Error, OSError) as error:
                    check_cancelled()
                    logger.warning("projector failed, retrying", outage="postgresql", error=str(error))
                    await won.check()
                    if isinstance(getattr(error, "orig", error), LockNotAvailable):
                        await won.oust()
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    self._checkpoints_stale = True
                    self._wake.set()
        finally:
            feed.forget()

    async def _read_on(self, feed: EventFeed, readers: Callable[[], Mapping[str, Checkpoint]]) -> None:
        """Bring the `readers` to the head of the log."""
        more = True
        while more:
            if self._checkpoints_stale:
                await self._load_checkpoints()
            fronts = sorted({checkpoint.position for checkpoint in readers().values()})
            more = False
            for since, end in zip(fronts, [*fronts[1:], None], strict=False):
                # Projections that are behind read up to the position of the next ones, and go on with them.
                there = [self._projections[name] for name, each in readers().items() if each.position == since]
                more |= await self._turn(feed, there, since, end)

    async def _load_checkpoints(self) -> None:
        async with self._engine.begin() as connection:
            self._generation, self._checkpoints, head = await lag.measure(connection, self._shapes)
            if any(each.position > head for each in self._running().values()):
                self._checkpoints.update(await stop_ahead(connection))
        self._checkpoints_stale = False

    def _running(self) -> dict[str, Checkpoint]:
        known = self._checkpoints
        return {name: known[name] for name in self._projections if name in known and known[name].stopped_at is None}

    def _due(self) -> Mapping[str, Checkpoint]:
        return self._pace.due(self._running())

    async def _turn(self, feed: EventFeed, projections: Sequence[Projection], since: int, end: int | None) -> bool:
        """One page for projections that are at a position; whether there is more for them."""
        page = await feed.after(since)
        events = [event for event in page if end is None or event.position <= end]
        if not events or not projections:
            return False
        ids = request_ids(event.context for event in events)
        with span_of("project", ids, events=len(events), position=events[-1].position):
            async with self._engine.begin() as connection:
                reached = await apply(connection, self._generation, projections, since, events)
                await self._publish(events)
                await self._announce(connection, {**self._checkpoints, **reached})
        self._checkpoints.update(reached)
        self._pace.note_page(reached, len(events))
        for follower in self._followers:
            follower.wake()
        return len(events) == PAGE or end is not None

    async def _publish(self, events: Sequence[RecordedEvent]) -> None:
        if self._publisher is not None:
            changed: dict[UUID, int] = {}
            for event in events:
                changed[event.stream] = event.position
                if event.calendar is not None:
                    changed[event.calendar] = event.position
            await _bounded(self._publisher.before_commit(changed))

    async def _announce(self, connection: AsyncConnection, checkpoints: Mapping[str, Checkpoint]) -> None:
        payload = announcement({name: each.position for name, each in checkpoints.items()})
        await connection.execute(_ANNOUNCE, {"channel": CHANNEL, "payload": payload})


async def _bounded(publishing: Awaitable[Any]) -> None:
    try:
        async with asyncio.timeout(PUBLISHING):
            await publishing
    except Exception as error:  # noqa: BLE001  the epoch of the caches runs out by itself
        check_cancelled()
        logger.warning("could not publish cache versions", outage="redis", error=str(error) or type(error).__name__)
