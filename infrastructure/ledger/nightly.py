"""The verification that runs each night: its result is counted, and a violation is an error in the log."""

import structlog
from prometheus_client import Counter

from infrastructure.ledger.reader import connected
from infrastructure.ledger.verification import verify

_VERIFICATIONS = Counter("daybook_ledger_verifications", "Verifications of the ledger, by outcome", ["outcome"])
INTACT, BROKEN = (_VERIFICATIONS.labels(outcome) for outcome in ("intact", "broken"))
PATIENCE = 10.0  # seconds for the connection
logger = structlog.get_logger(__name__)


async def report_verification(dsn: str) -> None:
    """Verify the ledger and report the result. Raises psycopg.Error without a database."""
    async with connected(dsn, PATIENCE) as connection:
        result = await verify(connection)
    if result.holds:
        INTACT.inc()
        logger.info("ledger is intact", events=result.upto, seals=result.seals)
    else:
        BROKEN.inc()
        logger.error("ledger verification failed: run `daybook audit verify`, see docs/runbook.md", fault=result.broken)
