"""Readers that ask the same question over and over while others book; run as a program, a process of readers.

What they were told is written down, to be held against the log afterwards.
"""

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine

from domain.scheduling.interval import Interval
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import connect
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots
from projections.read_models.availability import vacancy
from tests.projections.clinic import clocks
from tests.projections.waiting import eventually

ELSEWHERE = "another process"
ENOUGH = 50


class Told(NamedTuple):
    """`seen`: the read side's position known before asking; `asked`: whether it was asked for."""

    by: str
    seen: int
    asked: bool
    position: int
    free: list[str]


class Question(NamedTuple):
    service_id: UUID
    provider_id: UUID
    span: Interval


class Answers:
    """What readers were told, until it is enough to tell a stale answer from luck.

    `kinds`: of readers, each with as many answers as make it ENOUGH; `positions`: so many that answers are from.
    """

    def __init__(self, *kinds: str, positions: int = 0) -> None:
        self._kinds = kinds
        self._positions = positions
        self.told: list[Told] = []

    async def are_enough(self) -> bool:
        counted = Counter(each.by for each in self.told)
        positions = {each.position for each in self.told}
        return all(counted[kind] > ENOUGH for kind in self._kinds) and len(positions) > self._positions

    async def read_on(
        self, by: str, availability: Availability, positions: Positions, question: Question, stop: asyncio.Event
    ) -> None:
        """Ask, every other time with the position seen, until told to stop."""
        asked = True
        while not stop.is_set():
            seen = positions.known.get(vacancy.name, 0)
            answer = await availability.starts(*question, now=datetime.now(UTC), at_least=seen if asked else None)
            self.told.append(Told(by, seen, asked, answer.position, clocks(json.loads(answer.body))))
            asked = not asked
            await asyncio.sleep(0.001)


async def main(url: str, dsn: str, redis: str, prefix: str, *question: str) -> None:
    """Says "enough" once it is, and what it was told after standard input is closed."""
    service, provider, start, end = question
    span = Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    engine, client = create_async_engine(url), connect(redis)
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(dsn, open=False, kwargs={"autocommit": True})
    answers, stop = Answers(ELSEWHERE), asyncio.Event()
    async with pool, Positions(engine) as positions, AvailabilityCache(client, prefix) as cache:
        availability = Availability(AvailabilityLoader(pool), Snapshots(engine, positions), cache)
        asked = Question(UUID(service), UUID(provider), span)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(answers.read_on(ELSEWHERE, availability, positions, asked, stop))
            await eventually(answers.are_enough)
            sys.stdout.write("enough\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)
            stop.set()
    await client.aclose()
    await engine.dispose()
    json.dump(answers.told, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
