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
from infrastructure.jobs import job_statements
from infrastructure.jobs.enrolment import Enrolment, on_live
from infrastructure.jobs.outcomes import FORGET, KEPT_FOR
from infrastructure.jobs.payload import unseal_payload
from infrastructure.privacy.row_encryption import RowEncryption
from projections.engine.elapsed import elapsed
from projections.query.gathered_calls import GatheredCalls

RUNNING = timedelta(seconds=3)
"""The length of a lease: another worker may claim the job if this one does not renew it in time."""
NOTED_WITHIN = 60.0  # seconds for which recording the end of a job is tried while the database is down
ATTEMPTS = 12  # then the job is dead (a dead letter): after about nine hours with the pauses below


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
        self._ended = GatheredCalls(self._end_all, "ended jobs")

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
        found = await on_live(self.rows, job_statements.CLAIM, values)
        held = [self._held(row, lease) for row in found if row[-1] is not None]
        return Claim(held, len(found), [(row[0], row[1]) for row in found if row[3]])

    async def due(self, kinds: Collection[str], most: int) -> Mapping[str, int]:
        """The number of due jobs of each kind that no worker holds; counting stops at `most`."""
        return dict(await self.rows.all(job_statements.COUNT, [most, list(kinds)]))

    async def renew(self, held: Collection[HeldJob]) -> set[UUID]:
        """Renew leases. Returns the keys of the jobs that this worker still holds."""
        asked = elapsed()  # before the database counts: this process may be paused until the answer is read
        keys, leases = [each.key for each in held], [each.lease for each in held]
        ours = {row[0] for row in await self.rows.all(job_statements.RENEW, [keys, leases, RUNNING])}
        for each in held:
            if each.key in ours:
                each.until = asked + RUNNING.total_seconds()
        return ours

    async def progress(self, kinds: Collection[str]) -> None:
        """Record that attempts of these kinds have ended just now."""
        await self.rows.all(job_statements.PROGRESS, [sorted(kinds)])

    async def done(self, held: HeldJob, outcome: str) -> float | None:
        """Record success and delete the payload. Returns the seconds since the due time; None if the lease was lost."""
        return (await self._ended.add((held, outcome))).get((held.key, held.lease))

    async def _end_all(self, ended: Sequence[tuple[HeldJob, str]]) -> Mapping[tuple[UUID, UUID], float]:
        """Key and lease of each job whose lease was still held -> seconds since its due time."""
        columns = zip(*((held.key, held.lease, outcome) for held, outcome in ended), strict=True)
        rows = await self._noted(job_statements.DONE, [list(column) for column in columns])
        return {(key, lease): late for key, lease, late in rows}

    async def later(self, held: HeldJob, until: datetime) -> None:
        """Make the job due at `until`; this attempt does not count."""
        await self._noted(job_statements.LATER, {"until": until, "key": held.key, "lease": held.lease})

    async def idle(self, held: HeldJob, until: datetime | None) -> None:
        """Make the job due at `until`, or when it is woken; earlier failures no longer count."""
        await self._noted(job_statements.IDLE, [until, held.key, held.lease])

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
        rows = await self._noted(job_statements.FAILED, values)
        return rows[0][0] if rows else None

    async def retry(self, key: UUID) -> bool:
        """Make the job due now with all attempts left.

        Returns False for an unknown, done or running job, and for a first attempt that is not due yet.
        """
        await Enrolment(self.rows).enrol()
        return bool(await self.rows.all(job_statements.RETRY, [key]))

    async def forget(
        self, after: timedelta = timedelta(days=90), payloads_after: timedelta = timedelta(days=30)
    ) -> None:
        """Delete old done jobs, old dead jobs with a payload, which may be personal data, and old outcomes."""
        await self.rows.all(job_statements.FORGET, [after, payloads_after])
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
