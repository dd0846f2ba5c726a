"""What a worker process does with a job, on an event loop of its own that lasts as long as the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog

from application.jobs.dispatch import carry_out
from application.jobs.job import (
    Job,
    JobIdle,
    JobLease,
    LeaseLost,
    Means,
    NotDueYet,
    PermanentFailure,
    RetryAfter,
)
from interfaces.http.framework.middleware import request_id
from interfaces.worker.metrics import AGAIN, DONE, LATENESS

EACH = 60.0  # seconds that one may take
SIGN_OF_LIFE = 1.0  # seconds between two
ALARM = 60.0  # seconds without a sweep that an operator should hear of
T = TypeVar("T")
logger = structlog.get_logger(__name__)


class ClaimedJob(Protocol):
    """A job that may be begun by whoever shows its lease."""

    @property
    def key(self) -> UUID: ...
    @property
    def lease(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def again(self) -> bool: ...


class JobQueue(Protocol):
    """How it goes with jobs; see infrastructure.jobs.job_queue."""

    async def swept(self) -> float | None: ...
    async def enrol(self) -> int: ...
    async def claim(self) -> Sequence[ClaimedJob]: ...
    async def begin(self, key: UUID, lease: UUID) -> tuple[Job, Any] | None: ...
    async def done(self, held: Any, outcome: str) -> float | None: ...
    async def later(self, held: Any, until: datetime) -> None: ...
    async def idle(self, held: Any, until: datetime | None) -> None: ...
    async def failed(self, held: Any, error: str, *, pause: float = 0, hopeless: bool = False) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What is opened once in a process. `tidy`: throws away what nobody needs any more.

    `wake`: makes idle jobs due that have something to do.
    """

    jobs: JobQueue
    means: Means
    tidy: Callable[[], Awaitable[None]]
    wake: Callable[[], Awaitable[int]]


Open = Callable[[], AbstractAsyncContextManager[WorkerServices]]


class WorkerRuntime:
    """A loop in a thread, and the tools on it: opened by a process's first call, never before a fork."""

    def __init__(self, open_tools: Open) -> None:
        self._open = open_tools
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack = AsyncExitStack()
        self._tools: WorkerServices | None = None

    def sweep(self) -> Sequence[ClaimedJob]:
        """Take over what is new and claim what is due."""
        return self._do(self._sweep())

    def run(self, key: UUID, lease: UUID) -> None:
        """Do a job, if the lease is good."""
        self._do(self._run(key, lease))

    def tidy(self) -> None:
        """Throw away what nobody needs any more."""
        self._do(self._tidy())

    def close(self) -> None:
        """Close what is open; called when the process ends in peace."""
        if self._loop is None or self._thread is None:
            return
        self._do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = None

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="hands", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _ready(self) -> WorkerServices:
        if self._tools is None:
            self._tools = await self._stack.enter_async_context(self._open())
        return self._tools

    async def _sweep(self) -> Sequence[ClaimedJob]:
        tools = await self._ready()
        jobs = tools.jobs
        pause = await jobs.swept()
        if pause is None:
            return ()
        if pause > ALARM:
            logger.warning("nobody had swept", seconds=round(pause))
        await jobs.enrol()
        try:
            await tools.wake()
        except Exception as error:  # noqa: BLE001  those who sleep must not stop the others
            logger.warning("nobody is woken", error=_told(error))
        claimed = await jobs.claim()
        for each in claimed:
            if each.again:
                AGAIN.labels(each.kind).inc()
        return claimed

    async def _tidy(self) -> None:
        await (await self._ready()).tidy()

    async def _run(self, key: UUID, lease: UUID) -> None:
        tools = await self._ready()
        begun = await tools.jobs.begin(key, lease)
        if begun is None:
            return  # done, or somebody else's: this message came late or twice
        job, held = begun
        request_id.set(job.correlation)
        await _one(job, held, tools)


async def _one(job: Job, held: Any, tools: WorkerServices) -> None:
    try:
        outcome = await _while_ours(carry_out(job, held, tools.means), held)
    except LeaseLost:
        _lost(job)
    except NotDueYet as later:
        await tools.jobs.later(held, later.until)
    except JobIdle as idle:
        await tools.jobs.idle(held, idle.until)
    except Exception as error:  # noqa: BLE001  whatever stands against one must not stop the others
        await _failed(job, held, error, tools)
    else:
        late = await tools.jobs.done(held, outcome)
        if late is None:
            _lost(job)
        else:
            DONE.labels(job.kind, outcome).inc()
            LATENESS.labels(job.kind).observe(late)


def _lost(job: Job) -> None:
    logger.warning("job was taken over", kind=job.kind, key=str(job.key))
    DONE.labels(job.kind, "lost").inc()


async def _failed(job: Job, held: Any, error: Exception, tools: WorkerServices) -> None:
    told = _told(error)
    pause = error.retry_after if isinstance(error, RetryAfter) else 0.0
    dead = await tools.jobs.failed(held, told, pause=pause, hopeless=isinstance(error, PermanentFailure))
    if dead is None:
        _lost(job)
        return
    say = logger.error if dead else logger.warning
    say(
        "job given up" if dead else "job failed",
        kind=job.kind,
        key=str(job.key),
        attempts=job.attempts,
        error=told,
    )
    DONE.labels(job.kind, "dead" if dead else "failed").inc()


async def _while_ours(work: Coroutine[Any, Any, str], lease: JobLease) -> str:
    """What comes of it; stopped where it stands when it takes too long, or another has the job now."""
    doing, keeping = asyncio.create_task(work), asyncio.create_task(_keep(lease))
    try:
        await asyncio.wait((doing, keeping), timeout=EACH, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return await doing
        raise LeaseLost if keeping.done() else TimeoutError
    finally:
        doing.cancel()
        keeping.cancel()
        # A farewell to a server that is silent is not waited for.
        await asyncio.wait((doing, keeping), timeout=SIGN_OF_LIFE)


async def _keep(lease: JobLease) -> None:
    """Keep a job ours for as long as this process shows signs of life; returns when it is not."""
    while True:
        await asyncio.sleep(SIGN_OF_LIFE)
        try:
            await lease.hold()
        except LeaseLost:
            return
        except Exception as error:  # noqa: BLE001  the database is away: nobody can take the job either
            logger.warning("no sign of life", error=type(error).__name__)


def _told(error: Exception) -> str:
    """Our own words; else the error's kind and a server's code, since words may name people."""
    if isinstance(error, PermanentFailure | RetryAfter):
        return str(error)
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
