"""The database's time, kept on this machine's clock of elapsed time: all machines agree on the time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection

from application.event_log import Unavailable
from projections.engine.elapsed import elapsed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseClock:
    """Set at connect, corrected by each append."""

    def __init__(self, monotonic: Callable[[], float] = elapsed) -> None:
        self.monotonic = monotonic
        self._offset: float | None = None  # the database's time minus ours, seconds

    def now(self) -> datetime:
        """The database's time, UTC; raises Unavailable before the first connection."""
        if self._offset is None:
            raise Unavailable("The database has not been reached yet.")
        return _EPOCH + timedelta(seconds=self.monotonic() + self._offset)

    async def set_by(self, connection: AsyncConnection) -> None:
        """Read the database's clock."""
        sent = self.monotonic()
        cursor = await connection.execute("SELECT clock_timestamp()")
        row = await cursor.fetchone()
        assert row is not None
        self._offset = None
        self.observe(row[0], sent, self.monotonic())

    def observe(self, at: datetime, sent: float, received: float) -> None:
        """The database's clock showed `at` between these two readings of ours."""
        seconds = (at - _EPOCH).total_seconds()
        least, most = seconds - received, seconds - sent
        offset = self._offset if self._offset is not None else (least + most) / 2
        self._offset = min(max(offset, least), most)
