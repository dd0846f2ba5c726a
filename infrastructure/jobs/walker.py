"""Runs the due jobs of a queue, several at a time on one event loop; one heartbeat renews all their leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from application.jobs.job import (
    Job,
    JobHandlers,
    JobIdle,
    LeaseLost,
    NotDueYet,
    PermanentFailure,
    RetryAfter,
)
from infrastructure.jobs.failures import is_fault, told_of
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from infrastructure.jobs.metrics import AGAIN, DONE, LATENESS
from projections.engine.tracing import mark_failed, span_of

AT_ONCE = 10  # jobs
ROOM_WITHIN = 0.05  # seconds that a claim waits for running attempts to end, so that it takes several jobs
SLICE = 0.5  # seconds after which a walk stops claiming, so that other queues get their turn
EACH = 60.0  # seconds that one attempt may take
HEARTBEAT = 1.0  # seconds

logger = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Try:
    """A running attempt. `lost`: done once another worker has claimed the job."""

    held: HeldJob
    lost: asyncio.Future[None]


class JobWalker:
    """Runs jobs. `handlers`: by kind; `about`: called with each job, in the job's task, before the attempt."""

    def __init__(
        self,
        queue: JobQueue,
        handlers: JobHandlers,
        *,
        at_once: int = AT_ONCE,
        about: Callable[[Job], object] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._handlers = handlers
        self._at_once = at_once
        self._about = about
        self._tries: dict[asyncio.Task[None], _Try] = {}
        self._ended: set[str] = set()  # kinds
        self._heart: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def kinds(self) -> Collection[str]:
        return self._handlers.keys()

    async def walk(self, *, lasting: float = SLICE) -> bool:
        """Claim and start due jobs until few are left, for `lasting` seconds at most. Returns whether more may be due.

        Does not wait for the last attempts. Raises the exceptions of the queue.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + lasting
        while not self._closing:
            if room := await self._room(until):
                claim = await self._queue.claim(self.kinds, room)
                for key, kind in claim.dead:
                    _say_dead(kind, str(key), "its worker died each time", self._queue.attempts)
                for held in claim.held:
                    self._begin(held)
                if claim.seen < room:
                    return False
            else:
                await asyncio.wait(self._tries, timeout=max(0.0, until - clock()), return_when=asyncio.FIRST_COMPLETED)
            if clock() >= until:
                return True
        return False

    async def _room(self, until: float) -> int:
        """The number of attempts that may begin. Waits until half of all may, ROOM_WITHIN at most."""
        clock = asyncio.get_running_loop().time
        soon = min(until, clock() + ROOM_WITHIN)
        while len(self._tries) > self._at_once // 2 and (left := soon - clock()) > 0:
            await asyncio.wait(self._tries, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return self._at_once - len(self._tries)

    async def finish(self, patience: float | None = None) -> None:
        """Wait `patience` seconds for running attempts; cancel the others, which another worker repeats."""
        if self._tries:
            await asyncio.wait(self._tries, timeout=patience)
        for task in [*self._tries]:
            task.cancel()

    async def close(self, patience: float | None = None) -> None:
        """Stop claiming, and `finish`."""
        self._closing = True
        await self.finish(patience)
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait([self._heart])
        await self._note_progress()

    def _begin(self, held: HeldJob) -> None:
        if held.lapsed:
            AGAIN.labels(held.job.kind).inc()
        attempt = _Try(held, asyncio.get_running_loop().create_future())
        task = asyncio.create_task(self._do(attempt), name="job")
        self._tries[task] = attempt
        task.add_done_callback(lambda task: self._tries.pop(task, None))
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat(), name="heartbeat")

    async def _beat(self) -> None:
        """Renew the leases of all running jobs each second; returns when none is running."""
        while self._tries or self._ended:
            await asyncio.sleep(HEARTBEAT)
            tries = [*self._tries.values()]
            try:
                await self._note_progress()
                ours = await self._queue.renew([each.held for each in tries]) if tries else set()
            except Exception as error:  # noqa: BLE001  without the database, no other worker can claim the jobs either
                logger.warning("job heartbeat failed", outage="postgresql", jobs=len(tries), error=type(error).__name__)
                continue
            for each in tries:
                if each.held.key not in ours and not each.lost.done():
                    each.lost.set_result(None)

    async def _note_progress(self) -> None:
        if self._ended:
            ended, self._ended = self._ended, set()
            await self._queue.progress(ended)

    async def _do(self, attempt: _Try) -> None:
        """One attempt, whose end is recorded in the queue."""
        held = attempt.held
        self._about(held.job)
        try:
            with span_of(f"job {held.job.kind}", [held.job.correlation], attempts=held.job.attempts):
                await self._end(held, self._handle(held), attempt.lost)
        except Exception as error:  # noqa: BLE001  the lease ends, and another worker repeats the job
            logger.warning("job end not recorded", kind=held.job.kind, key=str(held.key), error=type(error).__name__)

    async def _handle(self, held: HeldJob) -> str:
        job = await self._queue.open(held)
        return await self._handlers[job.kind](job, held)

    async def _end(self, held: HeldJob, work: Coroutine[Any, Any, str], lost: asyncio.Future[None]) -> None:
        kind = held.job.kind
        try:
            outcome = await _while_ours(work, lost)
        except LeaseLost:
            _say_lost(held.job)
            return
        except NotDueYet as later:
            await self._queue.later(held, later.until)
        except JobIdle as idle:
            await self._queue.idle(held, idle.until)
        except Exception as error:  # noqa: BLE001  the failure of one job must not stop the others
            await self._failed(held, error)
        else:
            late = await self._queue.done(held, outcome)
            if late is None:
                _say_lost(held.job)
                return
            LATENESS.labels(kind).observe(max(0.0, late))
            DONE.labels(kind, outcome).inc()
        self._ended.add(kind)

    async def _failed(self, held: HeldJob, error: Exception) -> None:
        job, told = held.job, told_of(error)
        mark_failed(error)
        pause = error.retry_after if isinstance(error, RetryAfter) else 0.0
        dead = await self._queue.failed(held, told, pause=pause, hopeless=isinstance(error, PermanentFailure))
        if dead is None:
            _say_lost(job)
        elif dead:
            _say_dead(job.kind, str(job.key), told, job.attempts)
        else:
            facts = {"kind": job.kind, "key": str(job.key), "attempts": job.attempts, "error": told}
            if job.attempts == 1 and is_fault(error):
                logger.error("job crashed, retrying", **facts, exc_info=error)
            else:
                logger.warning("job failed, retrying", **facts)
            DONE.labels(job.kind, "failed").inc()


async def _while_ours(work: Coroutine[Any, Any, str], lost: asyncio.Future[None]) -> str:
    """The result of `work`; cancelled after EACH seconds (TimeoutError), or when the lease is lost (LeaseLost)."""
    doing = asyncio.create_task(work)
    try:
        await asyncio.wait((doing, lost), timeout=EACH, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return await doing
        raise LeaseLost if lost.done() else TimeoutError
    finally:
        doing.cancel()
        # Do not wait for the clean-up of a connection to a silent server.
        await asyncio.wait((doing,), timeout=HEARTBEAT)
        if doing.done() and not doing.cancelled():
            doing.exception()  # it may have found the loss of the lease itself


def _say_lost(job: Job) -> None:
    logger.warning("job lease lost to another worker", kind=job.kind, key=str(job.key))
    DONE.labels(job.kind, "lost").inc()


def _say_dead(kind: str, key: str, error: str, attempts: int) -> None:
    retry = f"POST /v1/jobs/{key}/retry"
    logger.error("job is dead", attempts=attempts, kind=kind, key=key, error=error, retry=retry)
    DONE.labels(kind, "dead").inc()
