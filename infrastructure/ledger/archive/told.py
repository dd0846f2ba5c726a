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


def recorded_views(rows: RowPool) -> Viewed:
    """Records that the operator of the server has archived the data of persons. Raises Unavailable."""
    log, request = ViewLog(rows, lambda: datetime.now(UTC)), uuid4().hex
    facts = {"role": str(OPERATOR.role), "via": OPERATOR.means, "request": request}

    async def viewed(persons: Collection[UUID]) -> None:
        for person in sorted(persons):
            await log.record(PersonView(OPERATOR.account, person, OPERATION, facts))

    return viewed
