"""One look at all that an answer about free times needs: one statement, so one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.catalog.service_terms import ServiceTerms, slot_terms
from domain.scheduling.availability import Occupied, SlotTerms
from domain.scheduling.interval import Interval
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Weekly, hours_of
from projections.engine.schema import generation_schema
from projections.read_models.availability import vacancy

_SLACK = timedelta(days=2)  # an opening may have begun on the date before, and zones lie a day apart
_NOBODY = UUID(int=0)

_STATEMENT = """
SELECT l.generation, b.position, s.id, s.withdrawn, s.terms, s.providers, c.calendars
FROM read.live l
JOIN read.bookmark b ON b.generation = l.generation AND b.reader = '{reader}'
LEFT JOIN {schema}.vacancy_service s ON {wanted}
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(
        c.id, c.active AND e.closed IS NOT TRUE, c.timezone, c.weekly,
        (SELECT json_object_agg(o.date, o.hours) FROM {schema}.vacancy_override o
         WHERE o.calendar = c.id AND o.date >= %(today)b::date),
        (SELECT json_agg(json_build_array(date_part('epoch', t.since), date_part('epoch', t.until)))
         FROM {schema}.vacancy_time_off t WHERE t.calendar = c.id AND t.until > %(today)b::date),
        (SELECT json_agg(json_build_array(
             date_part('epoch', k.since), date_part('epoch', k.until),
             CASE WHEN k.service = s.id AND s.shared THEN date_part('epoch', k.starts_at) END,
             date_part('epoch', k.expires_at)))
         FROM (SELECT DISTINCT taker, service, starts_at, since, until, expires_at FROM {schema}.vacancy_seat
               WHERE calendar = c.id AND (expires_at IS NULL OR expires_at > %(now)b::timestamptz)
                 AND date BETWEEN
                   ((%(from)b::timestamptz - make_interval(mins => s.before)) AT TIME ZONE 'UTC')::date AND
                   ((%(to)b::timestamptz + make_interval(mins => s.after)) AT TIME ZONE 'UTC')::date) k),
        e.organization,
        (SELECT json_agg(h.date) FROM {schema}.vacancy_holiday h
         WHERE h.organization = e.organization AND h.date >= %(today)b::date)
    )) AS calendars
    FROM {schema}.vacancy_calendar c
    LEFT JOIN (SELECT calendar, organization, closed FROM {schema}.vacancy_employer
               LEFT JOIN {schema}.vacancy_organization ON id = organization) e ON e.calendar = c.id
    WHERE c.id IN (SELECT jsonb_array_elements_text(s.providers)::uuid)
        AND (%(calendars)b::uuid[] IS NULL OR c.id = ANY(%(calendars)b::uuid[]))
        AND coalesce(s.organization = e.organization, s.organization IS NULL)
) c ON true
"""

_TAGGED = """
    NOT s.withdrawn AND s.tags ?| (
        ARRAY(SELECT slug FROM {schema}.vacancy_tag
              WHERE tag_id = (SELECT tag_id FROM {schema}.vacancy_tag WHERE slug = %(wanted)b::text))
        || %(wanted)b::text)"""

_LIVE = "SELECT generation FROM read.live"


class LoadedCalendar(NamedTuple):
    """A provider of a service, with what matters to the time asked for, its organization's holidays too.

    `lapse_at`: when the first of what is occupied becomes free by itself.
    """

    id: UUID
    active: bool
    hours: OpeningHours
    occupied: Sequence[Occupied]
    organization: UUID | None = None
    lapse_at: datetime | None = None


class LoadedService(NamedTuple):
    """A service, all its providers, and calendars: of those asked for who are of its organization."""

    id: UUID
    withdrawn: bool
    offer: SlotTerms
    providers: Sequence[UUID]
    calendars: Sequence[LoadedCalendar]


class AvailabilitySnapshot(NamedTuple):
    """What was found at a position of the log."""

    position: int
    services: Sequence[LoadedService]


class AvailabilityLoader:
    """Looks at the live generation through a pool of autocommitting connections."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._generation = 1

    async def at_service(
        self, id: UUID, provider_id: UUID | None, span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """A service, if it is known, for starts in `span` that are not before `now`."""
        calendars = None if provider_id is None else [provider_id]
        return await self._look("s.id = %(wanted)b::uuid", id, calendars, span, now)

    async def at_tag(self, slug: str, span: Interval, now: datetime) -> AvailabilitySnapshot:
        """The services with a tag, whichever of its slugs, that can be booked; as in `at_service`."""
        return await self._look(_TAGGED, slug, None, span, now)

    async def at_calendars(
        self, ids: Sequence[UUID], calendars: Sequence[UUID], span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """Those of these calendars at which any of these services takes place, as in `at_service`."""
        return await self._look("s.id = ANY(%(wanted)b::uuid[])", ids, calendars, span, now)

    async def _look(
        self,
        condition: str,
        wanted: UUID | str | Sequence[UUID],
        calendars: Sequence[UUID] | None,
        span: Interval,
        now: datetime,
    ) -> AvailabilitySnapshot:
        values = {
            "wanted": wanted,
            "calendars": calendars,
            "now": now,
            "today": (now - _SLACK).date(),
            "from": span.start,
            "to": span.end,
        }
        while True:
            generation = self._generation
            rows = await self._select(_statement(condition, generation), values)
            if rows and rows[0][0] == generation:
                return AvailabilitySnapshot(rows[0][1], [_offering(*row[2:]) for row in rows if row[2] is not None])
            self._generation = (await self._select(_LIVE, {}))[0][0]

    async def _select(self, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """The rows; none if the generation asked for is gone."""
        for last in (False, True):  # once more on a fresh connection, if this one turns out to be dead
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(statement, values, prepare=True)
                    found: Sequence[tuple[Any, ...]] = await cursor.fetchall()
                    return found
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                return []
            except psycopg.OperationalError:
                if last:
                    raise
        raise AssertionError


@cache
def _statement(condition: str, generation: int) -> str:
    schema = generation_schema(generation)
    return _STATEMENT.format(reader=vacancy.name, schema=schema, wanted=condition.format(schema=schema))


def _offering(
    id: UUID,
    withdrawn: bool,
    terms: ServiceTerms,
    providers: Sequence[str],
    calendars: Sequence[Sequence[Any]] | None,
) -> LoadedService:
    found = [_calendar(id, *each) for each in calendars or ()]
    return LoadedService(id, withdrawn, slot_terms(id, terms), [UUID(each) for each in providers], found)


def _calendar(
    service_id: UUID,
    id: str,
    active: bool,
    timezone: str,
    weekly: Weekly,
    overrides: Mapping[str, Sequence[Sequence[int]]] | None,
    time_off: Sequence[tuple[float, float]] | None,
    seats: Sequence[tuple[float, float, float | None, float | None]] | None,
    organization: str | None,
    holidays: Sequence[str] | None,
) -> LoadedCalendar:
    off = [(_instant(since), _instant(until)) for since, until in time_off or ()]
    dates = frozenset(map(date.fromisoformat, holidays or ()))
    return LoadedCalendar(
        UUID(id),
        active,
        hours_of(timezone, weekly, overrides or {}, off).less(dates),
        [_occupied(service_id, *seat[:3]) for seat in seats or ()],
        None if organization is None else UUID(organization),
        min((_instant(seat[3]) for seat in seats or () if seat[3] is not None), default=None),
    )


def _occupied(service_id: UUID, since: float, until: float, start: float | None) -> Occupied:
    begin = _instant(since)
    if start is None:  # of no session that another could join
        return Occupied(begin, _instant(until), _NOBODY, begin, _NOBODY)
    return Occupied(begin, _instant(until), service_id, _instant(start), _NOBODY)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
