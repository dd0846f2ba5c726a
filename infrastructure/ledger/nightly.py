"""The outcomes of verifications: counted, and a violation is an error in the log. One verification runs each night."""

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
    report(result.broken, events=result.upto, seals=result.seals)


def report(broken: str | None, **facts: object) -> None:
    """Report a verification of the whole ledger. `broken`: the first fault."""
    if broken is None:
        INTACT.inc()
        logger.info("ledger is intact", **facts)
    else:
        BROKEN.inc()
        told = "ledger verification failed: run `daybook audit verify`, see docs/runbook.md"
        logger.error(told, fault=broken, **facts)
