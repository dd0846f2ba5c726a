"""For which organizations somebody opens the card of a person."""

from collections.abc import Sequence
from uuid import UUID

from projections.query.snapshot import EVERYTHING, Snapshots
from projections.search.viewer_organizations import viewer_organizations


class OrganizationsReader:
    """From the read model, as it is: what was recorded a moment ago may be missing."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def of(self, viewer: UUID, person: UUID) -> Sequence[UUID]:
        """Those that the viewer belongs to, and that keep the person or have appointments with them."""
        async with self._reads.open("customer", None, sees=EVERYTHING) as read:
            return await viewer_organizations(read, viewer, person)
