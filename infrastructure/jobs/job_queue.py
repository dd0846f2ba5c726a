"""The job queue in `work.job`: claimed under a lease, held, ended. All by the database's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import PoolTimeout

from application.jobs.job import Job, LeaseLost
from infrastructure.database.row_pool import Row, RowPool, Values
from infrastructure.jobs.enrolment import Enrolment, on_live
from infrastructure.jobs.payload import unseal_payload
from infrastructure.privacy.row_encryption import RowEncryption

RUNNING = timedelta(seconds=3)
"""How long a job may go without a sign of life of its worker, until another may claim it."""
NOTED_WITHIN = 60.0  # seconds that the database may be away while the end of a job waits to be noted
ATTEMPTS = 12  # then the job is dead (a dead letter); with the pauses below, after some nine hours
_PAUSE = "least(interval '2 hours', interval '5 seconds' * power(2, attempts - 1)) * (0.75 + random() / 2)"
_ENDS = "lease = NULL, leased_until = NULL"

# `now()`, not `clock_timestamp()`: it is the same throughout a statement, so that the index bounds the search.
_DUE = """w.done_at IS NULL AND w.dead_at IS NULL AND w.due_at <= now()
            AND (w.leased_until IS NULL OR w.leased_until <= now())"""
# Kinds take turns: the first of each, then the second of each. A job that is no longer in the read model is not
# wanted any more; a read model that has just been replaced does not know. A job whose worker died at each try is dead.
_CLAIM = f"""
    WITH due AS (
        SELECT each.* FROM unnest(%(kinds)s::text[]) AS of (kind)
        JOIN read.live ON generation = {{generation}}, LATERAL (
            SELECT w.key, w.kind, w.due_at, w.enqueued, w.attempts, w.lease IS NOT NULL AS lapsed FROM work.job w
            WHERE w.kind = of.kind AND {_DUE}
            ORDER BY w.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) each),
    turns AS (
        SELECT numbered.*, numbered.attempts >= %(attempts)s AS worn,
            numbered.enqueued OR EXISTS (SELECT FROM {{schema}}.job j WHERE j.key = numbered.key) AS wanted
        FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY due_at) AS turn FROM due) numbered
        ORDER BY turn, due_at LIMIT %(most)s),
    gone AS (DELETE FROM work.job w USING turns t WHERE w.key = t.key AND NOT t.wanted),
    dead AS (
        UPDATE work.job w SET dead_at = clock_timestamp(), error = 'its worker died each time', {_ENDS}
        FROM turns t WHERE w.key = t.key AND t.wanted AND t.worn),
    begun AS (
        UPDATE work.job w SET lease = %(lease)s, leased_until = clock_timestamp() + %(running)s,
            attempts = w.attempts + 1
        FROM turns t WHERE w.key = t.key AND t.wanted AND NOT t.worn RETURNING w.*)
    SELECT t.key, t.kind, t.lapsed, t.wanted AND t.worn, b.subject, b.slot, coalesce(j.due_at, b.planned_at), j.said,
        b.payload, coalesce(j.correlation, b.correlation), b.attempts
    FROM turns t LEFT JOIN begun b ON b.key = t.key LEFT JOIN {{schema}}.job j ON j.key = t.key AND NOT t.enqueued
    ORDER BY t.due_at"""  # noqa: S608  all of it is written here
_COUNT = f"""
    SELECT of.kind, (SELECT count(*) FROM (SELECT FROM work.job w WHERE w.kind = of.kind AND {_DUE} LIMIT %s) AS first)
    FROM unnest(%s::text[]) AS of (kind)"""  # noqa: S608
_RENEW = """
    UPDATE work.job w SET leased_until = clock_timestamp() + %s
    FROM unnest(%s::uuid[], %s::uuid[]) AS held (key, lease)
    WHERE w.key = held.key AND w.lease = held.lease RETURNING w.key"""
_PROGRESS = """
    INSERT INTO work.progress (kind, at) SELECT kind, clock_timestamp() FROM unnest(%s::text[]) AS of (kind)
    ORDER BY kind ON CONFLICT (kind) DO UPDATE SET at = excluded.at"""
_DONE = f"""
    UPDATE work.job SET done_at = clock_timestamp(), outcome = %s, error = NULL, payload = NULL, {_ENDS}
    WHERE key = %s AND lease = %s
    RETURNING extract(epoch FROM clock_timestamp() - planned_at)::float8"""  # noqa: S608
_LATER = f"""
    UPDATE work.job SET due_at = %(until)s, planned_at = %(until)s, attempts = attempts - 1, {_ENDS}
    WHERE key = %(key)s AND lease = %(lease)s"""  # noqa: S608
_IDLE = f"""
    UPDATE work.job SET due_at = %s, attempts = 0, error = NULL, {_ENDS} WHERE key = %s AND lease = %s"""  # noqa: S608
_FAILED = f"""
    UPDATE work.job SET error = %(error)s, {_ENDS},
        due_at = clock_timestamp() + greatest({_PAUSE}, %(pause)s),
        dead_at = CASE WHEN attempts >= %(most)s THEN clock_timestamp() END
    WHERE key = %(key)s AND lease = %(lease)s RETURNING dead_at IS NOT NULL"""  # noqa: S608
_FORGET = """
    DELETE FROM work.job WHERE done_at < clock_timestamp() - %s
    OR enqueued AND dead_at < clock_timestamp() - %s"""
_RETRY = f"""
    UPDATE work.job SET dead_at = NULL, attempts = 0, due_at = least(due_at, clock_timestamp()), {_ENDS}
    WHERE key = %s AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        AND (dead_at IS NOT NULL OR attempts > 0 OR due_at <= clock_timestamp())
    RETURNING 1"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class HeldJob:
    """application.jobs.job.JobLease: of a job that is being done. `payload`: sealed, to be opened by `JobQueue.open`.

    `lapsed`: the worker that had the job before let its lease lapse.
    """

    queue: JobQueue
    job: Job
    lease: UUID
    payload: bytes | None = None
    lapsed: bool = False

    @property
    def key(self) -> UUID:
        return self.job.key

    async def hold(self) -> None:
        """See the port."""
        if not await self.queue.renew([self]):
            raise LeaseLost


@dataclass(frozen=True, slots=True)
class Claim:
    """Jobs that are begun; how many due jobs were looked at; the (key, kind) of those that killed their workers."""

    held: Sequence[HeldJob]
    seen: int
    dead: Sequence[tuple[UUID, str]]


class JobQueue:
    """`rows`: of the application's role; `seals`: open payloads. Raises psycopg.OperationalError and PoolTimeout."""

    def __init__(self, rows: RowPool, seals: RowEncryption, *, attempts: int = ATTEMPTS) -> None:
        self.rows = rows
        self._seals = seals
        self.attempts = attempts

    async def claim(self, kinds: Collection[str], most: int) -> Claim:
        """Begin up to `most` due jobs: of each kind those first due, the kinds in turns."""
        lease = uuid4()
        values = {
            "kinds": list(kinds),
            "most": most,
            "lease": lease,
            "running": RUNNING,
            "attempts": self.attempts,
        }
        found = await on_live(self.rows, _CLAIM, values)
        held = [self._held(row, lease) for row in found if row[-1] is not None]
        return Claim(held, len(found), [(row[0], row[1]) for row in found if row[3]])

    async def due(self, kinds: Collection[str], most: int) -> Mapping[str, int]:
        """How many jobs of each kind are due and not in hand, `most` at most."""
        return dict(await self.rows.all(_COUNT, [most, list(kinds)]))

    async def renew(self, held: Collection[HeldJob]) -> set[UUID]:
        """A sign of life: the keys of those that are still ours."""
        keys, leases = [each.key for each in held], [each.lease for each in held]
        return {row[0] for row in await self.rows.all(_RENEW, [RUNNING, keys, leases])}

    async def progress(self, kinds: Collection[str]) -> None:
        """Note that tries of these kinds have come to an end."""
        await self.rows.all(_PROGRESS, [sorted(kinds)])

    async def done(self, held: HeldJob, outcome: str) -> float | None:
        """It is over, and so is its payload; how many seconds after it was due, None if it was no longer ours."""
        rows = await self._noted(_DONE, [outcome, held.key, held.lease])
        return rows[0][0] if rows else None

    async def later(self, held: HeldJob, until: datetime) -> None:
        """Due at another time, which was no attempt."""
        await self._noted(_LATER, {"until": until, "key": held.key, "lease": held.lease})

    async def idle(self, held: HeldJob, until: datetime | None) -> None:
        """Nothing to do until then, or until the job is woken; it has not failed."""
        await self._noted(_IDLE, [until, held.key, held.lease])

    async def failed(self, held: HeldJob, error: str, *, pause: float = 0, hopeless: bool = False) -> bool | None:
        """Again after a while, `pause` seconds at least, or never: whether it is dead.

        None if it was no longer ours. `error` holds nothing personal.
        """
        values = {
            "error": error,
            "pause": timedelta(seconds=pause),
            "most": 0 if hopeless else self.attempts,
            "key": held.key,
            "lease": held.lease,
        }
        rows = await self._noted(_FAILED, values)
        return rows[0][0] if rows else None

    async def retry(self, key: UUID) -> bool:
        """Once more from the start, and now: whether it was dead, has failed, or should be done."""
        await Enrolment(self.rows).enrol()
        return bool(await self.rows.all(_RETRY, [key]))

    async def forget(
        self, after: timedelta = timedelta(days=90), payloads_after: timedelta = timedelta(days=30)
    ) -> None:
        """Delete jobs done long ago, and dead ones whose payload may be personal."""
        await self.rows.all(_FORGET, [after, payloads_after])

    async def open(self, held: HeldJob) -> Job:
        """The job with its payload readable."""
        if held.payload is None:
            return held.job
        return replace(held.job, said=await unseal_payload(self._seals, held.key, held.payload))

    def _held(self, row: Row, lease: UUID) -> HeldJob:
        key, kind, lapsed, _, subject, slot, due_at, said, payload, correlation, attempts = row
        job = Job(key, kind, subject, slot, due_at, said or {}, correlation, attempts)
        return HeldJob(self, job, lease, None if payload is None else bytes(payload), lapsed)

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
