"""Finds stale rows of `earliest`, and stores the refreshed ones."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from projections.availability.earliest import NAME, EarliestStarts
from projections.engine.leader_election import LEASE, PAGE_NAME
from projections.engine.positions import CHANNEL
from projections.engine.schema import generation_schema
from projections.read_models.availability import vacancy

Pair = tuple[UUID, UUID]
"""A provider and a service."""

_STATE = f"""
    SELECT l.generation, b.position, clock_timestamp() FROM read.live l
    JOIN read.bookmark b ON b.generation = l.generation AND b.reader = '{vacancy.name}'"""  # noqa: S608  a name of our own

# With the pairs that have a row: perhaps they no longer exist.
_NEWS = """
    WITH news AS (SELECT id FROM {schema}.vacancy_touched WHERE position > %(since)s)
    SELECT t.provider::uuid, s.id FROM news n JOIN {schema}.vacancy_service s ON s.id = n.id
        CROSS JOIN LATERAL jsonb_array_elements_text(s.providers) t(provider)
    UNION SELECT n.id, s.id FROM news n JOIN {schema}.vacancy_service s ON s.providers ? n.id::text
    UNION SELECT w.calendar, s.id FROM news n JOIN {schema}.vacancy_employer w ON w.organization = n.id
        JOIN {schema}.vacancy_service s ON s.providers ? w.calendar::text
    UNION SELECT e.provider_id, e.service_id FROM news n JOIN read.earliest e ON e.service_id = n.id
    UNION SELECT e.provider_id, e.service_id FROM news n JOIN read.earliest e ON e.provider_id = n.id"""

_DUE = "SELECT provider_id, service_id FROM read.earliest WHERE again_at <= %s ORDER BY again_at LIMIT 256"

_ALL = """
    SELECT coalesce(e.provider_id, p.provider_id), coalesce(e.service_id, p.service_id)
    FROM read.earliest e
    FULL JOIN (
        SELECT c.id AS provider_id, s.id AS service_id,
               greatest(of_calendar.position, of_service.position, of_organization.position) AS touched
        FROM {schema}.vacancy_service s
        CROSS JOIN LATERAL jsonb_array_elements_text(s.providers) t(provider)
        JOIN {schema}.vacancy_calendar c ON c.id = t.provider::uuid AND c.active
        LEFT JOIN {schema}.vacancy_touched of_calendar ON of_calendar.id = c.id
        LEFT JOIN {schema}.vacancy_touched of_service ON of_service.id = s.id
        LEFT JOIN {schema}.vacancy_employer w ON w.calendar = c.id
        LEFT JOIN {schema}.vacancy_touched of_organization ON of_organization.id = w.organization
        WHERE NOT s.withdrawn
    ) p ON p.provider_id = e.provider_id AND p.service_id = e.service_id
    WHERE p.provider_id IS NULL OR e.provider_id IS NULL OR e.generation <> %(generation)s
        OR e.position < p.touched OR e.again_at <= %(now)s
    ORDER BY e.again_at NULLS FIRST"""

# A process that was paused while another led does not overwrite the rows of that one.
_KEEP = """
    INSERT INTO read.earliest AS e
        (provider_id, service_id, starts, duration, notice, again_at, generation, position)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (provider_id, service_id) DO UPDATE
    SET (starts, duration, notice, again_at, generation, position) = ROW (excluded.starts,
        excluded.duration, excluded.notice, excluded.again_at, excluded.generation, excluded.position)
    WHERE (e.generation, e.position) <= (excluded.generation, excluded.position)"""
_DROP = """
    DELETE FROM read.earliest WHERE provider_id = %s AND service_id = %s
        AND (generation, position) <= (%s, %s)"""

_MARK = """
    INSERT INTO read.earliest_mark AS m (single, position) VALUES (true, %s)
    ON CONFLICT (single) DO UPDATE SET position = greatest(m.position, excluded.position)"""
_ANNOUNCE = "SELECT pg_notify(%s, %s)"


_TAKE_LEAD = """
    INSERT INTO read.earliest_lead AS l (single, number) VALUES (true, 1)
    ON CONFLICT (single) DO UPDATE SET number = l.number + 1 RETURNING number"""
# Until the transaction ends, nobody takes the lead.
_STILL_LEADS = "SELECT FROM read.earliest_lead WHERE number = %s FOR SHARE"
_BOUNDED = f"""
    SELECT set_config('application_name', '{PAGE_NAME}', true), set_config('lock_timeout', '{LEASE}', true)"""


class LeadTaken(Exception):
    """Another process has taken the lead: it knows which rows are there."""


class StalenessState(NamedTuple):
    """The live generation, the position of the availability projection in it, and the database's time."""

    generation: int
    position: int
    now: datetime


class StaleRows:
    """`pool`: autocommitting connections of the projector's role."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._lead = 0

    async def take_lead(self) -> None:
        """From now on, no process that led before changes the table."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_BOUNDED.encode())
            cursor = await connection.execute(_TAKE_LEAD)
            (self._lead,) = await cursor.fetchone() or (0,)

    async def state(self) -> StalenessState:
        (row,) = await self._select(_STATE, {})
        return StalenessState(*row)

    async def all(self, state: StalenessState) -> Sequence[Pair]:
        """All pairs missing, obsolete, due, of another generation, or touched since; missing ones first."""
        values = {"generation": state.generation, "now": state.now}
        return await self._select(_ALL.format(schema=generation_schema(state.generation)), values)

    async def news(self, state: StalenessState, since: int) -> Sequence[Pair]:
        """The pairs that events past a position have touched."""
        return await self._select(_NEWS.format(schema=generation_schema(state.generation)), {"since": since})

    async def due(self, state: StalenessState) -> Sequence[Pair]:
        """Some of the pairs that are due by time."""
        return await self._select(_DUE, [state.now])

    async def keep(
        self, refreshed: Sequence[tuple[EarliestStarts, int]], gone: Collection[Pair], state: StalenessState
    ) -> None:
        """Store rows, each with the position of its snapshot; drop pairs that no longer exist. Raises LeadTaken."""
        rows = [(*row, state.generation, position) for row, position in refreshed]
        async with self._leading() as connection:
            cursor = connection.cursor()
            if rows:
                await cursor.executemany(_KEEP, sorted(rows))
            if gone:
                await cursor.executemany(_DROP, [(*pair, state.generation, state.position) for pair in sorted(gone)])

    async def reached(self, position: int) -> None:
        """Record and announce that all rows are fresh up to a position. Raises LeadTaken."""
        async with self._leading() as connection:
            await connection.execute(_MARK, [position])
            # For the projections it announces 0: they are further, and no position goes back for that.
            await connection.execute(_ANNOUNCE, [CHANNEL, f"0 {NAME}={position}"])

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in which this process has the lead; a leader that is paused in it is ousted with its page."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_BOUNDED.encode())
            if not (await connection.execute(_STILL_LEADS, [self._lead])).rowcount:
                raise LeadTaken
            yield connection

    async def _select(self, statement: str, values: Mapping[str, Any] | Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
            return rows
