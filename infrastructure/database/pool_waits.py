"""Waiting for the database in this process: for a free connection, and for its answer.

Connections that are all in use mean that Daybook is overloaded; a database that answers nobody means an outage.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy.exc
from prometheus_client import Counter, Gauge
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from application.event_log import Overloaded

SILENCE = 2.0  # seconds
INDEX_PLANS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
"""Options of sessions whose statements find all rows by index. PostgreSQL would plan those with arrays anew each time,
which takes as long as carrying them out; and a plan that is kept since a table was small must not read all of it.
Before PostgreSQL 18, a plan that has to read all of a table would seem dear enough to be compiled."""
_USED = Gauge("daybook_pool_connections_in_use", "Database connections that requests use", multiprocess_mode="livesum")
_LONGEST = Gauge("daybook_pool_wait_seconds", "Longest recent wait for a connection", multiprocess_mode="livemax")
_TIMEOUTS = Counter("daybook_pool_timeouts", "Waits for a connection that ended without one")


class PoolWaits:
    """The waits of all pools of this process, as its metrics are: one event loop, no locks."""

    def __init__(self) -> None:
        self._waiting: dict[object, float] = {}  # since when
        self._longest = 0.0
        self._used = 0
        self._answered = time.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the wait for a connection: raises Overloaded for a time-out while the database answered others."""
        turn, began = object(), time.monotonic()
        self._waiting[turn] = began
        try:
            yield
            self._used += 1
        except (PoolTimeout, sqlalchemy.exc.TimeoutError):
            _TIMEOUTS.inc()
            if self._answered < began:
                raise
            raise overloaded() from None
        finally:
            del self._waiting[turn]
            self._longest = max(self._longest, time.monotonic() - began)

    def longest(self) -> float:
        """Seconds of the longest wait, of those under way and those that ended since the last call; sets the gauges."""
        ended, self._longest = self._longest, 0.0
        since = next(iter(self._waiting.values()), None)  # the oldest comes first
        longest = ended if since is None else max(ended, time.monotonic() - since)
        _USED.set(self._used)
        _LONGEST.set(longest)
        return longest

    def given_back(self) -> None:
        """A connection is free again."""
        self._used -= 1

    def answered(self) -> None:
        """The database has answered a statement."""
        self._answered = time.monotonic()

    def is_silent(self) -> bool:
        """Whether the database has answered nobody for a while, though someone waits."""
        since = next(iter(self._waiting.values()), None)
        now = time.monotonic()
        return since is not None and now - max(since, self._answered) > SILENCE


WAITS = PoolWaits()


class MeasuredPool(AsyncConnectionPool[AsyncConnection]):
    """A pool that raises Overloaded in place of PoolTimeout while the database answers others."""

    async def getconn(self, timeout: float | None = None) -> AsyncConnection:  # noqa: ASYNC109  as in the class above
        with WAITS.waiting():
            return await super().getconn(timeout)

    async def putconn(self, conn: AsyncConnection) -> None:
        WAITS.given_back()
        if not conn.closed:
            WAITS.answered()
        await super().putconn(conn)


class MeasuredEnginePool(AsyncAdaptedQueuePool):
    """The same for an engine of SQLAlchemy."""

    def _do_get(self) -> ConnectionPoolEntry:
        with WAITS.waiting():
            return super()._do_get()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        WAITS.given_back()
        connection: Any = record.dbapi_connection
        if connection is not None and not connection.closed:
            WAITS.answered()
        super()._do_return_conn(record)


def overloaded() -> Overloaded:
    return Overloaded("Daybook has more requests than it can answer now. Try again.")
