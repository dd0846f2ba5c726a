"""Ends sessions of analysts that last too long: a role may change its own settings, so they are no limit."""

import structlog

from infrastructure.database.row_pool import RowPool

_END = "SELECT login, why FROM read.end_analysts()"

logger = structlog.get_logger(__name__)


async def end_analysts(rows: RowPool) -> None:
    """End those whose transaction is older than two minutes, or who hold an advisory lock, and log each."""
    for login, why in await rows.all(_END):
        logger.warning("an analyst's session was ended", login=login, why=why)
