"""The waitlist entries that want a free time: the waitlist and the availability, queried together."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.booking.waitlist import Wish
from domain.scheduling.interval import Interval
from projections.availability.queries import Availability
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models.waitlist import in_line, waitlist


class WaitlistLine:
    """Adapter of the port `application.booking.waitlist_matching.Line`."""

    def __init__(self, snapshots: Snapshots, availability: Availability) -> None:
        self._snapshots, self._availability = snapshots, availability

    async def wishes(self, provider_id: UUID, since: datetime, until: datetime, at_least: int | None) -> Sequence[Wish]:
        day = timedelta(days=1)  # the largest difference between zones
        async with self._snapshots.open(waitlist.name, at_least, sees=EVERYTHING) as read:
            return await in_line(read, provider_id, (since - day).date(), (until + day).date())

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID,
        since: datetime,
        until: datetime,
        now: datetime,
        at_least: int | None,
    ) -> Sequence[datetime]:
        return await self._availability.touching(
            service_id, provider_id, Interval(since, until), now=now, at_least=at_least
        )
