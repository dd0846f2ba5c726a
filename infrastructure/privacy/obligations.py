"""The outstanding obligations of an account that asks for its erasure, from the read models."""

from datetime import datetime
from uuid import UUID

from application.people.erasure import Obligations
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models import appointment, directory

PATIENCE = 10.0  # seconds: erasure is a job, no client waits


class ObligationsReader:
    """Reads all owners' rows, as of a position; raises Behind, and the job is retried."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def ahead(self, account_id: UUID, now: datetime, position: int | None = None) -> Obligations:
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            appointments = await appointment.ahead(read, account_id, now)
        async with self._reads.open("directory", position, PATIENCE, sees=EVERYTHING) as read:
            providers = [each.id for each in await directory.owned(read, account_id)]
        return Obligations(appointments, providers)
