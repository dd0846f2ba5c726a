"""The one connection over which a process appends to the log: opened again when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import ceil

import psycopg
import structlog
from psycopg import AsyncConnection

from infrastructure.database.timeouts import sever, severed_after
from infrastructure.event_log.append_call import Batch, call_of, read_answers
from infrastructure.event_log.database_clock import DatabaseClock
from infrastructure.event_log.journal import LogEntry
from infrastructure.event_log.log_head import KnownHead

_SEAL_AT = """
    SELECT (SELECT hash FROM log.seal WHERE upto = %s), (SELECT coalesce(max(upto), 0) FROM log.seal)"""
logger = structlog.get_logger(__name__)


class AppendConnection:
    """Calls `log.append`. `patience`: seconds until a silent server counts as lost."""

    def __init__(self, dsn: str, clock: DatabaseClock, known: KnownHead, patience: float) -> None:
        self._dsn = dsn
        self._clock = clock
        self._known = known
        self._patience = patience
        self._connection: AsyncConnection | None = None

    @property
    def lost(self) -> bool:
        return self._connection is None or self._connection.closed

    @property
    def backend_pid(self) -> int:
        assert self._connection is not None
        return self._connection.pgconn.backend_pid

    async def append(self, entries: Sequence[LogEntry], sent: float) -> Batch:
        """The answers, after COMMIT. `sent`: the clock's monotonic time now; raises psycopg.Error."""
        assert self._connection is not None
        with severed_after(self._connection, self._patience):
            statement, arrays = call_of(entries)
            cursor = await self._connection.execute(statement, arrays, prepare=True, binary=True)
            rows = await cursor.fetchall()
        answered = read_answers(entries, rows)
        self._clock.observe(answered.at, sent, self._clock.monotonic())
        self._known.saw(*answered.head)
        return answered

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
        with severed_after(connection, self._patience):
            await self._clock.set_by(connection)
            epoch = self._known.epoch
            if self._known.head:
                held, position = await self._holds(connection, *self._known.head)
                if not held:
                    self._known.end(epoch, position)

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

    @staticmethod
    async def _holds(connection: AsyncConnection, upto: int, seal: bytes) -> tuple[bool, int]:
        """Does the log hold this seal? A restore or a failover with loss removes it. And the log's position."""
        cursor = await connection.execute(_SEAL_AT, [upto])
        row = await cursor.fetchone()
        assert row is not None
        return row[0] is not None and bytes(row[0]) == seal, row[1]


def due_to_command(error: Exception) -> bool:
    """Did the content of a command cause the error, not the state of the database?"""
    if not isinstance(error, psycopg.Error):
        return True  # it could not even be sent
    if error.sqlstate is None:
        return not isinstance(error, psycopg.OperationalError)
    return error.sqlstate[:2] in {"22", "23", "54"}  # data, constraints, limits of a row or an index
