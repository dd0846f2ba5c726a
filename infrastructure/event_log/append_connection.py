"""The one connection over which a process appends to the log: opened again when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import ceil

import psycopg
import structlog
from psycopg import AsyncConnection

from infrastructure.database.database_clock import DatabaseClock
from infrastructure.database.pool_waits import WAITS
from infrastructure.database.timeouts import sever, severed_after
from infrastructure.event_log.append_call import Batch, as_arrays, call_of, read_answers
from infrastructure.event_log.journal import LogEntry
from infrastructure.event_log.log_head import HOLDS, KnownHead, LogSeal
from projections.engine.tracing import request_ids, span_of

_KNOWN = f"""
    SELECT {HOLDS}, (SELECT max(upto) FROM log.seal), (SELECT hash FROM log.seal ORDER BY upto DESC LIMIT 1)"""  # noqa: S608
ANOTHER_LOG = "DB001"
"""SQLSTATE of an append that was decided on another log than that of the server."""
AHEAD = 1.0  # seconds that the log's time may be ahead of the database's clock without a warning
logger = structlog.get_logger(__name__)


class AppendConnection:
    """Calls `log.append`. `patience`: seconds until a silent server counts as lost."""

    def __init__(self, dsn: str, clock: DatabaseClock, known: KnownHead, patience: float) -> None:
        self._dsn = dsn
        self._clock = clock
        self._known = known
        self._patience = patience
        self._connection: AsyncConnection | None = None
        self._epoch = known.epoch
        self._ahead = False
        self._answered_at = 0.0

    @property
    def lost(self) -> bool:
        return self._connection is None or self._connection.closed

    @property
    def outdated(self) -> bool:
        """Whether the log turned out to be another meanwhile: the connection may lead to the server before."""
        return self._epoch != self._known.epoch

    @property
    def backend_pid(self) -> int:
        assert self._connection is not None
        return self._connection.pgconn.backend_pid

    def is_silent_since(self, instant: float) -> bool:
        """Whether the server is away, or has answered nothing since an instant of the event loop's time."""
        return self.lost or self._answered_at < instant

    async def append(self, entries: Sequence[LogEntry], sent: float) -> Batch:
        """The answers, after COMMIT. `sent`: the clock's monotonic time now; raises psycopg.Error."""
        assert self._connection is not None
        seals = self._known.seals
        try:
            ids = request_ids(entry.rows[0].metadata for entry in entries if entry.rows)
            with severed_after(self._connection, self._patience), span_of("append", ids, commands=len(entries)):
                statement, arrays = call_of(entries, seals)
                cursor = await self._connection.execute(statement, arrays, prepare=True, binary=True)
                rows = await cursor.fetchall()
        except psycopg.Error as refused:
            if refused.sqlstate == ANOTHER_LOG:
                self._known.end(self._epoch)
                await self._connection.close()
            raise
        self._answered_at = asyncio.get_running_loop().time()
        WAITS.answered()
        answered = read_answers(entries, rows)
        self._clock.observe(answered.at, sent, self._clock.monotonic())
        self._saw(seals, *answered.head)
        self._known.on_append(answered.since, answered.head[0])
        self._warn_when_ahead((answered.log_at - answered.at).total_seconds())
        return answered

    def _saw(self, held: frozenset[LogSeal], position: int | None, seal: bytes | None) -> None:
        if not self.outdated:
            self._known.saw(held, position, seal)

    def _warn_when_ahead(self, seconds: float) -> None:
        """Once, when the database's clock was set back: the log's time waits for it, positions go on."""
        before, self._ahead = self._ahead, seconds > AHEAD
        if self._ahead and not before:
            logger.warning("time of the log is ahead of the database's clock", ahead_s=round(seconds, 1))

    async def connect(self) -> None:
        """Connect, in place of the connection before; raises psycopg.OperationalError when there is no database."""
        if self._connection:
            await self._connection.close()
        connection = await AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            application_name="daybook-writer",
            connect_timeout=max(2, ceil(self._patience)),
            # Answers are sent before COMMIT: a client that does not take its answer must not hold the gate.
            options=f"-c tcp_user_timeout={int(self._patience * 1000)}",
        )
        self._connection = connection
        try:
            with severed_after(connection, self._patience):
                await self._look_around(connection)
        except BaseException:
            await connection.close()
            raise

    async def _look_around(self, connection: AsyncConnection) -> None:
        """Set the clock, and see whether the server has the log that this process knows."""
        await self._clock.set_by(connection)
        epoch, seals = self._known.epoch, self._known.seals
        cursor = await connection.execute(_KNOWN.encode(), as_arrays(seals), binary=True)
        row = await cursor.fetchone()
        assert row is not None
        held, position, seal = row
        if not held:
            self._known.end(epoch, position)
            epoch, seals = epoch + 1, frozenset()
        self._epoch = epoch
        self._saw(seals, position, seal)

    async def reconnect(self, error: Exception, meanwhile: Callable[[], None]) -> None:
        """Connect again, however long that takes. `meanwhile`: called after each attempt that failed."""
        logger.warning("connection to the log lost, connecting again", outage="postgresql", error=str(error))
        pause = 0.05
        while True:
            try:
                await self.connect()
            except (OSError, TimeoutError, psycopg.Error) as again:
                logger.warning("cannot connect to the log, commands wait", outage="postgresql", error=str(again))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
                meanwhile()
            else:
                return

    def sever(self) -> None:
        """Cut the wire: an append under way ends with psycopg.OperationalError."""
        if self._connection:
            sever(self._connection)

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()


def due_to_command(error: Exception) -> bool:
    """Did the content of a command cause the error, not the state of the database?"""
    if not isinstance(error, psycopg.Error):
        return True  # it could not even be sent
    if error.sqlstate is None:
        return not isinstance(error, psycopg.OperationalError)
    return error.sqlstate[:2] in {"22", "23", "54"}  # data, constraints, limits of a row or an index
