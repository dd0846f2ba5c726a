"""Port to the waitlist's read model: its entries in order of arrival, and the starts that are free."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.booking.waitlist import Wish


class WaitlistLine(Protocol):
    """Every answer is at least as fresh as the position `at_least`."""

    async def wishes(self, provider_id: UUID, since: datetime, until: datetime, at_least: int | None) -> Sequence[Wish]:
        """The entries that want this provider on these days, in order of arrival."""
        ...

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID,
        since: datetime,
        until: datetime,
        now: datetime,
        at_least: int | None,
    ) -> Sequence[datetime]:
        """The starts offered that would occupy a part of [since, until)."""
        ...
