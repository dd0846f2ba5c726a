"""The state of a whole Daybook, read from its database: processes, projections, queues, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from application.jobs.dispatch import KINDS
from infrastructure.observability.process_registry import running
from infrastructure.observability.versions import RELEASE, ZONES
from projections.engine.states import PROJECTION_STATES, ProjectionState
from projections.read_models.jobs.process import RunningProcess

LATE = 60.0  # seconds
_BEHIND = 10.0  # seconds
# Due and dead jobs are counted apart, each by the index that has them alone: the queue also holds what is planned.
QUEUES = """
    SELECT of.queue AS name, sum(waiting.jobs)::bigint AS due, coalesce(sum(dead.jobs), 0)::bigint AS dead,
           coalesce(max(extract(epoch FROM now() - waiting.since)), 0)::float AS late
    FROM unnest(%s::text[], %s::text[]) AS of (queue, kind)
    CROSS JOIN LATERAL (
        SELECT count(*) AS jobs, min(due_at) AS since FROM work.job
        WHERE kind = of.kind AND due_at <= now() AND done_at IS NULL AND dead_at IS NULL) waiting
    LEFT JOIN (
        SELECT kind, count(*) AS jobs FROM work.job WHERE done_at IS NULL AND dead_at IS NOT NULL
        GROUP BY kind) dead ON dead.kind = of.kind
    GROUP BY of.queue ORDER BY of.queue"""


@dataclass(frozen=True)
class QueueState:
    """A queue of jobs. `due`: jobs to do now; `late`: seconds since the earliest of them was due."""

    name: str
    due: int
    dead: int
    late: float


@dataclass(frozen=True)
class SystemStatus:
    """`steps`: what an operator should do, in sentences; none if all is well."""

    release: str
    schema: str
    postgresql: str
    zones: str
    processes: Sequence[RunningProcess]
    projections: Sequence[ProjectionState]
    queues: Sequence[QueueState]
    steps: Sequence[str]


def status_of(connection: psycopg.Connection) -> SystemStatus:
    """The state that the database of the connection shows."""
    ((schema,),) = connection.execute("SELECT version_num FROM log.schema_version").fetchall()
    processes, projections, queues = running(connection), projection_states(connection), queue_states(connection)
    steps = [*_for_processes(processes), *_for_projections(projections), *_for_queues(queues)]
    version = connection.info.parameter_status("server_version") or ""
    return SystemStatus(RELEASE, schema, version.split()[0], ZONES, processes, projections, queues, steps)


def projection_states(connection: psycopg.Connection) -> Sequence[ProjectionState]:
    """The projections of the live generation, by name."""
    with connection.cursor(row_factory=class_row(ProjectionState)) as cursor:
        return cursor.execute(PROJECTION_STATES).fetchall()


def queue_states(connection: psycopg.Connection) -> Sequence[QueueState]:
    """The queues of jobs, by name."""
    pairs = [(queue, kind) for queue, kinds in KINDS.items() for kind in kinds]
    with connection.cursor(row_factory=class_row(QueueState)) as cursor:
        return cursor.execute(QUEUES, [list(each) for each in zip(*pairs, strict=True)]).fetchall()


def _for_processes(processes: Sequence[RunningProcess]) -> Sequence[str]:
    roles = {each.role for each in processes}
    commands = {"api": "api", "projector": "project", "worker": "worker", "beat": "beat"}
    steps = [f"No {role} runs. Start one: daybook {command}" for role, command in commands.items() if role not in roles]
    for what, versions in (
        ("releases", {each.version for each in processes}),
        ("time zone data", {each.zones for each in processes}),
    ):
        if len(versions) > 1:
            steps.append(f"Processes have different {what} ({', '.join(sorted(versions))}). Finish the upgrade.")
    return steps


def _for_projections(projections: Sequence[ProjectionState]) -> Sequence[str]:
    stopped = [
        f"The projection {each.name} stopped at position {each.stopped_at}: {each.error}. "
        f"Fix the cause, then run: daybook projections resume {each.name}"
        for each in projections
        if each.stopped_at is not None
    ]
    stopped += [
        f"The projection {each.name} is ahead of the log. Run: daybook audit verify, then: daybook rebuild"
        for each in projections
        if each.behind < 0
    ]
    slow = [each for each in projections if each.stopped_at is None and each.seconds > _BEHIND]
    if slow:
        worst = max(slow, key=lambda each: each.seconds)
        stopped.append(f"Read models are {worst.seconds:.0f} s behind. Look at the log of the projector.")
    return stopped


def _for_queues(queues: Sequence[QueueState]) -> Sequence[str]:
    late = [
        f"Jobs of the queue {each.name} are {each.late:.0f} s late. Start another worker: "
        f"daybook worker --queues {each.name}"
        for each in queues
        if each.late > LATE
    ]
    dead = sum(each.dead for each in queues)
    if dead:
        late.append(f"{dead} jobs are dead. Read their errors, then retry them: GET /v1/jobs?status=dead")
    return late
