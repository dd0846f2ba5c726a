"""What is outstanding of an account that asks for its erasure, and of what ends, from the read models."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.ending import EndingKind
from application.people.erasure import Obligations
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models import directory
from projections.search import upcoming

PATIENCE = 10.0  # seconds: erasures are jobs, and ends are rare


class AheadReader:
    """Reads the upcoming appointments of what ends, as of a position; raises Behind."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def of(self, kind: EndingKind, id: UUID, now: datetime, position: int | None) -> Sequence[UUID]:
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            if kind is EndingKind.ACCOUNT:
                return await upcoming.ahead(read, id, now)
            return await upcoming.ahead_of(read, {f"{kind}_id": id}, now)


class ObligationsReader:
    """Reads all owners' rows, as of a position; raises Behind, and the job is retried."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def ahead(self, account_id: UUID, now: datetime, position: int | None = None) -> Obligations:
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            appointments = await upcoming.ahead(read, account_id, now)
        async with self._reads.open("directory", position, PATIENCE, sees=EVERYTHING) as read:
            providers = [each.id for each in await directory.owned(read, account_id)]
        return Obligations(appointments, providers)
