"""A Daybook without workers of its own, to which a test brings some, with what they have to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bench.tools.history import entry
from bench.tools.taking import an_appointment
from domain.kernel import new_id
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.support.instances import Instance, Process, ask, children, within

SOON = 180.0  # seconds: the machine may have other things to do


class Progress(NamedTuple):
    """How it goes with a job."""

    key: UUID
    attempts: int
    outcome: str | None
    done_at: datetime | None
    lease: UUID | None
    due_at: datetime


@dataclass
class Crew:
    """`instance`: keeps its own projector and API; `env`: what its workers need to know besides."""

    instance: Instance
    env: dict[str, str]

    @contextmanager
    def worker(self, *arguments: str, concurrency: int = 2, **env: str) -> Iterator[Process]:
        """A worker, once its processes are there."""
        said = ["worker", "--concurrency", str(concurrency), *arguments]
        with self.instance.role(*said, env=self.env | env) as process:
            within(SOON, lambda: process.process.poll() is not None or len(hands(process)) == concurrency)
            assert process.process.poll() is None, process.said
            yield process

    @contextmanager
    def beat(self, **env: str) -> Iterator[Process]:
        with self.instance.role("beat", env=self.env | env) as process:
            yield process

    def past(self, count: int = 1, *, ago: timedelta = timedelta(days=2)) -> list[UUID]:
        """So many appointments of which nobody said what became of them; each is a job that is due."""
        return asyncio.run(self._past(count, ago))

    async def _past(self, count: int, ago: timedelta) -> list[UUID]:
        journal = PostgresJournal(self.instance.database)
        await journal.open()
        try:
            then = datetime.now(UTC) - ago
            made = [an_appointment(*(new_id() for _ in range(3)), then.date(), 0, then) for _ in range(count)]
            ids = [each.id for each in made]
            await asyncio.gather(*(journal.append(entry(each)) for each in made))
            return ids
        finally:
            await journal.close()

    def follow(self, subjects: Sequence[UUID], kind: str = "complete") -> None:
        """Return once the read model has their jobs."""
        query = "SELECT 1 FROM read_1.job WHERE subject = ANY(%s) AND kind = %s"
        within(SOON, lambda: len(self.ask(query, [subjects, kind])) == len(subjects))

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing is recorded meanwhile, so that commands take their time."""
        with psycopg.connect(self.instance.superuser_database) as connection:
            connection.execute("LOCK TABLE log.gate IN EXCLUSIVE MODE")
            yield

    def progress(self, subjects: Sequence[UUID], kind: str = "complete") -> list[Progress]:
        """Of their jobs of this kind, as far as they are taken over."""
        query = """SELECT key, attempts, outcome, done_at, lease, due_at FROM work.job
            WHERE subject = ANY(%s) AND kind = %s"""
        return [Progress(*row) for row in self.ask(query, [subjects, kind])]  # type: ignore[arg-type]

    def begun(self, subjects: Sequence[UUID], kind: str = "complete") -> int:
        """How many have been begun, and are not done."""
        return sum(each.attempts > 0 and each.done_at is None for each in self.progress(subjects, kind))

    def done(self, subjects: Sequence[UUID]) -> bool:
        """Whether all are completed, and nobody has anything left to do.

        A job whose command was recorded for a worker that died is dropped as any that is not wanted any more.
        """
        left = [each for each in self.progress(subjects) if not each.done_at]
        return not left and len(self.completed(subjects)) == len(subjects)

    def completed(self, subjects: Sequence[UUID]) -> list[str]:
        """The correlations of what the log has of their completion."""
        query = """SELECT metadata->>'correlation' FROM log.stored_events
            WHERE originator_id = ANY(%s) AND topic = 'Appointment.Completed'"""
        return [str(row[0]) for row in self.ask(query, [subjects])]

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[object, ...]]:
        return ask(self.instance.superuser_database, statement, values)


def hands(worker: Process) -> list[int]:
    """The processes that do a worker's jobs."""
    return hands_of(worker.process.pid)


def hands_of(worker: int) -> list[int]:
    """As `hands`, by the worker's number."""
    return children(worker)


def kill(*pids: int, number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
