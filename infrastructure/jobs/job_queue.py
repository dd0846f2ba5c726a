"""The job queue in `work.job`: claim a job under a lease, renew the lease, record the end.

All times are those of the database's clock.
"""

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
from infrastructure.jobs.outcomes import ENDED, FORGET, KEPT_FOR, NOTE_JOBS
from infrastructure.jobs.payload import unseal_payload
from infrastructure.privacy.row_encryption import RowEncryption
from projections.engine.elapsed import elapsed

RUNNING = timedelta(seconds=3)
"""The length of a lease: another worker may claim the job if this one does not renew it in time."""
NOTED_WITHIN = 60.0  # seconds for which recording the end of a job is tried while the database is down
ATTEMPTS = 12  # then the job is dead (a dead letter): after about nine hours with the pauses below
_PAUSE = "least(interval '2 hours', interval '5 seconds' * power(2, attempts - 1)) * (0.75 + random() / 2)"
_ENDS = "lease = NULL, leased_until = NULL"

# `now()`, not `clock_timestamp()`: it is the same throughout a statement, so that the index bounds the search.
_DUE = """w.done_at IS NULL AND w.dead_at IS NULL AND w.due_at <= now()
            AND (w.leased_until IS NULL OR w.leased_until <= now())"""
# Kinds take turns: the first of each, then the second of each. A job that the read model has dropped is deleted; only
# the live generation of the read model can tell. A job whose worker died at each attempt is dead.
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
    gone AS (
        DELETE FROM work.job w USING turns t WHERE w.key = t.key AND NOT t.wanted RETURNING {ENDED}),
    dead AS (
        UPDATE work.job w SET dead_at = clock_timestamp(), error = 'its worker died each time', {_ENDS}
        FROM turns t WHERE w.key = t.key AND t.wanted AND t.worn RETURNING {ENDED}),
    ended AS (SELECT *, 'dropped' AS outcome FROM gone UNION ALL SELECT *, 'dead' FROM dead),
    noted AS ({NOTE_JOBS}),
    begun AS (
        UPDATE work.job w SET lease = %(lease)s, leased_until = clock_timestamp() + %(running)s,
            attempts = w.attempts + 1
        FROM turns t WHERE w.key = t.key AND t.wanted AND NOT t.worn RETURNING w.*)
    SELECT t.key, t.kind, t.lapsed, t.wanted AND t.worn, b.subject, b.slot, coalesce(j.due_at, b.planned_at), j.said,
        b.payload, coalesce(j.correlation, b.correlation), b.attempts
    FROM turns t LEFT JOIN begun b ON b.key = t.key LEFT JOIN {{schema}}.job j ON j.key = t.key AND NOT t.enqueued
    ORDER BY t.due_at"""  # noqa: S608  no input: all parts are constants of this module
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
    WITH ended AS (
        UPDATE work.job w SET done_at = clock_timestamp(), outcome = %s, error = NULL, payload = NULL, {_ENDS}
        WHERE key = %s AND lease = %s RETURNING {ENDED}, outcome, planned_at),
    noted AS ({NOTE_JOBS})
    SELECT extract(epoch FROM clock_timestamp() - planned_at)::float8 FROM ended"""  # noqa: S608
_LATER = f"""
    UPDATE work.job SET due_at = %(until)s, planned_at = %(until)s, attempts = attempts - 1, {_ENDS}
    WHERE key = %(key)s AND lease = %(lease)s"""  # noqa: S608
_IDLE = f"""
    UPDATE work.job SET due_at = %s, attempts = 0, error = NULL, {_ENDS} WHERE key = %s AND lease = %s"""  # noqa: S608
_FAILED = f"""
    WITH failed AS (
        UPDATE work.job w SET error = %(error)s, {_ENDS},
            due_at = clock_timestamp() + greatest({_PAUSE}, %(pause)s),
            dead_at = CASE WHEN attempts >= %(most)s THEN clock_timestamp() END
        WHERE key = %(key)s AND lease = %(lease)s RETURNING {ENDED}, dead_at IS NOT NULL AS dead),
    ended AS (SELECT *, 'dead' AS outcome FROM failed WHERE dead),
    noted AS ({NOTE_JOBS})
    SELECT dead FROM failed"""  # noqa: S608
_FORGET = """
    DELETE FROM work.job WHERE done_at < clock_timestamp() - %s
    OR enqueued AND dead_at < clock_timestamp() - %s"""
_RETRY = f"""
    UPDATE work.job SET dead_at = NULL, attempts = 0, due_at = least(due_at, clock_timestamp()), {_ENDS}
    WHERE key = %s AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        AND (dead_at IS NOT NULL OR attempts > 0 OR due_at <= clock_timestamp())
    RETURNING 1"""  # noqa: S608


@dataclass(slots=True, eq=False)
class HeldJob:
    """The lease of a claimed job. `payload`: encrypted; `JobQueue.open` decrypts it.

    `lapsed`: the worker that claimed the job before did not renew its lease.
    """

    queue: JobQueue
    job: Job
    lease: UUID
    payload: bytes | None = None
    lapsed: bool = False
    until: float = 0.0  # by `elapsed`

    @property
    def key(self) -> UUID:
        return self.job.key

    async def hold(self) -> None:
        """Renew the lease, again if it ran out before its answer was read; raises LeaseLost if another has the job."""
        while True:
            if not await self.queue.renew([self]):
                raise LeaseLost
            if self.held:
                return

    @property
    def held(self) -> bool:
        return elapsed() < self.until


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim. `seen`: the number of due jobs found; `dead`: (key, kind) of jobs out of attempts."""

    held: Sequence[HeldJob]
    seen: int
    dead: Sequence[tuple[UUID, str]]


class JobQueue:
    """The queue. Raises psycopg.OperationalError and PoolTimeout.

    `rows`: connections of the application's role; `seals`: decrypts payloads.
    """

    def __init__(self, rows: RowPool, seals: RowEncryption, *, attempts: int = ATTEMPTS) -> None:
        self.rows = rows
        self._seals = seals
        self.attempts = attempts

    async def claim(self, kinds: Collection[str], most: int) -> Claim:
        """Claim up to `most` due jobs: the earliest due of each kind, the kinds in turns."""
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
        """The number of due jobs of each kind that no worker holds; counting stops at `most`."""
        return dict(await self.rows.all(_COUNT, [most, list(kinds)]))

    async def renew(self, held: Collection[HeldJob]) -> set[UUID]:
        """Renew leases. Returns the keys of the jobs that this worker still holds."""
        asked = elapsed()  # before the database counts: this process may be paused until the answer is read
        keys, leases = [each.key for each in held], [each.lease for each in held]
        ours = {row[0] for row in await self.rows.all(_RENEW, [RUNNING, keys, leases])}
        for each in held:
            if each.key in ours:
                each.until = asked + RUNNING.total_seconds()
        return ours

    async def progress(self, kinds: Collection[str]) -> None:
        """Record that attempts of these kinds have ended just now."""
        await self.rows.all(_PROGRESS, [sorted(kinds)])

    async def done(self, held: HeldJob, outcome: str) -> float | None:
        """Record success and delete the payload. Returns the seconds since the due time; None if the lease was lost."""
        rows = await self._noted(_DONE, [outcome, held.key, held.lease])
        return rows[0][0] if rows else None

    async def later(self, held: HeldJob, until: datetime) -> None:
        """Make the job due at `until`; this attempt does not count."""
        await self._noted(_LATER, {"until": until, "key": held.key, "lease": held.lease})

    async def idle(self, held: HeldJob, until: datetime | None) -> None:
        """Make the job due at `until`, or when it is woken; earlier failures no longer count."""
        await self._noted(_IDLE, [until, held.key, held.lease])

    async def failed(self, held: HeldJob, error: str, *, pause: float = 0, hopeless: bool = False) -> bool | None:
        """Record a failure. Returns whether the job is dead; None if the lease was lost.

        `error`: no personal data; `pause`: seconds until the next attempt at least; `hopeless`: make no other attempt.
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
        """Make the job due now with all attempts left.

        Returns False for an unknown, done or running job, and for a first attempt that is not due yet.
        """
        await Enrolment(self.rows).enrol()
        return bool(await self.rows.all(_RETRY, [key]))

    async def forget(
        self, after: timedelta = timedelta(days=90), payloads_after: timedelta = timedelta(days=30)
    ) -> None:
        """Delete old done jobs, old dead jobs with a payload, which may be personal data, and old outcomes."""
        await self.rows.all(_FORGET, [after, payloads_after])
        await self.rows.all(FORGET, [KEPT_FOR])

    async def open(self, held: HeldJob) -> Job:
        """The job with its decrypted payload."""
        if held.payload is None:
            return held.job
        return replace(held.job, said=await unseal_payload(self._seals, held.key, held.payload))

    def _held(self, row: Row, lease: UUID) -> HeldJob:
        key, kind, lapsed, _, subject, slot, due_at, said, payload, correlation, attempts = row
        job = Job(key, kind, subject, slot, due_at, said or {}, correlation, attempts)
        return HeldJob(self, job, lease, None if payload is None else bytes(payload), lapsed)

    async def _noted(self, statement: str, values: Values) -> list[Row]:
        """Run the statement, for up to a minute while the database is down, so that the job is not repeated."""
        clock = asyncio.get_running_loop().time
        until = clock() + NOTED_WITHIN
        while True:
            try:
                return await self.rows.all(statement, values)
            except (psycopg.OperationalError, PoolTimeout):
                if clock() > until:
                    raise
            await asyncio.sleep(0.1)
