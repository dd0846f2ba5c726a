"""The status of jobs: those that events make, from the read model, joined with the progress in `work.job`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.query.paging import Page, fetch, narrowed
from projections.query.snapshot import Snapshot
from projections.read_models.jobs.job import job

STUCK = 60.0  # seconds
MOST_NEW = 10_000
"""Of the jobs that no sweep has copied yet, so many are listed, in the order of the log: sweeps may have stopped."""

_WORK = MetaData(schema="work")  # Alembic's
_work = Table(
    "job",
    _WORK,
    Column("key", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("slot", Text, nullable=False),
    Column("planned_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("lease", Uuid),
    Column("leased_until", DateTime(timezone=True)),
    Column("enqueued", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("dead_at", DateTime(timezone=True)),
    Column("error", Text),
)
_enrolled = Table("enrolled", _WORK, Column("position", BigInteger, primary_key=True))
_is_new = job.c.position > select(_enrolled.c.position).scalar_subquery()


class JobStatus(StrEnum):
    """`waiting`: for its due time or a worker; `retrying`: after a failure; `dead`: no attempts left, see its error.

    `dropped`: no longer needed, and not done.
    """

    WAITING = "waiting"
    RUNNING = "running"
    RETRYING = "retrying"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """One job and its progress. `planned_at`: the first due time; `due_at`: the time of the next attempt."""

    id: UUID
    kind: str
    subject: UUID
    slot: str
    status: str
    planned_at: datetime
    due_at: datetime | None
    attempts: int
    done_at: datetime | None
    outcome: str | None
    error: str | None


def _ended(status: str | None) -> ColumnElement[bool]:
    """What an index of `work.job` knows of those with this status."""
    w = _work.c
    match status:
        case JobStatus.DONE:
            return w.done_at.is_not(None)
        case JobStatus.DEAD:
            return w.done_at.is_(None) & w.dead_at.is_not(None)
        case _:
            return w.done_at.is_(None) & w.dead_at.is_(None)


def _gone(key: Column[UUID]) -> ColumnElement[bool]:
    """Whether the read model has the job no more. No EXISTS and no join: PostgreSQL would read all jobs for a page."""
    return select(job.c.key).where(job.c.key == key).limit(1).scalar_subquery().is_(None)


def _taken_over() -> Select[Any]:
    w = _work.c
    status = case(
        (w.done_at.is_not(None), JobStatus.DONE.value),
        (w.dead_at.is_not(None), JobStatus.DEAD.value),
        (~w.enqueued & _gone(w.key), JobStatus.DROPPED.value),
        (w.leased_until > func.statement_timestamp(), JobStatus.RUNNING.value),
        (w.attempts > 0, JobStatus.RETRYING.value),
        else_=JobStatus.WAITING.value,
    )
    return select(
        w.key.label("id"),
        w.kind,
        w.subject,
        w.slot,
        status.label("status"),
        w.planned_at,
        w.due_at,
        w.attempts,
        w.done_at,
        w.outcome,
        w.error,
    ).select_from(_work)


def _new(source: FromClause = job) -> Select[Any]:
    """Jobs of the read model that no sweep has copied into `work.job` yet."""
    j = source.c
    none = {
        name: cast(null(), kind).label(name)
        for name, kind in (
            ("done_at", DateTime(timezone=True)),
            ("outcome", Text),
            ("error", Text),
        )
    }
    return select(
        j.key.label("id"),
        j.kind,
        j.subject,
        j.slot,
        literal(JobStatus.WAITING.value).label("status"),
        j.due_at.label("planned_at"),
        j.due_at,
        literal(0).label("attempts"),
        *none.values(),
    )


def _all() -> FromClause:
    return union_all(_taken_over(), _new().where(_is_new)).subquery()


def _listed(status: str | None) -> FromClause:
    """The jobs of a list, or at least those with this status; of the new ones the first MOST_NEW."""
    if status not in {None, JobStatus.WAITING}:
        return _taken_over().where(_ended(status)).subquery()
    first = select(job).where(_is_new).order_by(job.c.position).limit(MOST_NEW).subquery()
    # PostgreSQL reads a page of each part in its order, since the first has no condition and no volatile function.
    return union_all(_taken_over(), _new(first)).subquery()


async def get(read: Snapshot, id: UUID) -> JobProgress | None:
    """The job; None for an unknown id."""
    every = _all()
    found = (await read.connection.execute(select(every).where(every.c.id == id))).one_or_none()
    return None if found is None else JobProgress(**found._mapping)


async def find(
    read: Snapshot,
    page: Page,
    *,
    status: str | None = None,
    kind: str | None = None,
    subject: UUID | None = None,
) -> tuple[Sequence[JobProgress], str | None]:
    """A page of jobs in the order of `planned_at`, and the cursor of the next page."""
    every = _listed(status) if subject is None else _all()
    query = narrowed(
        select(every),
        (status, every.c.status.__eq__),
        (kind, every.c.kind.__eq__),
        (subject, every.c.subject.__eq__),
    )
    return await fetch(read.connection, query.order_by(every.c.planned_at, every.c.id), page, JobProgress)


async def notices(read: Snapshot, appointment_id: UUID) -> Sequence[JobProgress]:
    """The jobs that tell people about an appointment, in the order of `planned_at`."""
    every = _all()
    of_it = (every.c.subject == appointment_id) & every.c.kind.in_(["notify", "remind"])
    found = await read.connection.execute(select(every).where(of_it).order_by(every.c.planned_at, every.c.id))
    return [JobProgress(**row._mapping) for row in found]


_LATENESS = """
    WITH RECURSIVE kinds AS (
        (SELECT kind FROM work.job WHERE done_at IS NULL AND dead_at IS NULL ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (SELECT w.kind FROM work.job w WHERE w.kind > kinds.kind AND done_at IS NULL AND dead_at IS NULL
                ORDER BY w.kind LIMIT 1) FROM kinds WHERE kinds.kind IS NOT NULL),
    due AS (
        SELECT kind, (SELECT min(w.due_at) FROM work.job w
            WHERE w.kind = kinds.kind AND done_at IS NULL AND dead_at IS NULL) AS at
        FROM kinds WHERE kind IS NOT NULL
        UNION ALL
        SELECT kind, min(due_at) FROM read_{generation}.job
        WHERE position > (SELECT position FROM work.enrolled) GROUP BY kind)
    SELECT kind, extract(epoch FROM clock_timestamp() - min(due.at))::float8,
        extract(epoch FROM clock_timestamp() - max(p.at))::float8
    FROM due LEFT JOIN work.progress p USING (kind)
    WHERE due.at <= clock_timestamp() GROUP BY kind ORDER BY kind"""


@dataclass(frozen=True, slots=True)
class Lateness:
    """A kind with due jobs. `seconds`: the lateness of the earliest one.

    `idle`: seconds since an attempt of the kind ended; None if none ever has.
    """

    kind: str
    seconds: float
    idle: float | None

    def facts(self) -> Mapping[str, Any]:
        """The members that readiness shows. `stuck`: no attempt of the kind has ended for a minute."""
        stuck = self.idle is None or self.idle > STUCK
        return {"late": round(self.seconds), "stuck": stuck}


async def lateness(connection: AsyncConnection, generation: int) -> Sequence[Lateness]:
    """The lateness of each kind with due jobs, running ones included: a claim does not reset it."""
    found = await connection.execute(text(_LATENESS.format(generation=generation)))
    return [Lateness(*row) for row in found]
