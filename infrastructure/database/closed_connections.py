"""Whether the server has closed a connection, without asking it: nothing comes on the socket while nobody asks."""

import select

from psycopg import AsyncConnection


def has_unread(descriptor: int) -> bool:
    """Whether something lies unread on a socket, as the end of a connection does."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


async def check_open(connection: AsyncConnection) -> None:
    """The `check` of a pool; raises psycopg.OperationalError for a connection that the server has closed."""
    while has_unread(connection.fileno()):
        connection.pgconn.consume_input()  # a notice, a session ticket of TLS; raises at the end of the connection
