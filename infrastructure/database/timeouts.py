"""A limit on the time that a statement may take, even when the network is silent."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import AsyncConnection


@contextmanager
def severed_after(connection: AsyncConnection, seconds: float) -> Iterator[None]:
    """Shut the connection's socket down if the block takes longer: it ends with psycopg.OperationalError.

    Cancelling the query would wait for the server's answer, which never comes on a silent network.
    """
    timer = asyncio.get_running_loop().call_later(seconds, sever, connection)
    try:
        yield
    finally:
        timer.cancel()


def sever(connection: AsyncConnection) -> None:
    """Shut the socket down: a statement under way fails at once."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
