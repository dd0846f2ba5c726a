"""A bound on how long a connection may be waited for."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import AsyncConnection


@contextmanager
def severed_after(connection: AsyncConnection, seconds: float) -> Iterator[None]:
    """Cut the connection's wire if the block takes longer, so that it ends with psycopg.OperationalError.

    A cancelled query would wait for the server's word, which on a silent network never comes.
    """
    timer = asyncio.get_running_loop().call_later(seconds, sever, connection)
    try:
        yield
    finally:
        timer.cancel()


def sever(connection: AsyncConnection) -> None:
    """Cut the wire: whoever waits on the connection sees its end."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
