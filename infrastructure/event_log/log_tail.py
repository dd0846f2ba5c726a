"""Follows the log, so that cached aggregates know what other processes append before a command needs them.

This saves attempts and decides nothing: the append refuses whatever was decided on an older version. An own append
tells of foreign events, as they lie between it and the one before; so does the projector's position. A process that is
alone reads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from application.event_log import Unavailable
from infrastructure.event_log.aggregate_cache import AggregateCache
from infrastructure.event_log.journal import MissedEvent
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.engine.cancellation import check_cancelled

MOST = 2_000  # events of one look: of a longer stretch, such as an import, the last ones
GATHER = 0.005  # seconds from news until they are read: a look costs the same for one event as for many
PAUSE = 0.5  # seconds after a failure

logger = structlog.get_logger(__name__)


class LogTail:
    """Brings the cache up to date inside `async with`.

    `position`: all events up to it are seen. `looks`: how often the log was read for it.
    """

    def __init__(self, journal: PostgresJournal, cache: AggregateCache) -> None:
        self._journal, self._cache = journal, cache
        self._epoch = -1
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.position = 0
        self.looks = 0

    async def __aenter__(self) -> Self:
        await self._begin()
        self._journal.known.on_append = self._appended
        self._task = asyncio.create_task(self._follow(), name="tail of the log")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def hear(self, head: int) -> None:
        """The log has grown to this position."""
        if head > self.position:
            self._news.set()

    def _appended(self, since: int, upto: int) -> None:
        """This process has appended the events after `since`, which its cache has."""
        if since <= self.position:
            self.position = max(self.position, upto)
        else:
            self._news.set()

    async def _follow(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER)
            self._news.clear()
            try:
                await self._look()
            except Unavailable as error:
                check_cancelled()
                logger.warning("tail of the log is not read, retrying", outage="postgresql", error=str(error))
                self._news.set()
                await asyncio.sleep(PAUSE)

    async def _begin(self) -> None:
        """Follow from the head on: what is cached later is as new."""
        self._epoch = self._journal.epoch
        self.position = await self._journal.head()

    async def _look(self) -> None:
        if self._journal.epoch != self._epoch:  # another log, and nothing of it is cached yet
            await self._begin()
            return
        self.looks += 1
        found = await self._journal.read_after(self.position, MOST)
        if found and self._journal.epoch == self._epoch:
            self.position = found[-1].position
            self._advance([each.event for each in found])

    def _advance(self, events: Sequence[MissedEvent]) -> None:
        try:
            self._cache.advance(events)
        except Exception as error:  # noqa: BLE001  such as an event of a later release: whoever needs its stream is told
            self._cache.drop(event.stream for event in events)
            logger.warning("events of another process are not applied", events=len(events), error=type(error).__name__)
