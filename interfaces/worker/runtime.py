"""What a worker process does with a message, on an event loop of its own that lasts as long as the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

ALARM = 60.0  # seconds without a sweep that an operator should hear of
T = TypeVar("T")
logger = structlog.get_logger(__name__)


class QueueWalker(Protocol):
    """Does the jobs of one queue; see infrastructure.jobs.walker."""

    async def walk(self) -> bool: ...
    async def finish(self) -> None: ...


class JobSweep(Protocol):
    """Takes new jobs over; see infrastructure.jobs.enrolment."""

    async def swept(self) -> float | None: ...
    async def enrol(self) -> int: ...


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What is opened once in a process. `walkers`: by queue. `due`: how many jobs are due, by queue.

    `wake`: makes idle jobs due that have something to do. `tidy`: deletes what nobody needs any more.
    """

    jobs: JobSweep
    walkers: Mapping[str, QueueWalker]
    due: Callable[[], Awaitable[Mapping[str, int]]]
    wake: Callable[[], Awaitable[int]]
    tidy: Callable[[], Awaitable[None]]


Open = Callable[[], AbstractAsyncContextManager[WorkerServices]]


class WorkerRuntime:
    """A loop in a thread, and the services on it: opened by a process's first call, never before a fork."""

    def __init__(self, open_services: Open) -> None:
        self._open = open_services
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack = AsyncExitStack()
        self._services: WorkerServices | None = None

    def sweep(self) -> Mapping[str, int]:
        """Take over what is new; how many jobs are due, by queue."""
        return self._do(self._sweep())

    def walk(self, queue: str) -> bool:
        """Do jobs of a queue for a short while; whether there may be more."""
        return self._do(self._walk(queue))

    def tidy(self) -> None:
        """Delete what nobody needs any more."""
        self._do(self._tidy())

    def close(self) -> None:
        """Finish what is in hand and close what is open; called when the process ends in peace."""
        if self._loop is None or self._thread is None:
            return
        self._do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = None

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
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
            alarm = f"no sweep ran for {pause:.0f} s: check that beat and a worker on `sweep` are running"
            logger.warning(alarm, seconds=round(pause))
        await services.jobs.enrol()
        try:
            await services.wake()
        except Exception as error:  # noqa: BLE001  webhooks must not stop the others
            logger.warning("could not wake idle webhooks", error=type(error).__name__)
        return await services.due()

    async def _walk(self, queue: str) -> bool:
        services = await self._ready()
        return await services.walkers[queue].walk()

    async def _tidy(self) -> None:
        await (await self._ready()).tidy()
