"""Readers that ask the same question over and over while others book; run as a program, a process of readers.

What they were told is written down, to be held against the log afterwards.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any, NamedTuple
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


async def read_on(
    by: str, availability: Availability, positions: Positions, question: Question, stop: asyncio.Event
) -> list[Told]:
    """Ask, every other time with the position seen, until told to stop."""
    told: list[Told] = []
    while not stop.is_set():
        seen, asked = positions.known.get(vacancy.name, 0), len(told) % 2 == 0
        answer = await availability.starts(*question, now=datetime.now(UTC), at_least=seen if asked else None)
        told.append(Told(by, seen, asked, answer.position, clocks(json.loads(answer.body))))
        await asyncio.sleep(0.001)
    return told


async def main(url: str, dsn: str, redis: str, prefix: str, seconds: str, *question: str) -> None:
    service, provider, start, end = question
    span = Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    engine, client = create_async_engine(url), connect(redis)
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(dsn, open=False, kwargs={"autocommit": True})
    async with pool, Positions(engine) as positions, AvailabilityCache(client, prefix) as cache:
        availability = Availability(AvailabilityLoader(pool), Snapshots(engine, positions), cache)
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(float(seconds), stop.set)
        asked = Question(UUID(service), UUID(provider), span)
        readers = (read_on("another process", availability, positions, asked, stop) for _ in range(3))
        told: list[Any] = [each for reader in await asyncio.gather(*readers) for each in reader]
    await client.aclose()
    await engine.dispose()
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
