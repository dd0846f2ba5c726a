"""The connections for the questions of analysts: few, read-only, and never those of bookings."""

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infrastructure.database.timeouts import limited

CONNECTIONS = 2
LONGEST = 5.0
_SESSION = (
    r"-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"
    " -c max_parallel_workers_per_gather=0"
)


def analytics_pool(dsn: str, longest: float = LONGEST) -> AsyncConnectionPool[AsyncConnection]:
    """A pool, not yet open, that connects at the first question.

    `longest`: seconds of a statement, and of waiting for a connection. A silent server is given up soon after.
    """
    return AsyncConnectionPool(
        dsn,
        min_size=0,
        max_size=CONNECTIONS,
        timeout=longest,
        max_idle=60,
        open=False,
        connection_class=limited(longest + 2),
        kwargs={
            "application_name": "daybook-analytics",
            "options": f"{_SESSION} -c statement_timeout={longest * 1000:.0f}",
            # Each question is planned for its own dates: a plan for any dates would read too much, or row by row.
            "prepare_threshold": None,
        },
    )
