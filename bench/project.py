"""How fast do the readers catch up, what CPU does an event cost, and how much memory do they need?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count

import psycopg
import uvloop
from sqlalchemy import BigInteger, Column, Table, Text, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from bench.controls import stock
from bench.tools import freshness, history, mixed_history, processes
from bench.tools.cost import both, cost_of, rate_of
from bench.tools.figure import Figure, Measured, Side, Target, Turns
from bench.tools.place import Database, Place, caught_up
from bench.tools.rebuilt import EARLY, LATER, rebuilt
from infrastructure.database.roles import alchemy
from infrastructure.local.programs import wait_until
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.projector import Projector
from projections.engine.row_batch import RowBatch
from projections.engine.schema import metadata, uuid
from projections.rebuild.generations import create
from projections.registry import PROJECTIONS
from tests.support.sealed import CODEC

_ONE, _OURS, _STOCK = "one reader, a row an event", "all readers", "stock ProjectionRunner"
_MIX, _OURS_MIX, _STOCK_MIX = "daybook rebuild, full mix", "all readers, full mix", "stock ProjectionRunner, full mix"
_GOAL = 17_000  # events a second of a rebuild


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    tell("project: writing the logs")
    with place.database("bench_project") as plain, place.database("bench_project_mix") as mix:
        events = place.size(200_000, 4_000)
        shops = history.write(plain, events)
        mixed_history.write(mix, events)
        turns = Turns("project", _sides(place, plain, mix), place.rounds, tell).take()
        with place.projector(plain):
            assert wait_until(partial(caught_up, plain), 600)
            fresh = list(freshness.figures(place, plain, shops[0], tell))
    pairs = [(_ONE, _STOCK, 25), (_OURS, _STOCK, 20), (_OURS_MIX, _STOCK_MIX, 20)]
    catch_up = chain(*(both(turns, "event", *pair) for pair in pairs))
    return [*catch_up, *_of_rebuild(turns), *fresh]


def _of_rebuild(turns: Turns) -> Iterator[Figure]:
    """How fast `daybook rebuild` is on the full mix, and whether it keeps what it has read."""
    rate = turns.side(_MIX, rate_of("event"))
    yield Figure("project", rate_of("event"), rate, Side("goal", [_GOAL] * len(rate.values)), Target(1))
    early, later = (Side(unit.partition(", ")[2], turns.side(_MIX, unit).values) for unit in (EARLY, LATER))
    yield Figure("project", "MB resident, rebuild", later, early, Target(1.2, at_most=True))


def _sides(place: Place, plain: Database, mix: Database) -> Mapping[str, Callable[[], Measured]]:
    few, copies = place.size(3_000, 200), count(1)

    def copied(log: Database, measure: Callable[[Database], Measured]) -> Callable[[], Measured]:
        def measured() -> Measured:
            with place.database(f"bench_project_{next(copies)}", log) as copy:
                return measure(copy)

        return measured

    return {
        _ONE: copied(plain, partial(_caught_up, place, [SEEN])),
        _STOCK: copied(plain, partial(_stock, place, few)),
        _OURS: copied(plain, partial(_caught_up, place, PROJECTIONS)),
        _OURS_MIX: copied(mix, partial(_caught_up, place, PROJECTIONS)),
        _STOCK_MIX: copied(mix, partial(_stock, place, few)),
        _MIX: copied(mix, partial(_rebuilt, place)),
    }


_seen = Table("seen", metadata, uuid("id", primary_key=True), Column("version", BigInteger, primary_key=True))
_seen.append_column(Column("kind", Text, nullable=False))


def _see(recorded: RecordedEvent, rows: RowBatch) -> None:
    rows.put(_seen, id=recorded.stream, version=recorded.version, kind=type(recorded.event).__qualname__)


SEEN = Projection("seen", [_seen], _see, ())
"""Does what the control does."""


def _caught_up(place: Place, readers: Sequence[Projection], database: Database) -> Measured:
    """From nothing to the head, in this process."""
    events = _emptied(database, readers)
    began, before = time.perf_counter(), _cpu(place)
    uvloop.run(_catch_up(database, readers))
    seconds, spent = time.perf_counter() - began, _cpu(place) - before
    assert caught_up(database)
    return {rate_of("event"): events / seconds, cost_of("event"): 1e6 * spent / events}


async def _catch_up(database: Database, readers: Sequence[Projection]) -> None:
    engine = create_async_engine(database.url, pool_size=5)
    await Projector(engine, readers, CODEC).catch_up()
    await engine.dispose()


def _stock(place: Place, events: int, database: Database) -> Measured:
    before = _cpu(place)
    rate = stock.projected(database.owner, events)
    return {rate_of("event"): rate, cost_of("event"): 1e6 * (_cpu(place) - before) / events}


def _rebuilt(place: Place, database: Database) -> Measured:
    return rebuilt(place, database, _events(database))


def _events(database: Database) -> int:
    with psycopg.connect(database.owner) as connection:
        row = connection.execute("SELECT max(notification_id) FROM log.stored_events").fetchone()
    assert row is not None
    return int(row[0])


def _emptied(database: Database, readers: Sequence[Projection]) -> int:
    """A copy in which nothing is read yet; how many events it has."""
    with create_engine(alchemy(database.owner)).begin() as owner:
        owner.execute(text("DELETE FROM read.bookmark"))
        create(owner, 1, readers)
    return _events(database)


def _cpu(place: Place) -> float:
    """Of this process, without its children, and of PostgreSQL."""
    return time.process_time() + processes.cpu(place.postmaster)
