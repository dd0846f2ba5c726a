"""A limit on the time that a statement may take, even when the network is silent."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any, Self

from psycopg import AsyncConnection

TICKS, LATE = 4, 0.1  # seconds
MOST = 3  # times the seconds asked for, even if the event loop is always late


@contextmanager
def severed_after(connection: AsyncConnection, seconds: float) -> Iterator[None]:
    """Shut the connection's socket down if the block takes longer: it ends with psycopg.OperationalError.

    Cancelling the query would wait for the server's answer, which never comes on a silent network. While the event loop
    is late, answers lie unread, so that this time does not count against the database.
    """
    limit = _Limit(connection, seconds)
    try:
        yield
    finally:
        limit.cancel()


class LimitedConnection(AsyncConnection[Any]):
    """A connection on which nothing may take longer than `patience` seconds. For pools: see `limited`."""

    patience = 5.0

    @classmethod
    async def connect(cls, *args: Any, **named: Any) -> Self:
        return await super().connect(*args, **{"connect_timeout": max(2, ceil(cls.patience)), **named})

    async def wait(self, *args: Any, **named: Any) -> Any:
        with severed_after(self, self.patience):
            return await super().wait(*args, **named)


def limited(patience: float) -> type[LimitedConnection]:
    """The class of a pool's connections. What takes more than `patience` seconds raises psycopg.OperationalError."""
    return type("LimitedConnection", (LimitedConnection,), {"patience": patience})


class _Limit:
    """Waits for the ticks of an event loop that is in time."""

    def __init__(self, connection: AsyncConnection, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._tick = seconds / TICKS
        self._ticks = 0
        self._until = self._loop.time() + MOST * seconds
        self._arm()

    def cancel(self) -> None:
        self._timer.cancel()

    def _arm(self) -> None:
        self._due = self._loop.time() + self._tick
        self._timer = self._loop.call_at(self._due, self._passed)

    def _passed(self) -> None:
        now = self._loop.time()
        self._ticks += now - self._due < LATE
        if self._ticks >= TICKS or now > self._until:
            sever(self._connection)
        else:
            self._arm()


def sever(connection: AsyncConnection) -> None:
    """Shut the socket down: a statement under way fails at once."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
