"""The limits of a connection to the API; docs/security.md has them as a table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """`head_bytes`: URL, names and values of the headers together. `pipelined`: requests that wait for their turn.

    `head_seconds` begin with the connection, and with the first byte of each later request. `unread_seconds`: how long
    a client may leave an answer unread. `linger_seconds`: how long Daybook still reads after it has refused a request,
    so that the client gets the refusal. `last_request_seconds`: how long a process that ends waits for one more request
    of an open connection. `connections`: of one process.
    """

    head_bytes: int = 32_768
    url_bytes: int = 8_192
    headers: int = 100
    unwanted_bytes: int = 1_000_000  # of a body that goes on after the answer
    pipelined: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    unread_seconds: float = 30.0
    linger_seconds: float = 2.0
    last_request_seconds: int = 1
    connections: int = 1_000
