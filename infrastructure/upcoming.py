"""The appointments that a change of opening hours may concern, from the read models."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.orphans.hours_check import Upcoming
from domain.scheduling.interval import Interval
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.search import upcoming

PATIENCE = 10.0  # seconds: a job waits for the projection, and is tried again


class UpcomingReader:
    """Reads all owners' rows, as of a position; raises Behind."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def providers_of(self, organization_id: UUID, position: int | None) -> Sequence[UUID]:
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            return await upcoming.providers_of(read, organization_id)

    async def of_provider(self, provider_id: UUID, now: datetime, position: int | None) -> Sequence[Upcoming]:
        async with self._reads.open("agenda", position, PATIENCE, sees=EVERYTHING) as read:
            rows = await upcoming.upcoming(read, provider_id, now)
        return [Upcoming(row.id, Interval(row.starts_at, row.ends_at), row.orphan) for row in rows]
