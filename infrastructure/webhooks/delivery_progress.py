"""Delivery progress of webhooks (`work.webhook`), the log of deliveries (`work.delivery`), and waking idle webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter
from psycopg import AsyncConnection

from application.webhooks.payload import WebhookEvent
from application.webhooks.ports import (
    DeliveryAttempt,
    DeliveryCheckpoint,
    FailureStreak,
    LoggedDelivery,
    PendingEvents,
    WebhookProgress,
)
from domain.kernel import Aggregate
from infrastructure.database.row_pool import Row, RowPool, rows
from infrastructure.event_log.event_codec import decode, evolve
from infrastructure.event_log.journal import Journal
from infrastructure.jobs.outcomes import NOTE_DELIVERY
from projections.engine.schema import generation_schema
from projections.read_models.webhook import CONCERNED, READERS

SCANNED = 20_000  # events that one statement scans for one webhook
SORTED = 5_000  # events that one statement assigns to webhooks
LOGGED, LOGGED_FOR = 1_000, timedelta(days=30)  # logged attempts of a webhook
EVER = datetime(1, 1, 2, tzinfo=UTC)
_DELIVERIES = Counter("daybook_webhook_deliveries", "Attempts to deliver an event, by outcome", ["outcome"])
_DELIVERED, _REFUSED = (_DELIVERIES.labels(outcome) for outcome in ("delivered", "failed"))
PRUNED_EVERY = 50  # attempts between two deletions of old ones

_LIVE = "SELECT generation, set_config('app.scope', 'all', true) FROM read.live"
_MARK = "SELECT position, wanted, redeliveries, failures, failing_since FROM work.webhook WHERE webhook_id = %s"
_BOUND = """
    SELECT position FROM {schema}.feed_message WHERE position > %s AND position <= %s
    ORDER BY position OFFSET %s LIMIT 1"""
_AHEAD = f"""
    SELECT DISTINCT h.position, h.type, h.subject, h.version, h.at FROM {{schema}}.feed_message h {CONCERNED}
    WHERE h.position > %s AND h.position <= %s AND w.id = %s ORDER BY h.position LIMIT %s"""  # noqa: S608
_PROGRESS = f"""
    SELECT m.webhook_id, m.position, m.failing_since,
           CASE WHEN m.wanted <= m.position THEN 0 ELSE (
               SELECT count(DISTINCT h.position) FROM (
                   SELECT * FROM {{schema}}.feed_message n
                   WHERE n.position > m.position AND n.position <= m.wanted ORDER BY n.position LIMIT %s) h
               {CONCERNED} WHERE w.id = m.webhook_id) END
    FROM work.webhook m WHERE m.webhook_id = ANY(%s)"""  # noqa: S608  all of it is written here
_PASS_OVER = """
    UPDATE work.webhook SET position = %s
    WHERE webhook_id = %s AND position = %s AND redeliveries = %s RETURNING 1"""  # noqa: S105
_TAKEN = """
    UPDATE work.webhook SET position = %s, failures = 0, failing_since = NULL
    WHERE webhook_id = %s AND position = %s AND redeliveries = %s RETURNING 1"""
_FAILED = """
    UPDATE work.webhook SET failures = CASE WHEN failing_since >= %s THEN failures + 1 ELSE 1 END,
        failing_since = CASE WHEN failing_since >= %s THEN failing_since ELSE clock_timestamp() END
    WHERE webhook_id = %s RETURNING failures, clock_timestamp() - failing_since"""
_NOTE = """
    INSERT INTO work.delivery (webhook_id, position, message_id, type, attempt, status_code, error, took_ms)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"""
_PRUNE = """
    DELETE FROM work.delivery WHERE at < clock_timestamp() - %s OR webhook_id = %s AND id <= (
        SELECT id FROM work.delivery WHERE webhook_id = %s ORDER BY id DESC OFFSET %s LIMIT 1)"""
_SENT = """
    SELECT id, position, message_id, type, attempt, at, status_code, error, took_ms FROM work.delivery
    WHERE webhook_id = %s AND (%s::bigint IS NULL OR id < %s) ORDER BY id DESC LIMIT %s"""
_SEEN = f"""
    SELECT min(position) AS position FROM read.bookmark JOIN read.live USING (generation)
    WHERE reader IN {READERS}"""  # noqa: S608
_BACK = f"""
    INSERT INTO work.webhook AS m (webhook_id, position, wanted)
    SELECT %(id)s, least(%(after)s, %(since)s), position FROM ({_SEEN}) seen
    ON CONFLICT (webhook_id) DO UPDATE
    SET position = least(m.position, %(after)s), wanted = greatest(m.wanted, excluded.wanted),
        redeliveries = m.redeliveries + 1"""  # noqa: S608
_DROP = """
    WITH marks AS (DELETE FROM work.webhook WHERE webhook_id = %(id)s),
         sent AS (DELETE FROM work.delivery WHERE webhook_id = %(id)s)
    DELETE FROM work.webhook_secret WHERE webhook_id = %(id)s"""

# A webhook without pending events is moved to just before its next event: it skips events that do not concern it.
_WAKE = f"""
    WITH seen AS (SELECT position FROM work.webhook_seen FOR UPDATE SKIP LOCKED),
    head AS ({_SEEN}),
    stretch AS (
        SELECT h.* FROM seen, head, {{schema}}.feed_message h
        WHERE h.position > seen.position AND h.position <= head.position ORDER BY h.position LIMIT %(most)s),
    looked AS (
        UPDATE work.webhook_seen s SET position = greatest(s.position, CASE
            WHEN (SELECT count(*) FROM stretch) < %(most)s THEN head.position
            ELSE (SELECT max(position) FROM stretch) END)
        FROM seen, head RETURNING s.position < head.position AS more),
    news AS (
        SELECT w.id, w.since, min(h.position) AS first, max(h.position) AS last
        FROM stretch h {CONCERNED} WHERE h.position > w.since GROUP BY w.id, w.since),
    wanting AS (
        INSERT INTO work.webhook AS m (webhook_id, position, wanted)
        SELECT id, greatest(since, first - 1), last FROM news
        ON CONFLICT (webhook_id) DO UPDATE SET wanted = greatest(m.wanted, excluded.wanted),
            position = CASE WHEN m.wanted <= m.position THEN greatest(m.position, excluded.position)
                            ELSE m.position END
        RETURNING webhook_id),
    woken AS (
        UPDATE work.job j SET due_at = clock_timestamp() FROM {{schema}}.webhook w
        WHERE j.key = w.id AND j.due_at IS NULL AND j.done_at IS NULL AND (
            w.state = 'deleted' OR w.state = 'active' AND w.id IN (
                SELECT webhook_id FROM wanting
                UNION SELECT webhook_id FROM work.webhook WHERE wanted > position))
        RETURNING 1)
    SELECT coalesce((SELECT more FROM looked), false), (SELECT count(*) FROM woken)"""  # noqa: S608


class DeliveryProgress:
    """Checkpoints and logged deliveries, for the delivery job, the HTTP routes and the sweep."""

    def __init__(self, pool: RowPool, journal: Journal) -> None:
        self._pool = pool
        self._journal = journal

    async def wake(self) -> int:
        """Assign new events to their webhooks, and make the jobs of idle webhooks with pending events due.

        Safe in several processes at once. Returns how many webhooks were idle.
        """
        woken, more = 0, True
        while more:
            async with self._reading() as (connection, schema):
                ((more, count),) = await rows(connection, _WAKE.format(schema=schema), {"most": SORTED})
                woken += count
        return woken

    async def mark(self, webhook_id: UUID) -> DeliveryCheckpoint | None:
        found = await self._pool.one(_MARK, [webhook_id])
        return DeliveryCheckpoint(*found) if found else None

    async def ahead(self, webhook_id: UUID, after: int, until: int, most: int) -> PendingEvents:
        async with self._reading() as (connection, schema):
            bound = await rows(connection, _BOUND.format(schema=schema), [after, until, SCANNED - 1])
            until = bound[0][0] if bound else until
            found = await rows(connection, _AHEAD.format(schema=schema), [after, until, webhook_id, most])
        if len(found) == most:
            until = found[-1][0]
        return PendingEvents([await self._event(row) for row in found], until)

    async def _event(self, row: Row) -> WebhookEvent:
        position, kind, stream, version, at = row
        events = await self._journal.read_until(stream, version)
        subject = evolve(None, [decode(e.topic, e.state, e.stream, e.version) for e in events])
        assert isinstance(subject, Aggregate)
        return WebhookEvent(position, kind, at, subject)

    async def pass_over(self, webhook_id: UUID, since: DeliveryCheckpoint, to: int) -> bool:
        return await self._pool.one(_PASS_OVER, [to, webhook_id, since.position, since.redeliveries]) is not None

    async def delivered(self, attempt: DeliveryAttempt, since: DeliveryCheckpoint) -> bool:
        moved = [attempt.position, attempt.webhook_id, since.position, since.redeliveries]
        async with self._pool.transaction() as connection:
            await _note(connection, attempt, "delivered")
            taken = bool(await rows(connection, _TAKEN, moved))
        _DELIVERED.inc()
        return taken

    async def failed(self, attempt: DeliveryAttempt, since: datetime | None) -> FailureStreak:
        async with self._pool.transaction() as connection:
            await _note(connection, attempt, "failed")
            streak = await rows(connection, _FAILED, [since or EVER, since or EVER, attempt.webhook_id])
        _REFUSED.inc()
        return FailureStreak(*streak[0]) if streak else FailureStreak(attempt.attempt, timedelta())

    async def drop(self, webhook_id: UUID) -> None:
        await self._pool.all(_DROP, {"id": webhook_id})

    async def standing(self, ids: Collection[UUID]) -> Mapping[UUID, WebhookProgress]:
        if not ids:
            return {}
        async with self._reading() as (connection, schema):
            found = await rows(connection, _PROGRESS.format(schema=schema), [SCANNED // len(ids), list(ids)])
        return {id: WebhookProgress(position, behind, since) for id, position, since, behind in found}

    async def go_back(self, webhook_id: UUID, after: int, since: int) -> None:
        await self._pool.all(_BACK, {"id": webhook_id, "after": after, "since": since})

    async def sent(self, webhook_id: UUID, limit: int, before: int | None = None) -> Sequence[LoggedDelivery]:
        return [LoggedDelivery(*row) for row in await self._pool.all(_SENT, [webhook_id, before, before, limit])]

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[tuple[AsyncConnection, str]]:
        """A transaction that sees every row of the read models, and their schema."""
        async with self._pool.transaction() as connection:
            ((generation, _),) = await rows(connection, _LIVE)
            yield connection, generation_schema(generation)


async def _note(connection: AsyncConnection, attempt: DeliveryAttempt, outcome: str) -> None:
    sent, id = attempt.sent, attempt.webhook_id
    values: Sequence[Any] = [id, attempt.position, attempt.message_id, attempt.type, attempt.attempt]
    ((number,),) = await rows(connection, _NOTE, [*values, sent.status, sent.error, sent.took_ms])
    await rows(connection, NOTE_DELIVERY, [id, attempt.position, outcome, attempt.attempt])
    if number % PRUNED_EVERY == 0:
        await rows(connection, _PRUNE, [LOGGED_FOR, id, id, LOGGED])
