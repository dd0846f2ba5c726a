"""Random ways through the model of the job queue, step by step on PostgreSQL: claims, leases and ends agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.jobs import job_queue
from infrastructure.jobs.job_queue import HeldJob, JobQueue
from tests.conftest import Database
from tests.models.protocols.job_queue import JobQueueModel, JobState, Row, Worker
from tests.support.sealed import MASTERS

ATTEMPTS, STEPS = 3, 40
_PLAN = """
    INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at)
    VALUES (%(key)s, 'complete', %(key)s, '', now() - interval '1 second', now() - interval '1 second')"""
_WANT = """
    INSERT INTO read_1.job (subject, slot, key, kind, due_at, said, correlation, position)
    VALUES (%(key)s, 's', %(key)s, 'complete', now() - interval '1 second', '{}', '', 1)"""


@pytest.fixture
async def rows(database: Database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application) as rows:
        yield rows


class Replay:
    """The workers of the model, and the queue that does what they do."""

    def __init__(self, rows: RowPool, queue: JobQueue) -> None:
        self.rows, self.queue, self.key = rows, queue, uuid4()
        self.held: dict[int, HeldJob] = {}
        """By the model's number of the lease."""

    async def begin(self) -> None:
        await self.rows.all(_PLAN, {"key": self.key})
        await self.rows.all(_WANT, {"key": self.key})

    async def row(self) -> Row | None:
        found = await self.rows.all(
            """SELECT lease, leased_until <= clock_timestamp(), attempts,
                CASE WHEN done_at IS NOT NULL THEN 'done' WHEN dead_at IS NOT NULL THEN 'dead' ELSE '' END
            FROM work.job WHERE key = %s""",
            [self.key],
        )
        if not found:
            return None
        lease, lapsed, attempts, end = found[0]
        numbers = {held.lease: number for number, held in self.held.items()}
        return Row(0 if lease is None else numbers[lease], bool(lapsed), attempts, end)

    async def follow(self, label: str, before: JobState, after: JobState) -> None:
        """Do on the server what this step of the model does."""
        old, new = dict(before.rows)[1], dict(after.rows)[1]
        if new.lapsed and not old.lapsed:
            await self.rows.all("UPDATE work.job SET leased_until = clock_timestamp() WHERE key = %s", [self.key])
        elif new.lease > old.lease or (new.end == "dead" != old.end):
            claim = await self.queue.claim(["complete"], 10)
            assert bool(claim.dead) == (new.end == "dead")
            self.held.update((new.lease, held) for held in claim.held)
        elif label.startswith("it asks for its lease"):
            ours = await self.queue.renew([self.held[_acting(before, after).lease]])
            assert ours == ({self.key} if label.endswith("held") else set())
        elif label == "it notes the end":
            noted = await self.queue.done(self.held[_acting(before, after).lease], "sent")
            assert (noted is not None) == (new.end == "done" != old.end)


def _acting(before: JobState, after: JobState) -> Worker:
    """The worker that this step is of."""
    return next(one for one, two in zip(before.workers, after.workers, strict=True) if one != two)


@pytest.mark.parametrize("seed", range(6))
async def test_the_queue_follows_the_model(
    rows: RowPool, database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    keyring = postgres_store(database.application, MASTERS).keyring
    model, chance = JobQueueModel(log="B", faults=9, attempts=ATTEMPTS), Random(seed)
    monkeypatch.setattr(job_queue, "RUNNING", timedelta(hours=1))  # leases end when the model says so
    replay = Replay(rows, JobQueue(rows, keyring, attempts=ATTEMPTS))
    await replay.begin()
    state = model.initial()._replace(read=1, enrolled=1, rows=((1, Row()),))
    for _ in range(STEPS):
        steps = list(model.steps(state))
        if not steps:
            break
        label, after = chance.choice(steps)
        await replay.follow(label, state, after)
        state = after
        assert await replay.row() == dict(state.rows)[1], label
