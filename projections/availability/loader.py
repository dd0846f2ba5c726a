"""Loads everything that an answer about free times needs in one statement, so from one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.scheduling.interval import Interval
from projections.availability.snapshot import AvailabilitySnapshot, loaded_service
from projections.engine.schema import generation_schema
from projections.read_models.availability import vacancy

_SLACK = timedelta(days=2)  # an opening may have begun on the date before, and zones lie a day apart

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
        (SELECT json_object_agg(h.date, h.name) FROM {schema}.vacancy_holiday h
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

_OF_PROVIDER = "NOT s.withdrawn AND s.providers ? %(wanted)b::text"

_LIVE = "SELECT generation FROM read.live"


class AvailabilityLoader:
    """Reads the live generation through a pool of autocommitting connections."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._generation = 1

    async def at_service(
        self, id: UUID, provider_id: UUID | None, span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """A service, if it exists, for starts in `span` that are not before `now`."""
        calendars = None if provider_id is None else [provider_id]
        return await self._load("s.id = %(wanted)b::uuid", id, calendars, span, now)

    async def at_tag(self, slug: str, span: Interval, now: datetime) -> AvailabilitySnapshot:
        """The services with a tag, by any of its slugs, that can be booked; as in `at_service`."""
        return await self._load(_TAGGED, slug, None, span, now)

    async def at_calendars(
        self, ids: Sequence[UUID], calendars: Sequence[UUID], span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """These services, with those of these calendars that offer them; as in `at_service`."""
        return await self._load("s.id = ANY(%(wanted)b::uuid[])", ids, calendars, span, now)

    async def at_provider(self, provider_id: UUID, span: Interval, now: datetime) -> AvailabilitySnapshot:
        """The services of a provider that can be booked, with the provider's calendar; as in `at_service`."""
        return await self._load(_OF_PROVIDER, str(provider_id), [provider_id], span, now)

    async def _load(
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
                return AvailabilitySnapshot(
                    rows[0][1], [loaded_service(*row[2:]) for row in rows if row[2] is not None]
                )
            self._generation = (await self._select(_LIVE, {}))[0][0]

    async def _select(self, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """The rows; none if the generation asked for was dropped."""
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
