"""How it goes with jobs, in `work.job`: taken over from the read model, claimed, held, ended.

All by the database's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from application.jobs.job import Job, LeaseLost
from infrastructure.database.row_pool import Row, RowPool, Values
from projections.engine.schema import generation_schema
from projections.read_models.job import jobs

QUEUED = timedelta(seconds=30)
"""How long one that was claimed may wait in the broker, until it counts as lost there."""
RUNNING = timedelta(seconds=3)
"""How long one that is being done may go without a sign of life, until it is anybody's again."""
OUTSTANDING = 1000  # of each kind, claimed and not yet done: more would only wait
EVERY = timedelta(seconds=0.5)
"""Sweeps that follow closer than that, as of two beats or after a standstill, have nothing to look for."""
NOTED_WITHIN = 60.0  # seconds that a database may be away while what is done waits to be noted
ATTEMPTS = 12  # with the pauses below, some nine hours
TELL_WITHIN = timedelta(days=1)
"""News older than that, as after an upgrade or a restore, is none: nobody is told."""
_PAUSE = "least(interval '2 hours', interval '5 seconds' * power(2, attempts - 1)) * (0.75 + random() / 2)"

_LIVE = "SELECT generation FROM read.live"
_ENROL = """
    WITH mark AS (SELECT position, silent_upto FROM work.enrolled FOR UPDATE),
    upto AS (SELECT position FROM read.bookmark WHERE reader = '{reader}' AND generation = {generation}),
    fresh AS (
        INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at)
        SELECT j.key, j.kind, j.subject, j.slot, j.due_at, j.due_at FROM {schema}.job j, mark, upto
        WHERE j.position > mark.position AND j.position <= upto.position
            AND (j.kind NOT IN ('notify', 'remind') OR j.due_at > clock_timestamp() - %(within)s)
            AND (j.kind <> 'notify' OR j.position > mark.silent_upto)
        ON CONFLICT (key) DO NOTHING RETURNING key),
    moved AS (
        UPDATE work.enrolled SET position = greatest(mark.position, upto.position) FROM mark, upto)
    SELECT count(*) FROM fresh"""
_SILENCE = """
    UPDATE work.enrolled
    SET silent_upto = (SELECT coalesce(max(notification_id), 0) FROM log.stored_events)"""
_SWEPT = """
    WITH last AS (SELECT swept_at FROM work.enrolled)
    UPDATE work.enrolled SET swept_at = clock_timestamp()
    WHERE swept_at IS NULL OR swept_at NOT BETWEEN clock_timestamp() - %s AND clock_timestamp()
    RETURNING extract(epoch FROM clock_timestamp() - (SELECT swept_at FROM last))::float8"""
# Those that are no longer in the read model are not to be done any more; one that has just been replaced does
# not know. One kind that can't be done, for its server is away, must not take the place of the others.
_CLAIM = """
    WITH held AS (
        SELECT kind, count(*) FROM work.job
        WHERE lease IS NOT NULL AND due_at > clock_timestamp() GROUP BY kind),
    kinds AS (
        SELECT DISTINCT w.kind FROM work.job w JOIN read.live ON generation = {generation}
        WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()),
    due AS (
        SELECT each.key, each.again FROM kinds LEFT JOIN held USING (kind), LATERAL (
            SELECT key, lease IS NOT NULL AS again FROM work.job w
            WHERE w.kind = kinds.kind AND done_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()
            ORDER BY due_at
            LIMIT greatest(0, %(outstanding)s - coalesce(held.count, 0))
            FOR UPDATE SKIP LOCKED) each),
    wanted AS (SELECT key, again FROM due WHERE EXISTS (SELECT FROM {schema}.job j WHERE j.key = due.key)),
    gone AS (
        DELETE FROM work.job w USING due
        WHERE w.key = due.key AND due.key NOT IN (SELECT key FROM wanted))
    UPDATE work.job w SET lease = gen_random_uuid(), due_at = clock_timestamp() + %(queued)s
    FROM wanted WHERE w.key = wanted.key RETURNING w.key, w.lease, w.kind, wanted.again"""
_BEGIN = """
    WITH begun AS (
        UPDATE work.job SET lease = gen_random_uuid(), due_at = clock_timestamp() + %(running)s,
            attempts = attempts + 1
        WHERE key = %(key)s AND lease = %(lease)s AND done_at IS NULL AND dead_at IS NULL
            AND EXISTS (SELECT FROM read.live WHERE generation = {generation})
        RETURNING key, lease, attempts)
    SELECT begun.lease, j.kind, j.subject, j.slot, j.due_at, j.said, j.correlation, begun.attempts
    FROM begun LEFT JOIN {schema}.job j ON j.key = begun.key"""
_HOLD = """
    UPDATE work.job SET due_at = clock_timestamp() + %s
    WHERE key = %s AND lease = %s RETURNING 1"""
_DONE = """
    UPDATE work.job SET done_at = clock_timestamp(), outcome = %s, lease = NULL, error = NULL
    WHERE key = %s AND lease = %s
    RETURNING extract(epoch FROM clock_timestamp() - planned_at)::float8"""
_LATER = "UPDATE work.job SET due_at = %s, lease = NULL, attempts = attempts - 1 WHERE key = %s AND lease = %s"
_IDLE = """
    UPDATE work.job SET due_at = %s, lease = NULL, attempts = 0, error = NULL WHERE key = %s AND lease = %s"""
_FAILED = f"""
    UPDATE work.job SET error = %(error)s, lease = NULL,
        due_at = clock_timestamp() + greatest({_PAUSE}, %(pause)s),
        dead_at = CASE WHEN attempts >= %(most)s THEN clock_timestamp() END
    WHERE key = %(key)s AND lease = %(lease)s RETURNING dead_at IS NOT NULL"""  # noqa: S608  all of it is written here
_DROP = "DELETE FROM work.job WHERE key = %s AND lease = %s"
_FORGET = "DELETE FROM work.job WHERE done_at < clock_timestamp() - %s"
_RETRY = """
    UPDATE work.job SET dead_at = NULL, attempts = 0, due_at = clock_timestamp(), lease = NULL
    WHERE key = %s AND done_at IS NULL
        AND (dead_at IS NOT NULL OR attempts > 0 AND lease IS NULL OR due_at <= clock_timestamp())
    RETURNING 1"""


class ClaimedJob(NamedTuple):
    """One that is to be done now by whoever shows the lease first. `again`: whoever had it let it lapse."""

    key: UUID
    lease: UUID
    kind: str
    again: bool


@dataclass(frozen=True, slots=True)
class HeldJob:
    """application.jobs.job.Lease: of a job that is being done."""

    jobs: JobQueue
    key: UUID
    lease: UUID

    async def hold(self) -> None:
        """See the port. Called each second, it keeps the job ours."""
        if not await self.jobs.rows.all(_HOLD, [RUNNING, self.key, self.lease]):
            raise LeaseLost


class JobQueue:
    """`rows`: of the application's role. Raises psycopg.OperationalError and PoolTimeout."""

    def __init__(self, rows: RowPool, *, attempts: int = ATTEMPTS) -> None:
        self.rows = rows
        self._attempts = attempts

    async def silence(self) -> None:
        """Nobody is told of what has happened so far."""
        await self.rows.all(_SILENCE)

    async def enrol(self) -> int:
        """Take over what the read model has new; how many."""
        return int((await self._mapped(_ENROL, {"within": TELL_WITHIN}))[0][0])

    async def swept(self) -> float | None:
        """Note a sweep; how many seconds after the one before, 0 after none. None: there was one just now."""
        row = await self.rows.one(_SWEPT, [EVERY])
        return None if row is None else row[0] or 0.0

    async def claim(self) -> Sequence[ClaimedJob]:
        """Those that are due, the longest first, as far as there is room in the queues."""
        values = {"outstanding": OUTSTANDING, "queued": QUEUED}
        return [ClaimedJob(*row) for row in await self._mapped(_CLAIM, values)]

    async def begin(self, key: UUID, lease: UUID) -> tuple[Job, HeldJob] | None:
        """The job, if the lease is good: for the first that shows it, until it is claimed again."""
        values = {"key": key, "lease": lease, "running": RUNNING}
        found = await self._mapped(_BEGIN, values)
        if not found:
            return None
        held, told = HeldJob(self, key, found[0][0]), found[0][1:]
        if told[0] is None:  # it was dropped since it was claimed
            await self.rows.all(_DROP, [key, held.lease])
            return None
        return Job(key, *told), held

    async def done(self, held: HeldJob, outcome: str) -> float | None:
        """It is over; how many seconds after it was planned, None if it was no longer ours."""
        rows = await self._noted(_DONE, [outcome, held.key, held.lease])
        return rows[0][0] if rows else None

    async def later(self, held: HeldJob, until: datetime) -> None:
        """Not now, which was no attempt."""
        await self._noted(_LATER, [until, held.key, held.lease])

    async def idle(self, held: HeldJob, until: datetime | None) -> None:
        """Nothing to do until then, or until somebody makes it due; it has not failed."""
        await self._noted(_IDLE, [until, held.key, held.lease])

    async def failed(self, held: HeldJob, error: str, *, pause: float = 0, hopeless: bool = False) -> bool | None:
        """Again after a while, `pause` seconds at least, or never: whether it is given up.

        None if it was no longer ours.
        """
        values = {
            "error": error,
            "pause": timedelta(seconds=pause),
            "most": 0 if hopeless else self._attempts,
            "key": held.key,
            "lease": held.lease,
        }
        rows = await self._noted(_FAILED, values)
        return rows[0][0] if rows else None

    async def retry(self, key: UUID) -> bool:
        """Once more from the start, and now: whether it was given up, has failed, or should be done."""
        await self.enrol()
        return bool(await self.rows.all(_RETRY, [key]))

    async def forget(self, after: timedelta = timedelta(days=90)) -> None:
        """What was done long ago is not kept."""
        await self.rows.all(_FORGET, [after])

    async def _noted(self, statement: str, values: Values) -> list[Row]:
        """Sooner or later, so that nothing is done again because the database was away for a moment."""
        clock = asyncio.get_running_loop().time
        until = clock() + NOTED_WITHIN
        while True:
            try:
                return await self.rows.all(statement, values)
            except (psycopg.OperationalError, PoolTimeout):
                if clock() > until:
                    raise
            await asyncio.sleep(0.1)

    async def _mapped(self, statement: str, values: dict[str, Any]) -> list[Row]:
        """On the live generation's tables; one that has just been replaced may be gone."""
        while True:
            generation = (await self.rows.all(_LIVE))[0][0]
            schema = generation_schema(generation)
            told = statement.format(schema=schema, generation=generation, reader=jobs.name)
            with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                return await self.rows.all(told, values)
