"""How many bookings a second does the log take? Through the event store, without HTTP."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import uvloop

from bench.controls import pgbench, stock
from bench.tools.figure import Figure, Target, Turns
from bench.tools.place import Database, Place
from bench.tools.taking import SEATS, Take, a_day, a_take, dates, take
from bench.tools.town import Shop, build_shops, opened
from infrastructure.event_log.event_codec import encode
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import Appended, LogEntry

UNIT = "bookings/s"
IN_FLIGHT = {1: 1_000, 16: 8_000, 64: 16_000, 256: 16_000}
"""In flight -> bookings of a round."""
_STOCK, _PGBENCH = "Application.save, 16 threads", "pgbench, 16 clients"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with place.database("bench_append") as database, tempfile.TemporaryDirectory() as folder:
        shops = iter(build_shops(database, 1 + len(IN_FLIGHT) * place.rounds))
        sides: dict[str, Callable[[], float]] = {
            _named(flying): partial(_rate, database, shops, flying, place.size(count, 4 * flying))
            for flying, count in IN_FLIGHT.items()
        }
        _rate(database, shops, 16, 64)  # everything is loaded, and pgbench has a row to copy
        sides[_STOCK] = partial(stock.saves, database.owner, place.size(3_200, 64))
        if program := pgbench.find_pgbench():
            script = pgbench.write_script(database, Path(folder))
            sides[_PGBENCH] = partial(pgbench.appends, program, database, script, place.size(8_000, 160))
        turns = Turns("append", sides, place.rounds, tell).take()
    targets = {16: Target(8), 64: Target(11)}
    figures = [turns.figure(_named(flying), _STOCK, UNIT, targets.get(flying)) for flying in IN_FLIGHT]
    if program:
        figures.append(turns.figure(_named(16), _PGBENCH, UNIT, Target(1.5)))
    return figures


def _named(flying: int) -> str:
    return f"log.record, {flying} in flight"


def _rate(database: Database, shops: Iterator[Shop], flying: int, count: int) -> float:
    """Bookings per second, closed loop: so many at a time, each with Days of its own."""
    return uvloop.run(_measured(database, next(shops), flying, count))


async def _measured(database: Database, shop: Shop, flying: int, count: int) -> float:
    async with opened(database) as store:
        commands = await _prepared(store, shop, flying, count // flying)
        began = perf_counter()
        await asyncio.gather(*(_one_by_one(store, own) for own in commands))
        return count // flying * flying / (perf_counter() - began)


async def _one_by_one(store: EventStore, commands: Sequence[Take]) -> None:
    for each in commands:
        await take(each, store)


async def _prepared(store: EventStore, shop: Shop, flying: int, each: int) -> Sequence[Sequence[Take]]:
    """The commands of each client; their Days are there, and all that they look at is in the cache."""
    per_client = -(-each // SEATS)
    days = dates(flying * per_client)
    await _open_days(store, shop, days)
    warm = [[a_take(shop.provider_id, shop.services[0], day, SEATS)] for day in days]
    await asyncio.gather(*(_one_by_one(store, one) for one in warm))
    return [
        [
            a_take(shop.provider_id, shop.services[0], days[client * per_client + n // SEATS], n % SEATS)
            for n in range(each)
        ]
        for client in range(flying)
    ]


async def _open_days(store: EventStore, shop: Shop, days: Sequence[object]) -> None:
    opened_days = [a_day(shop.provider_id, day, store.now()) for day in days]  # type: ignore[arg-type]
    for n in range(0, len(opened_days), 500):
        some = opened_days[n : n + 500]
        rows = [encode(event, "{}") for day in some for event in day.pending_events]
        entry = LogEntry(some[0].id.bytes * 2, b"", (some[0].id, 1), {}, rows)
        assert isinstance(await store.journal.append(entry), Appended)
