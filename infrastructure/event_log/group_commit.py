"""Group commit: one writer a process; the commands that arrive during one commit are the next batch.

The writer answers a command only after COMMIT. When the connection dies with the answer under way, the writer
submits the identical entries again, and the keys, looked up under the gate's lock, decide: an orphaned backend
may still commit what it was sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog

from application.event_log import Unavailable
from domain.errors import Invalid
from infrastructure.database.database_clock import DatabaseClock
from infrastructure.database.pool_waits import overloaded
from infrastructure.event_log.append_connection import AppendConnection, due_to_command
from infrastructure.event_log.journal import AppendResult, LogEntry, StaleReads
from infrastructure.event_log.log_head import KnownHead
from infrastructure.event_log.metrics import APPEND, BATCH, FAILURES, QUEUE

MOST_COMMANDS, MOST_EVENTS = 512, 2_000
WORTH_HALVING = 8  # commands
logger = structlog.get_logger(__name__)


class PendingEntry(NamedTuple):
    """A command in the queue. `until`: when its caller stops waiting for the answer, by the event loop's time."""

    entry: LogEntry
    answer: asyncio.Future[AppendResult]
    until: float


class GroupCommitWriter:
    """Appends entries in batches. `patience`: seconds until a waiting command fails with Unavailable."""

    def __init__(
        self,
        dsn: str,
        clock: DatabaseClock,
        known: KnownHead,
        *,
        queue_size: int,
        patience: float,
    ) -> None:
        self.connection = AppendConnection(dsn, clock, known, patience)
        self._clock = clock
        self._known = known
        self._queue_size = queue_size
        self._patience = patience
        self._queue: deque[PendingEntry] = deque()
        self._in_flight: Sequence[PendingEntry] = ()
        self._held_back: list[tuple[PendingEntry, AppendResult]] = []
        self._answered_at = 0.0  # of the last batch, by the clock's monotonic time
        self._arrived = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and start; raises psycopg.OperationalError when there is no database."""
        await self.connection.connect()
        self._task = asyncio.create_task(self._run(), name="writer")
        self._watch = asyncio.create_task(self._expire(), name="writer's time-outs")

    async def close(self) -> None:
        """Finish queued commands, then stop."""
        self._closing = True
        self._arrived.set()
        if self._task:
            _, unfinished = await asyncio.wait([self._task], timeout=self._patience)
            if unfinished:
                self.connection.sever()  # first: cancelling alone would ask the server to cancel
                await asyncio.wait([self._task], timeout=0.1)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        self._give_answers()
        for waiting in self._queue:
            _fail(waiting, Unavailable("Shutting down."))
        await self.connection.close()

    @property
    def depth(self) -> int:
        """The number of waiting commands."""
        return len(self._queue)

    async def append(self, entry: LogEntry) -> AppendResult:
        """The entry's answer, after COMMIT; raises Unavailable when overloaded or without a database."""
        if self._closing or len(self._queue) >= self._queue_size:
            raise Unavailable("Shutting down.") if self._closing else overloaded()
        loop = asyncio.get_running_loop()
        waiting = PendingEntry(entry, loop.create_future(), loop.time() + self._patience)
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def _expire(self) -> None:
        """Fail commands that waited too long. A timer for each would cost more than its share of a batch."""
        while True:
            await asyncio.sleep(self._patience / 20)
            now = asyncio.get_running_loop().time()
            for waiting in (*self._queue, *self._in_flight):
                if waiting.until < now:
                    silent = self.connection.is_silent_since(waiting.until - self._patience)
                    _fail(waiting, Unavailable("The database does not answer.") if silent else overloaded())

    async def _run(self) -> None:
        while True:
            if self._held_back:
                await asyncio.sleep(0)  # answered callers continue, and some append again
            else:
                await self._arrived.wait()
            QUEUE.set(len(self._queue))
            if batch := self._next_batch():
                self._in_flight = batch
                call = asyncio.ensure_future(self._submit(batch))
                await asyncio.sleep(0)  # it is on its way
                self._give_answers()
                await call
                self._in_flight = ()
            elif self._held_back:
                self._give_answers()
            elif self._closing:
                return
            else:
                self._arrived.clear()

    def _give_answers(self) -> None:
        """Give the answers that were held back."""
        for waiting, answer in self._held_back:
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._held_back = []

    def _next_batch(self) -> list[PendingEntry]:
        """The commands that can go together: none that depends on another of the batch, no key twice."""
        batch: list[PendingEntry] = []
        later: list[PendingEntry] = []
        written: set[UUID] = set()
        keys: set[bytes] = set()
        events = 0
        while self._queue and len(batch) < MOST_COMMANDS and events < MOST_EVENTS:
            waiting = self._queue.popleft()
            entry = waiting.entry
            if waiting.answer.done():
                continue  # its caller does not wait any more
            if entry.key in keys or not written.isdisjoint(entry.reads):
                later.append(waiting)
                continue
            batch.append(waiting)
            keys.add(entry.key)
            written.update(row.stream for row in entry.rows)
            events += len(entry.rows)
        self._queue.extendleft(reversed(later))
        return batch

    async def _submit(self, batch: Sequence[PendingEntry]) -> None:
        """Submit until the batch is answered, or no caller waits any more."""
        while batch := self._still_waiting(batch):
            if self.connection.outdated:
                await self.connection.reconnect(ConnectionError("the log was replaced"), self._drop_answered)
                continue
            sent = self._clock.monotonic()
            try:
                answered = await self.connection.append([waiting.entry for waiting in batch], sent)
                self._answer(list(zip(batch, answered.answers, strict=True)), sent)
            except Exception as error:  # noqa: BLE001  whatever it is, every waiting command is answered
                FAILURES.inc()
                if self.connection.lost:
                    await self.connection.reconnect(error, self._drop_answered)
                    continue
                await self._refused(batch, error)
            return

    def _still_waiting(self, batch: Sequence[PendingEntry]) -> Sequence[PendingEntry]:
        """The batch without commands that timed out, and without decisions on a log that was replaced since."""
        for waiting in batch:
            if waiting.entry.epoch != self._known.epoch and not waiting.answer.done():
                waiting.answer.set_result(StaleReads((), waiting.entry.reads))
        return [waiting for waiting in batch if not waiting.answer.done()]

    def _answer(self, pairs: list[tuple[PendingEntry, AppendResult]], sent: float) -> None:
        """Answer half of a large batch now, and the rest when the next batch is on its way.

        Otherwise the database would wait while all callers decide their next commands, and the callers while it
        commits those. Where a commit takes longer than deciding, large batches matter more.
        """
        now = self._clock.monotonic()
        APPEND.observe(now - sent)
        BATCH.observe(len(pairs))
        halve = len(pairs) >= WORTH_HALVING and now - sent < 2 * (sent - self._answered_at)
        self._answered_at = now
        self._held_back = pairs
        if halve:
            later, self._held_back = pairs[len(pairs) // 2 :], pairs[: len(pairs) // 2]
            self._give_answers()
            self._held_back = later
        else:
            self._give_answers()

    async def _refused(self, batch: Sequence[PendingEntry], error: Exception) -> None:
        """The database answered with an error, so nothing of the batch is recorded."""
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        if not due_to_command(error):
            logger.error(
                "append failed, connecting again",
                outage="postgresql",
                commands=len(batch),
                sqlstate=sqlstate,
                error=str(error),
            )
            await self.connection.close()  # the next one may lead to a server that can
            for waiting in batch:
                _fail(waiting, Unavailable("The log can't be written now."))
        elif len(batch) == 1:
            topics = [row.topic for row in batch[0].entry.rows]
            logger.error("command refused by the database", command=topics, sqlstate=sqlstate, error=str(error))
            _fail(batch[0], Invalid("This can't be recorded."))
        else:  # one command is to blame, and the others must not fail with it
            half = len(batch) // 2
            await self._submit(batch[:half])
            await self._submit(batch[half:])

    def _drop_answered(self) -> None:
        self._queue = deque(waiting for waiting in self._queue if not waiting.answer.done())


def _fail(waiting: PendingEntry, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
