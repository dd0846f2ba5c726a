"""The views log of archives: whoever is told of in clear has a row there before the archive has the line."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID, uuid4

from application.access import OPERATOR
from application.view_log import PersonView
from infrastructure.database.row_pool import RowPool
from infrastructure.ledger.archive.export import Viewed
from infrastructure.ledger.view_log import ViewLog

OPERATION = "export_archive"
PATIENCE = 10.0  # seconds for the connection


def recorded_views(dsn: str) -> Viewed:
    """Records that the operator of the server has archived the data of persons. Raises Unavailable."""
    facts = {"role": str(OPERATOR.role), "via": OPERATOR.means, "request": uuid4().hex}

    async def viewed(persons: Collection[UUID]) -> None:
        async with RowPool(dsn, size=1, patience=PATIENCE) as rows:
            log = ViewLog(rows, lambda: datetime.now(UTC))
            for person in sorted(persons):
                await log.record(PersonView(OPERATOR.account, person, OPERATION, facts))

    return viewed
