"""The views log on PostgreSQL. One function of the database writes its rows, each call under one seal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from application.event_log import Unavailable
from application.view_log import PersonView, RecordedView, ViewFilters
from infrastructure.database.row_pool import RowPool
from projections.query.gathered_calls import GatheredCalls

_RECORD = "SELECT audit.record_views(%s::uuid[], %s::uuid[], %s::text[], %s::jsonb[])"
_FIND = """
    SELECT id, at, viewer, person, operation, facts FROM audit.view
    WHERE (%s::bigint IS NULL OR id < %s) AND (%s::uuid IS NULL OR person = %s) AND (%s::uuid IS NULL OR viewer = %s)
      AND (%s::timestamptz IS NULL OR at >= %s) AND (%s::timestamptz IS NULL OR at < %s)
    ORDER BY id DESC LIMIT %s"""
MOST_KNOWN = 10_000  # views that a process remembers
logger = structlog.get_logger(__name__)


class ViewLog:
    """The table `audit.view`. `now`: the database's clock.

    A process remembers what it recorded in this hour, so that opening a card again costs nothing.
    """

    def __init__(self, rows: RowPool, now: Callable[[], datetime]) -> None:
        self._rows, self._now = rows, now
        self._gathered = GatheredCalls(self._record, "views log")
        self._known: set[tuple[UUID, UUID]] = set()
        self._hour: datetime | None = None

    async def record(self, view: PersonView) -> None:
        key = view.viewer, view.person
        if self._hour == _hour(self._now()) and key in self._known:
            return
        try:
            at = await self._gathered.add(view)
        except (psycopg.Error, PoolTimeout) as error:
            logger.warning("cannot record a view, so the card is not shown", outage="postgresql", error=str(error))
            raise Unavailable("The view can't be recorded now, and no card is shown without that.") from error
        self._remember(key, _hour(at))

    def _remember(self, key: tuple[UUID, UUID], hour: datetime) -> None:
        """`hour`: that of the row, by the database's clock."""
        if hour != self._hour or len(self._known) >= MOST_KNOWN:
            self._known, self._hour = set(), hour
        self._known.add(key)

    async def _record(self, views: Sequence[PersonView]) -> datetime:
        """The time of the call."""
        rows = [(each.viewer, each.person, each.operation, Jsonb(dict(each.facts))) for each in views]
        found = await self._rows.one(_RECORD, [list(column) for column in zip(*rows, strict=True)])
        assert found is not None
        at: datetime = found[0]
        return at

    async def find(self, filters: ViewFilters, *, limit: int, before: int | None = None) -> Sequence[RecordedView]:
        bounds = (before, filters.person, filters.viewer, filters.since, filters.until)
        values = [value for bound in bounds for value in (bound, bound)]
        return [RecordedView(*row) for row in await self._rows.all(_FIND, [*values, limit])]


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
