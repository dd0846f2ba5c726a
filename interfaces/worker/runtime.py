"""Runs the tasks of a worker process, on one event loop that lasts as long as the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog
import uvloop

ALARM = 60.0  # seconds without a sweep after which the operator is warned
T = TypeVar("T")
logger = structlog.get_logger(__name__)


class QueueWalker(Protocol):
    """Runs the jobs of one queue."""

    async def walk(self) -> bool: ...
    async def finish(self) -> None: ...


class JobSweep(Protocol):
    """Records sweeps, and copies new jobs into the queue."""

    async def swept(self) -> float | None: ...
    async def enrol(self) -> int: ...


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """The services of a process. `walkers`: by queue; `due`: the number of due jobs, by queue.

    `wake`: makes idle webhook jobs due when events wait for them; `tidy`: deletes old jobs and idempotency keys;
    `end_analysts`: ends sessions of analysts that last too long or hold a lock.
    """

    jobs: JobSweep
    walkers: Mapping[str, QueueWalker]
    due: Callable[[], Awaitable[Mapping[str, int]]]
    wake: Callable[[], Awaitable[int]]
    tidy: Callable[[], Awaitable[None]]
    end_analysts: Callable[[], Awaitable[None]]


Open = Callable[[], AbstractAsyncContextManager[WorkerServices]]


class WorkerRuntime:
    """An event loop in a thread, and the services on it. The first call opens them, so never before a fork."""

    def __init__(self, open_services: Open) -> None:
        self._open = open_services
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack = AsyncExitStack()
        self._services: WorkerServices | None = None

    def sweep(self) -> Mapping[str, int]:
        """Copy new jobs into the queue. Returns the number of due jobs, by queue."""
        return self._do(self._sweep())

    def walk(self, queue: str) -> bool:
        """Run jobs of a queue for half a second. Returns whether more may be due."""
        return self._do(self._walk(queue))

    def tidy(self) -> None:
        """Delete old jobs and idempotency keys."""
        self._do(self._tidy())

    def close(self) -> None:
        """Finish running jobs and close the services; called at an orderly end of the process."""
        if self._loop is None or self._thread is None:
            return
        self._do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = None

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = uvloop.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _ready(self) -> WorkerServices:
        if self._services is None:
            self._services = await self._stack.enter_async_context(self._open())
        return self._services

    async def _sweep(self) -> Mapping[str, int]:
        services = await self._ready()
        pause = await services.jobs.swept()
        if pause is None:
            return {}
        if pause > ALARM:
            logger.warning("no sweep ran: check that beat and a worker on sweep are running", seconds=round(pause))
        await services.jobs.enrol()
        for failed, work in (
            ("could not wake idle webhooks", services.wake),
            ("could not end analysts' sessions", services.end_analysts),
        ):
            try:
                await work()
            except Exception as error:  # noqa: BLE001  a failure of one must not stop the jobs
                logger.warning(failed, outage="postgresql", error=type(error).__name__)
        return await services.due()

    async def _walk(self, queue: str) -> bool:
        services = await self._ready()
        return await services.walkers[queue].walk()

    async def _tidy(self) -> None:
        await (await self._ready()).tidy()
