"""Copies new jobs of the read model into `work.job`, and records the position that it has reached.

Done jobs can be deleted, and a rebuild of the read model does not bring them back.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg

from infrastructure.database.row_pool import Row, RowPool
from projections.engine.event_feed import HEAD
from projections.engine.schema import generation_schema
from projections.read_models.jobs.job import jobs

EVERY = timedelta(seconds=0.5)
"""A sweep that follows sooner is skipped: it comes from a second beat, or from a queue that was full."""
TELL_WITHIN = timedelta(days=1)
"""Older notices are not sent: an upgrade or a restore must not cause old mail. Nor is time offered that is over."""

_LIVE = "SELECT generation FROM read.live"
_ENROL = """
    -- A match is due when its event was recorded; the log's time may be ahead of the clock.
    WITH mark AS (SELECT position, silent_upto, errands_upto FROM work.enrolled FOR UPDATE),
    upto AS (SELECT position FROM read.bookmark WHERE reader = '{reader}' AND generation = {generation}),
    fresh AS (
        INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, correlation)
        SELECT j.key, j.kind, j.subject, j.slot, due, due, j.correlation FROM mark, upto, {schema}.job j, LATERAL (
            SELECT CASE j.kind WHEN 'match' THEN least(j.due_at, clock_timestamp()) ELSE j.due_at END AS due) d
        WHERE j.position > mark.position AND j.position <= upto.position
            AND (j.kind NOT IN ('notify', 'remind') OR j.due_at > clock_timestamp() - %(within)s)
            AND (j.kind NOT IN ('notify', 'account_notice') OR j.position > mark.silent_upto)
            AND (j.kind <> 'account_notice' OR j.position > mark.errands_upto)
            AND (j.kind <> 'match' OR coalesce((j.said ->> 'until')::timestamptz > clock_timestamp(), true))
        ON CONFLICT (key) DO NOTHING RETURNING key),
    moved AS (
        UPDATE work.enrolled SET position = greatest(mark.position, upto.position) FROM mark, upto)
    SELECT count(*) FROM fresh"""
_IS_NEW = """
    SELECT EXISTS (SELECT FROM read.bookmark b, work.enrolled e
        WHERE b.reader = '{reader}' AND b.generation = {generation} AND b.position > e.position)"""
_SILENCE = f"UPDATE work.enrolled SET silent_upto = {HEAD}"  # noqa: S608  all of it is written here
_SWEPT = """
    WITH last AS (SELECT swept_at FROM work.enrolled)
    UPDATE work.enrolled SET swept_at = clock_timestamp()
    WHERE swept_at IS NULL OR swept_at NOT BETWEEN clock_timestamp() - %s AND clock_timestamp()
    RETURNING extract(epoch FROM clock_timestamp() - (SELECT swept_at FROM last))::float8"""


class Enrolment:
    """Copies jobs of the read model into the queue. Raises psycopg.OperationalError and PoolTimeout.

    `rows`: connections of the application's role.
    """

    def __init__(self, rows: RowPool) -> None:
        self._rows = rows

    async def silence(self) -> None:
        """Send no notices of the events recorded so far."""
        await self._rows.all(_SILENCE)

    async def enrol(self) -> int:
        """Copy the new jobs of the read model. Returns their number."""
        if not (await on_live(self._rows, _IS_NEW, {}))[0][0]:
            return 0
        return int((await on_live(self._rows, _ENROL, {"within": TELL_WITHIN}))[0][0])

    async def swept(self) -> float | None:
        """Record a sweep. Returns the seconds since the last one, 0 for the first; None less than EVERY after it."""
        row = await self._rows.one(_SWEPT, [EVERY])
        return None if row is None else row[0] or 0.0


async def on_live(rows: RowPool, statement: str, values: dict[str, Any]) -> list[Row]:
    """Run a statement on the live generation's tables, and again if that generation was just replaced."""
    while True:
        generation = (await rows.all(_LIVE))[0][0]
        schema = generation_schema(generation)
        told = statement.format(schema=schema, generation=generation, reader=jobs.name)
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return await rows.all(told, values)
