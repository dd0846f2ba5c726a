"""`application.booking.ports.BookingQueries` over the read models."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.scheduling.wallclock import day_bounds, local_date, zone
from projections.query.ownership import Owner
from projections.query.snapshot import EVERYTHING, Snapshot, Snapshots
from projections.read_models import appointment, customer, schedule


class BookingReadModels:
    """Asked while a command decides; what they answer is a preference or a permission, never a free time."""

    def __init__(self, reads: Snapshots, head: Callable[[], Awaitable[int]]) -> None:
        """`head`: the log's last position."""
        self._reads = reads
        self._head = head

    async def rank(self, provider_ids: Sequence[UUID], start: datetime) -> Sequence[UUID]:
        """The providers with the fewest appointments in the local week of `start` first."""
        async with self._reads.open("agenda", sees=EVERYTHING) as read:
            return await appointment.fewest(read, provider_ids, *await _week(read, provider_ids[0], start))

    async def has_visited(self, account_id: UUID, customer_id: UUID) -> bool:
        """Whether the account may know the customer: as a guest, or from appointments with its providers.

        Nobody is refused by rows that are behind the log. Raises Behind if they do not catch up.
        """
        return await self._shows(account_id, customer_id) or await self._shows(
            account_id, customer_id, await self._head()
        )

    async def _shows(self, account_id: UUID, customer_id: UUID, position: int | None = None) -> bool:
        async with self._reads.open("customer", position, sees=account_id) as read:
            return await customer.get(read, customer_id, owner=Owner(account_id, acts=True)) is not None


async def _week(read: Snapshot, provider_id: UUID, start: datetime) -> tuple[datetime, datetime]:
    """Monday to Monday in the zone of the first provider: the others' are near enough to rank by."""
    rules = await schedule.of_calendar(read, provider_id)
    tz = zone(rules.timezone if rules else "UTC")
    day = local_date(start, tz)
    monday = day - timedelta(days=day.weekday())
    return day_bounds(monday, tz).start, day_bounds(monday + timedelta(days=7), tz).start
