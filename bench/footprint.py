"""What does an API process need before anybody asks, and after many have?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle, islice

import psycopg

from bench.tools import processes
from bench.tools.figure import Figure, Side, Target, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place
from bench.tools.town import MIX, Bookings, build_shops, new_customer
from domain.kernel import new_id

_API, _BARE = "API", "bare FastAPI"
_START, _MEMORY = "s until it listens", "MB resident"
CUSTOMERS = 100_000
AT_ONCE = 10_000
"""Requests that are written before the clock of a part starts."""


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with place.database("bench_footprint") as database:
        sides = {
            _API: lambda: _started(place, database, _API),
            _BARE: lambda: _started(place, database, _BARE),
        }
        turns = Turns("footprint", sides, place.rounds, tell).take()
        figures = [turns.figure(_API, _BARE, unit) for unit in (_START, _MEMORY)]
        return [*figures, *_after_many(place, database, tell)]


def _started(place: Place, database: Database, name: str) -> Mapping[str, float]:
    server = place.api_with({}, database) if name == _API else place.app("bench.controls.bare:app", database)
    with server as started:
        return {_START: started.started, _MEMORY: processes.resident(started.pid)}


def _after_many(place: Place, database: Database, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Memory and connections of one process as bookings come, by more and more customers."""
    few, many = place.size(10_000, 200), place.size(1_000_000, 1_000)
    shops = build_shops(database, place.size(200, 4))
    bookings = Bookings(shops, 1 + many // (len(shops) * 48))
    with ExitStack() as stack:
        server = stack.enter_context(place.api_with({}, database))
        people = cycle([new_id() for _ in range(place.size(CUSTOMERS, 100))])
        tokens = map(new_customer, people)
        idle = _connections(database)
        found = dict[int, float]()
        for until in (few, many):
            tell(f"footprint: {until:,} bookings")
            _book(server.port, bookings, until - sum(found), tokens)
            found[until] = processes.resident(server.pid)
        busy = _connections(database)
    names = {each: f"after {each:,} bookings" for each in (few, many)}
    after, before = (Side(names[each], [found[each]]) for each in (many, few))
    yield Figure("footprint", _MEMORY, after, before, Target(1.3, at_most=True))
    yield Figure("footprint", "connections to PostgreSQL", Side("after load", [busy]), Side("idle", [idle]))


def _book(port: int, bookings: Bookings, count: int, tokens: Iterator[str]) -> None:
    for done in range(0, count, AT_ONCE):
        some = bookings.take(min(AT_ONCE, count - done), MIX, islice(tokens, AT_ONCE))
        load(port, some, expected=(201,))


def _connections(database: Database) -> float:
    query = b"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(database.owner) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return float(row[0])
