"""The jobs and deliveries of a request, from the rows of the work and from what is kept of their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from json import dumps
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from application.audit_request import ChainDelivery, ChainJob
from application.jobs.dispatch import KINDS
from application.past import PastEvent
from infrastructure.database.row_pool import Row, RowPool
from infrastructure.jobs.outcomes import KEPT_FOR
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import generation_schema
from projections.read_models.jobs.job import project
from projections.read_models.webhook import CONCERNED

_ENQUEUED = [*KINDS["accounts"], "notify"]
"""The kinds of jobs that commands enqueue."""
_LIVE = "SELECT generation, set_config('app.scope', 'all', true) FROM read.live"
# Jobs that are not done are few of these kinds: the index of due jobs finds them.
_JOBS = """
    WITH wanted AS (
        SELECT unnest(%(made)s::uuid[]) AS key
        UNION SELECT key FROM work.outcome WHERE correlation = %(request)s AND position = 0
        UNION SELECT key FROM work.job WHERE done_at IS NULL AND dead_at IS NULL AND kind = ANY(%(kinds)s)
            AND enqueued AND correlation = %(request)s)
    SELECT n.key, coalesce(w.kind, o.kind, j.kind, ''), coalesce(w.subject, o.subject, j.subject),
        CASE WHEN w.leased_until > clock_timestamp() THEN 'running'
            WHEN w.key IS NOT NULL AND w.done_at IS NULL AND w.dead_at IS NULL THEN
                CASE WHEN w.attempts > 0 THEN 'retrying' ELSE 'waiting' END
            WHEN o.outcome IN ('dead', 'dropped') THEN o.outcome
            WHEN o.key IS NOT NULL OR w.done_at IS NOT NULL THEN 'done'
            WHEN w.dead_at IS NOT NULL THEN 'dead'
            WHEN j.position > (SELECT position FROM work.enrolled) THEN 'waiting' END,
        coalesce(w.attempts, o.attempts, 0),
        CASE WHEN w.key IS NULL OR w.done_at IS NOT NULL OR w.dead_at IS NOT NULL
            THEN coalesce(o.outcome, w.outcome) END,
        CASE WHEN w.key IS NULL OR w.done_at IS NOT NULL OR w.dead_at IS NOT NULL
            THEN coalesce(o.at, w.done_at, w.dead_at) END
    FROM wanted n LEFT JOIN work.job w ON w.key = n.key LEFT JOIN work.outcome o ON o.key = n.key AND o.position = 0
        LEFT JOIN {schema}.job j ON j.key = n.key
    ORDER BY coalesce(w.planned_at, j.due_at, o.at), n.key LIMIT %(most)s"""
# A webhook takes types of events by its settings of today: of an old event, the rows of its deliveries alone can tell.
_DELIVERIES = f"""
    WITH pending AS (
        SELECT DISTINCT w.id, w.since, h.position, h.at FROM {{schema}}.feed_message h {CONCERNED}
        WHERE h.position = ANY(%(positions)s::bigint[]) AND h.position > w.since),
    told AS (
        SELECT o.key AS id, o.position, o.outcome, o.attempts, o.at FROM work.outcome o
        WHERE o.correlation = ANY(%(requests)s) AND o.position = ANY(%(positions)s::bigint[]))
    SELECT coalesce(t.id, p.id), coalesce(t.position, p.position), coalesce(t.outcome,
        CASE WHEN coalesce(m.position, p.since) < p.position THEN 'waiting' END), coalesce(t.attempts, 0), t.at
    FROM told t FULL JOIN pending p ON p.id = t.id AND p.position = t.position
        LEFT JOIN work.webhook m ON m.webhook_id = p.id
    WHERE t.id IS NOT NULL OR coalesce(m.position, p.since) < p.position OR p.at < clock_timestamp() - %(kept)s
    ORDER BY 2, 1 LIMIT %(most)s"""  # noqa: S608  all of it is written here


class RequestWorks:
    """Reads them. `rows`: connections of the application's role."""

    def __init__(self, rows: RowPool, kept: timedelta = KEPT_FOR) -> None:
        self._rows = rows
        self._kept = kept

    def jobs_of(self, events: Sequence[PastEvent]) -> Mapping[UUID, int]:
        """The keys of the jobs that the events made, with the position of the event."""
        return {key: each.position for each in events for key in _made_by(each)}

    async def jobs(self, request: str, made: Mapping[UUID, int], most: int) -> Sequence[ChainJob]:
        """The jobs of these keys, and those of the request that no event made; at most `most`."""
        values = {"made": list(made), "request": request, "kinds": _ENQUEUED, "most": most}
        found = await self._read(_JOBS, values)
        return [ChainJob(key, made.get(key), kind, subject, *rest) for key, kind, subject, *rest in found]

    async def deliveries(self, events: Sequence[PastEvent], most: int) -> Sequence[ChainDelivery]:
        """The deliveries of the events, at most `most`."""
        values = {
            "positions": [each.position for each in events],
            "requests": list({each.metadata.get("correlation", "") for each in events}),
            "kept": self._kept,
            "most": most,
        }
        return [ChainDelivery(*row) for row in await self._read(_DELIVERIES, values)]

    async def _read(self, statement: str, values: dict[str, Any]) -> list[Row]:
        """The rows of a statement on the live generation, every row of which it sees."""
        async with self._rows.transaction():
            ((generation, _),) = await self._rows.all(_LIVE)
            return await self._rows.all(statement.format(schema=generation_schema(generation)), values)


class _Keys(RowBatch):
    """Notes the keys of the jobs that the read model would have."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[UUID] = []

    def put(self, table: Table, **columns: Any) -> None:  # noqa: ARG002
        self.made.append(columns["key"])


def _made_by(each: PastEvent) -> Sequence[UUID]:
    keys = _Keys()
    project(RecordedEvent(each.position, each.at, each.stream, each.version, each.event, dumps(each.metadata)), keys)
    return keys.made
