"""The views log on PostgreSQL. One function of the database writes its rows, each call under one seal."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from application.access import Role
from application.event_log import Unavailable
from application.seen import SEE_AS
from application.view_log import Organizations, PersonView, RecordedView, ViewFilters
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


async def _none(viewer: UUID, person: UUID) -> Sequence[UUID]:  # noqa: ARG001
    return ()


class ViewLog:
    """The table `audit.view`. `now`: the database's clock. `organizations`: asked about those who act for some.

    A process remembers what it recorded in this hour, so that opening a card again costs nothing.
    """

    def __init__(self, rows: RowPool, now: Callable[[], datetime], organizations: Organizations = _none) -> None:
        self._rows, self._now, self._organizations = rows, now, organizations
        self._gathered = GatheredCalls(self._record, "views log")
        self._known: set[tuple[UUID, UUID, bool]] = set()
        self._hour: datetime | None = None

    async def record(self, view: PersonView) -> None:
        key = view.viewer, view.person, view.operation == SEE_AS
        if self._hour == _hour(self._now()) and key in self._known:
            return
        try:
            at = await self._gathered.add(await self._with_organizations(view))
        except (psycopg.Error, PoolTimeout) as error:
            logger.warning("cannot record a view, so the card is not shown", outage="postgresql", error=str(error))
            raise Unavailable("The view can't be recorded now, and no card is shown without that.") from error
        self._remember(key, _hour(at))

    async def _with_organizations(self, view: PersonView) -> PersonView:
        """With those for which the viewer looks: only a provider acts for some."""
        if view.facts.get("role") != Role.PROVIDER:
            return view
        found = ",".join(map(str, await self._organizations(view.viewer, view.person)))
        return replace(view, facts={**view.facts, "organizations": found}) if found else view

    def _remember(self, key: tuple[UUID, UUID, bool], hour: datetime) -> None:
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
