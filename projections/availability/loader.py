"""Loads everything that an answer about free times needs in one statement, so from one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.scheduling.interval import Interval
from projections.availability.snapshot import AvailabilitySnapshot, LoadedService, loaded_service
from projections.engine.schema import generation_schema
from projections.query.gathered_calls import GatheredCalls
from projections.read_models.availability import vacancy

_SLACK = timedelta(days=2)  # an opening may have begun on the date before, and zones lie a day apart

_STATEMENT = """
SELECT {number}, l.generation, b.position, s.id, s.withdrawn, s.terms, s.providers, c.calendars
FROM {questions} read.live l
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
               WHERE calendar = c.id AND (expires_at IS NULL OR expires_at > {now})
                 AND date BETWEEN
                   (({since} - make_interval(mins => s.before)) AT TIME ZONE 'UTC')::date AND
                   (({until} + make_interval(mins => s.after)) AT TIME ZONE 'UTC')::date) k),
        e.organization,
        (SELECT json_object_agg(h.date, h.name) FROM {schema}.vacancy_holiday h
         WHERE h.organization = e.organization AND h.date >= %(today)b::date)
    )) AS calendars
    FROM {schema}.vacancy_calendar c
    LEFT JOIN (SELECT calendar, organization, closed FROM {schema}.vacancy_employer
               LEFT JOIN {schema}.vacancy_organization ON id = organization) e ON e.calendar = c.id
    WHERE c.id IN (SELECT jsonb_array_elements_text(s.providers)::uuid)
        AND {calendar}
        AND coalesce(s.organization = e.organization, s.organization IS NULL)
) c ON true
"""

_ONE_QUESTION = {
    "number": "0",
    "questions": "",
    "now": "%(now)b::timestamptz",
    "since": "%(from)b::timestamptz",
    "until": "%(to)b::timestamptz",
    "calendar": "(%(calendars)b::uuid[] IS NULL OR c.id = ANY(%(calendars)b::uuid[]))",
}
_QUESTIONS = {
    "number": "q.n - 1",
    "questions": """
        unnest(%(wanted)b::uuid[], %(calendars)b::uuid[], %(now)b::timestamptz[], %(from)b::timestamptz[],
               %(to)b::timestamptz[]) WITH ORDINALITY q (service, calendar, now, since, until, n) CROSS JOIN""",
    "now": "q.now",
    "since": "q.since",
    "until": "q.until",
    "calendar": "c.id = q.calendar",
}
_OF_QUESTION = "s.id = q.service"
_OF_SERVICE = "s.id = %(wanted)b::uuid"
_OF_SERVICES = "s.id = ANY(%(wanted)b::uuid[])"

_TAGGED = """
    NOT s.withdrawn AND s.tags ?| (
        ARRAY(SELECT slug FROM {schema}.vacancy_tag
              WHERE tag_id = (SELECT tag_id FROM {schema}.vacancy_tag WHERE slug = %(wanted)b::text))
        || %(wanted)b::text)"""

_OF_PROVIDER = "NOT s.withdrawn AND s.providers ? %(wanted)b::text"

_LIVE = "SELECT generation FROM read.live"


MOST_TOGETHER, MOST_CALLS = 64, 3


class _Question(NamedTuple):
    """A service's free times by one provider, which many ask for at once."""

    service_id: UUID
    provider_id: UUID
    now: datetime
    span: Interval


class AvailabilityLoader:
    """Reads the live generation through a pool of autocommitting connections.

    Those who ask about one provider while others read are answered by one statement, each as of its own `now`.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._generation = 1
        self._gathered = GatheredCalls(self._load_all, "availability", most=MOST_TOGETHER, at_once=MOST_CALLS)

    async def at_service(
        self, id: UUID, provider_id: UUID | None, span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """A service, if it exists, for starts in `span` that are not before `now`."""
        if provider_id is None:
            return await self._load(_OF_SERVICE, id, None, span, now)
        question = _Question(id, provider_id, now, span)
        return (await self._gathered.add(question))[question]

    async def at_tag(self, slug: str, span: Interval, now: datetime) -> AvailabilitySnapshot:
        """The services with a tag, by any of its slugs, that can be booked; as in `at_service`."""
        return await self._load(_TAGGED, slug, None, span, now)

    async def at_calendars(
        self, ids: Sequence[UUID], calendars: Sequence[UUID], span: Interval, now: datetime
    ) -> AvailabilitySnapshot:
        """These services, with those of these calendars that offer them; as in `at_service`."""
        return await self._load(_OF_SERVICES, ids, calendars, span, now)

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
        (found,) = await self._read(condition, values, 1)
        return found

    async def _load_all(self, asked: Sequence[_Question]) -> Mapping[_Question, AvailabilitySnapshot]:
        questions = list(dict.fromkeys(asked))
        values = {
            "wanted": [each.service_id for each in questions],
            "calendars": [each.provider_id for each in questions],
            "now": [each.now for each in questions],
            "today": (min(each.now for each in questions) - _SLACK).date(),
            "from": [each.span.start for each in questions],
            "to": [each.span.end for each in questions],
        }
        return dict(zip(questions, await self._read(_OF_QUESTION, values, len(questions)), strict=True))

    async def _read(self, condition: str, values: Mapping[str, object], count: int) -> Sequence[AvailabilitySnapshot]:
        """The snapshots of so many questions."""
        while True:
            generation = self._generation
            rows = await self._select(_statement(condition, generation), values)
            if rows and rows[0][1] == generation:
                found: list[list[LoadedService]] = [[] for _ in range(count)]
                for number, _, _, *row in rows:
                    if row[0] is not None:
                        found[number].append(loaded_service(*row))
                return [AvailabilitySnapshot(rows[0][2], services) for services in found]
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
    questions = _QUESTIONS if condition is _OF_QUESTION else _ONE_QUESTION
    return _STATEMENT.format(reader=vacancy.name, schema=schema, wanted=condition.format(schema=schema), **questions)
