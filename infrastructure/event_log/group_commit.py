"""Group commit: one writer a process on one connection; a batch is whatever waited during the last fsync.

An answer is given only after COMMIT. When the connection dies with the answer under way, the identical
entries are submitted again and the keys, looked up under the gate's lock, decide: an orphaned backend may
still commit what it was sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from application.event_log import Unavailable
from domain.errors import Invalid
from infrastructure.database.timeouts import sever, severed_after
from infrastructure.event_log.append_call import APPEND, Batch, arguments, read_answers
from infrastructure.event_log.database_clock import DatabaseClock
from infrastructure.event_log.journal import AppendResult, LogEntry, StaleReads
from infrastructure.event_log.log_head import KnownHead

MOST_COMMANDS, MOST_EVENTS = 512, 2_000
WORTH_HALVING = 8  # commands
logger = structlog.get_logger(__name__)


class PendingEntry(NamedTuple):
    """A command in the queue and who waits for its answer, until when (the event loop's time)."""

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
        self._dsn = dsn
        self._clock = clock
        self._known = known
        self._queue_size = queue_size
        self._patience = patience
        self._queue: deque[PendingEntry] = deque()
        self._flight: Sequence[PendingEntry] = ()
        self._owed: list[tuple[PendingEntry, AppendResult]] = []
        self._answered = 0.0  # when the last batch was, by the clock's monotonic time
        self._arrived = asyncio.Event()
        self._closing = False
        self._connection: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and start; raises psycopg.OperationalError when there is no database."""
        await self._connect()
        self._task = asyncio.create_task(self._run(), name="writer")
        self._watch = asyncio.create_task(self._give_up(), name="writer's patience")

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        self._arrived.set()
        if self._task:
            _, unfinished = await asyncio.wait([self._task], timeout=self._patience)
            if unfinished and self._connection:
                sever(self._connection)  # first: cancelling alone would ask the server to cancel
                await asyncio.wait([self._task], timeout=0.1)
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        self._pay()
        for waiting in self._queue:
            _fail(waiting, Unavailable("Shutting down."))
        if self._connection:
            await self._connection.close()

    @property
    def depth(self) -> int:
        """How many commands wait."""
        return len(self._queue)

    async def append(self, entry: LogEntry) -> AppendResult:
        """The entry's answer, after COMMIT; raises Unavailable when overloaded or without a database."""
        if self._closing or len(self._queue) >= self._queue_size:
            raise Unavailable("Shutting down." if self._closing else "Too many commands wait.")
        loop = asyncio.get_running_loop()
        waiting = PendingEntry(entry, loop.create_future(), loop.time() + self._patience)
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def _give_up(self) -> None:
        """One watch for all who wait: a timer for each costs more than its append's share of a batch."""
        while True:
            await asyncio.sleep(self._patience / 20)
            now = asyncio.get_running_loop().time()
            for waiting in (*self._queue, *self._flight):
                if waiting.until < now:
                    _fail(waiting, Unavailable("The database does not answer."))

    async def _run(self) -> None:
        while True:
            if self._owed:
                await asyncio.sleep(0)  # those who were answered go on, and some ask for more
            else:
                await self._arrived.wait()
            if batch := self._take():
                self._flight = batch
                call = asyncio.ensure_future(self._submit(batch))
                await asyncio.sleep(0)  # it is on its way
                self._pay()
                await call
                self._flight = ()
            elif self._owed:
                self._pay()
            elif self._closing:
                return
            else:
                self._arrived.clear()

    def _pay(self) -> None:
        """Give the answers that were held back."""
        for waiting, answer in self._owed:
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._owed = []

    def _take(self) -> list[PendingEntry]:
        """What can go together: no command that depends on another of the batch, no key twice."""
        batch: list[PendingEntry] = []
        later: list[PendingEntry] = []
        written: set[UUID] = set()
        keys: set[bytes] = set()
        events = 0
        while self._queue and len(batch) < MOST_COMMANDS and events < MOST_EVENTS:
            waiting = self._queue.popleft()
            entry = waiting.entry
            if waiting.answer.done():
                continue  # nobody waits for it any more
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
        """Submit until it is answered, or nobody waits any more."""
        while batch := self._still_waiting(batch):
            try:
                await self._call(batch)
            except Exception as error:  # noqa: BLE001  whatever it is, every waiting command is answered
                if self._lost():
                    await self._reconnect(error)
                    continue
                await self._refused(batch, error)
            return

    def _still_waiting(self, batch: Sequence[PendingEntry]) -> Sequence[PendingEntry]:
        """Without those who gave up, and those whose decision was made on a log that is no more."""
        for waiting in batch:
            if waiting.entry.epoch != self._known.epoch and not waiting.answer.done():
                waiting.answer.set_result(StaleReads((), waiting.entry.reads))
        return [waiting for waiting in batch if not waiting.answer.done()]

    async def _call(self, batch: Sequence[PendingEntry]) -> None:
        assert self._connection is not None
        sent = self._clock.monotonic()
        with severed_after(self._connection, self._patience):
            cursor = await self._connection.execute(
                APPEND, arguments([w.entry for w in batch]), prepare=True, binary=True
            )
            rows = await cursor.fetchall()
        answered: Batch = read_answers([w.entry for w in batch], rows)
        self._clock.observe(answered.at, sent, self._clock.monotonic())
        self._known.saw(*answered.head)
        self._answer(list(zip(batch, answered.answers, strict=True)), sent)

    def _answer(self, pairs: list[tuple[PendingEntry, AppendResult]], sent: float) -> None:
        """Answer half of a large batch now, and the rest when the next is on its way.

        Otherwise the database would wait while all of them decide what comes next, and they while it commits
        that. Not so where a commit takes longer than deciding: there, large batches count.
        """
        now = self._clock.monotonic()
        halve = len(pairs) >= WORTH_HALVING and now - sent < 2 * (sent - self._answered)
        self._answered = now
        self._owed = pairs
        if halve:
            later, self._owed = pairs[len(pairs) // 2 :], pairs[: len(pairs) // 2]
            self._pay()
            self._owed = later
        else:
            self._pay()

    def _lost(self) -> bool:
        return self._connection is None or self._connection.closed

    async def _refused(self, batch: Sequence[PendingEntry], error: Exception) -> None:
        """The database answered with an error, so nothing of the batch is recorded."""
        if not _due_to_command(error):
            logger.error("append failed", commands=len(batch), error=str(error))
            if self._connection:  # the next one may lead to a server that can
                await self._connection.close()
            for waiting in batch:
                _fail(waiting, Unavailable("The log can't be written now."))
        elif len(batch) == 1:
            logger.error("command refused by the database", error=str(error))
            _fail(batch[0], Invalid("This can't be recorded."))
        else:  # one of them is to blame, the others shall not suffer
            half = len(batch) // 2
            await self._submit(batch[:half])
            await self._submit(batch[half:])

    async def _reconnect(self, error: Exception) -> None:
        logger.warning("connection to the log lost", error=str(error))
        pause = 0.05
        while True:
            try:
                await self._connect()
            except (OSError, TimeoutError, psycopg.Error) as again:
                logger.warning("no connection to the log", error=str(again))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
                self._queue = deque(waiting for waiting in self._queue if not waiting.answer.done())
            else:
                return

    async def _connect(self) -> None:
        if self._connection:
            await self._connection.close()
        connection = await AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            application_name="daybook-writer",
            connect_timeout=max(2, ceil(self._patience)),
            # Answers are sent before COMMIT: who does not take theirs must not hold the gate.
            options=f"-c tcp_user_timeout={int(self._patience * 1000)}",
        )
        self._connection = connection
        with severed_after(connection, self._patience):
            await self._clock.set_by(connection)
            epoch = self._known.epoch
            if self._known.head and not await self._extends(connection, *self._known.head):
                self._known.end(epoch)

    @staticmethod
    async def _extends(connection: AsyncConnection, upto: int, sealed: bytes) -> bool:
        """Does the log hold what this process knows? Not so after a restore, or a failover with loss."""
        cursor = await connection.execute("SELECT hash FROM log.seal WHERE upto = %s", [upto])
        row = await cursor.fetchone()
        return row is not None and bytes(row[0]) == sealed


def _due_to_command(error: Exception) -> bool:
    """Is what a command brought to blame, not the state of the database?"""
    if not isinstance(error, psycopg.Error):
        return True  # it could not even be sent
    if error.sqlstate is None:
        return not isinstance(error, psycopg.OperationalError)
    return error.sqlstate[:2] in {"22", "23", "54"}  # data, constraints, limits of a row or an index


def _fail(waiting: PendingEntry, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
