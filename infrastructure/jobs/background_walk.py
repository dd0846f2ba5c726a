"""The walk of a queue inside the API: of jobs that somebody waits for in front of a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from infrastructure.jobs.walker import JobWalker
from projections.engine.cancellation import check_cancelled

POLL = 1.0  # seconds between walks in the API, which is woken by the jobs of its own process only
PATIENCE = 5.0  # seconds for running attempts when the API stops

logger = structlog.get_logger(__name__)


class BackgroundWalk:
    """Walks a queue inside the API, from enter to exit: when `woken`, and each second. `prepare` precedes each walk."""

    def __init__(self, walker: JobWalker, woken: asyncio.Event, prepare: Callable[[], Awaitable[object]]) -> None:
        self._walker = walker
        self._woken = woken
        self._prepare = prepare
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> BackgroundWalk:
        self._task = asyncio.create_task(self._run(), name="account jobs")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        with suppress(Exception):  # without the database, nothing can be recorded
            await self._walker.close(PATIENCE)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._prepare()
                while await self._walker.walk():
                    pass
            except Exception as error:  # noqa: BLE001  the database may be down: the next walk tries again
                check_cancelled()
                logger.warning("cannot claim account jobs, retrying", outage="postgresql", error=type(error).__name__)
            with suppress(TimeoutError):
                # Python 3.11's `wait_for` forgets a cancellation that comes as the event is set.
                async with asyncio.timeout(POLL):
                    await self._woken.wait()
