"""application.people.erasure.Belongings, as the read models have it."""

from datetime import datetime
from uuid import UUID

from application.people.erasure import Obligations
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models import appointment, directory

PATIENCE = 10.0  # seconds: nobody waits for the answer


class ObligationsReader:
    """Looks at everything, no older than asked for; raises Behind, so that it is tried again."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def ahead(self, account_id: UUID, now: datetime, position: int | None = None) -> Obligations:
        """See the port."""
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            appointments = await appointment.ahead(read, account_id, now)
        async with self._reads.open("directory", position, PATIENCE, sees=EVERYTHING) as read:
            providers = [each.id for each in await directory.owned(read, account_id)]
        return Obligations(appointments, providers)
