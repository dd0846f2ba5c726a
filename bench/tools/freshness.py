"""How soon is what was booked readable?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from statistics import median, quantiles
from time import perf_counter

import psycopg
import uvloop
from sqlalchemy.ext.asyncio import create_async_engine

from bench.tools.figure import Figure, Side, Turns
from bench.tools.place import Database, Place
from bench.tools.taking import SEATS, Take, a_day, a_take, dates, take
from bench.tools.town import Shop, opened
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import LogEntry
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots

PER_SECOND = 100  # bookings of the steady load
_READABLE, _NOTIFIED = "commit to readable", "insert, NOTIFY, look"


def figures(place: Place, database: Database, shop: Shop, tell: Callable[[str], None]) -> Iterator[Figure]:
    """p50 and p99, milliseconds, under a steady load."""
    number, days = place.size(10 * PER_SECOND, 20), iter(dates(10_000))
    waits: dict[str, list[list[float]]] = {_READABLE: [], _NOTIFIED: []}

    def readable() -> float:
        takes = _takes(shop, number, days)
        waits[_READABLE].append(uvloop.run(_readable(database, takes)))
        return median(waits[_READABLE][-1])

    def notified() -> float:
        waits[_NOTIFIED].append(uvloop.run(_notified(database, number)))
        return median(waits[_NOTIFIED][-1])

    sides = {_READABLE: readable, _NOTIFIED: notified}
    yield Turns("project", sides, place.rounds, tell).take().figure(_READABLE, _NOTIFIED, "ms, p50")
    ours, control = (Side(name, [*map(_p99, waits[name])]) for name in sides)
    yield Figure("project", "ms, p99", ours, control)


def _p99(waits: Sequence[float]) -> float:
    return quantiles(waits, n=100, method="inclusive")[98]


def _takes(shop: Shop, number: int, days: Iterator[date]) -> Sequence[Take]:
    """So many bookings, on the next of the days."""
    some = [next(days) for _ in range(-(-number // SEATS))]
    return [a_take(shop.provider_id, shop.services[0], some[n // SEATS], n % SEATS) for n in range(number)]


async def _readable(database: Database, takes: Sequence[Take]) -> list[float]:
    """From the answer of each command until a look at the agenda shows it."""
    engine = create_async_engine(database.url, pool_size=20)
    async with opened(database) as store, Positions(engine) as positions:
        await _open_days(store, takes)
        reads = Snapshots(engine, positions)

        async def one(cmd: Take) -> float:
            position = (await take(cmd, store)).position
            began = perf_counter()
            async with reads.open("agenda", position, 30.0):
                return 1000 * (perf_counter() - began)

        found = await _steadily(partial(one, each) for each in takes)
    await engine.dispose()
    return found


async def _open_days(store: EventStore, takes: Sequence[Take]) -> None:
    for on in {each.day for each in takes}:
        day = a_day(takes[0].provider_id, on, store.now())
        rows = [encode(event, "{}") for event in day.pending_events]
        await store.journal.append(LogEntry(day.id.bytes * 2, b"", (day.id, 1), {}, rows))


async def _notified(database: Database, number: int) -> list[float]:
    """An insert with NOTIFY, and a query by the listener: the time of PostgreSQL alone."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(database.owner, autocommit=True) as listening,
        await connect(database.owner, autocommit=True) as writing,
    ):
        await writing.execute("CREATE TABLE IF NOT EXISTS public.told (n int PRIMARY KEY)")
        await writing.execute("TRUNCATE public.told")
        await listening.execute("LISTEN told")
        heard: asyncio.Queue[str] = asyncio.Queue()
        hearing = asyncio.create_task(_hear(listening, heard))
        found = [await _told(writing, heard, n) for n in range(number)]
        hearing.cancel()
        return found


async def _hear(listening: psycopg.AsyncConnection, heard: asyncio.Queue[str]) -> None:
    async for notice in listening.notifies():
        heard.put_nowait(notice.payload)


async def _told(writing: psycopg.AsyncConnection, heard: asyncio.Queue[str], number: int) -> float:
    async with writing.transaction():
        await writing.execute("INSERT INTO public.told VALUES (%s)", [number])
        await writing.execute("SELECT pg_notify('told', %s)", [str(number)])
    began = perf_counter()
    while await heard.get() != str(number):
        pass
    await writing.execute("SELECT * FROM public.told WHERE n = %s", [number])
    return 1000 * (perf_counter() - began)


async def _steadily(calls: Iterable[Callable[[], Coroutine[None, None, float]]]) -> list[float]:
    """Start one call every so often, whether the last has ended or not; all answers."""
    clock, started = asyncio.get_running_loop().time, list[asyncio.Task[float]]()
    began = clock()
    for n, call in enumerate(calls):
        await asyncio.sleep(began + n / PER_SECOND - clock())
        started.append(asyncio.create_task(call()))
    return list(await asyncio.gather(*started))
