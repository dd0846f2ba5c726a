"""How long nothing new can be read while the read models are rebuilt, with an analyst's long question and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from socket import create_connection, socket
from time import perf_counter, sleep

import psycopg

from bench.tools import history
from bench.tools.analyst import Analyst
from bench.tools.figure import ROUNDS, Figure, Target, Turns
from bench.tools.place import Database, Place, caught_up
from bench.tools.town import LENGTH, Bookings
from infrastructure.local.programs import HOST, wait_until

EVENTS = 20_000
LONG = 60  # seconds of the analyst's question
BOOKINGS = 20_000  # at most, of a rebuild
CATCH_UP_WITHIN = 600  # seconds
_GLANCE = 0.002  # seconds
_READ = b"""
    SELECT min(b.position) >= %s FROM read.live JOIN read.bookmark b USING (generation)"""
_HEAD = b"SELECT max(notification_id) FROM log.stored_events"
_ASKED, _ALONE = "longest standstill of a rebuild, while a question runs", "longest standstill, nobody asks"


class Failed(Exception):
    """The rebuild ended with an error."""


def measured(place: Place, tell: Callable[[str], None]) -> Iterator[Figure]:
    """See the README."""
    with ExitStack() as stack:
        database = stack.enter_context(place.database("bench_standstill"))
        tell("analytics: writing and reading the log that is rebuilt")
        shops = history.write(database, place.size(EVENTS, 2_000))
        stack.enter_context(place.projector(database))
        port = stack.enter_context(place.api(database))
        assert wait_until(partial(caught_up, database), CATCH_UP_WITHIN)
        analyst = Analyst(database)
        days = 1 + (2 * ROUNDS + 1) * BOOKINGS // (len(shops) * 24 * 60 // LENGTH)
        bookings = Bookings(shops, days)

        def standstill(beside: Callable[[], AbstractContextManager[None]]) -> float:
            with beside():
                return _standstill(place, database, port, bookings)

        sides = {
            _ASKED: partial(standstill, partial(analyst.holding, place.size(LONG, 3))),
            _ALONE: partial(standstill, nullcontext),
        }
        turns = Turns("analytics", sides, place.rounds, tell).take()
    yield turns.figure(_ASKED, _ALONE, "s", Target(1.2, at_most=True))


def _standstill(place: Place, database: Database, port: int, bookings: Bookings) -> float:
    """Seconds, during a rebuild, that the slowest booking took until all read models in use had it."""
    longest = 0.0
    with (
        place.rebuild(database) as rebuild,
        psycopg.connect(database.owner, autocommit=True) as connection,
        create_connection((HOST, port)) as api,
    ):
        while rebuild.poll() is None:
            began = perf_counter()
            _book(api, *bookings.take(1))
            _wait_until_read(connection)
            longest = max(longest, perf_counter() - began)
    if rebuild.returncode:
        raise Failed(f"status {rebuild.returncode}")
    return longest


def _book(api: socket, request: bytes) -> None:
    api.sendall(request)
    said = b""
    while not said.endswith(b"}"):  # of one body; nothing follows it
        said += api.recv(65_536)
    if not said.startswith(b"HTTP/1.1 201"):
        raise Failed(said.decode())


def _wait_until_read(connection: psycopg.Connection) -> None:
    head = connection.execute(_HEAD).fetchone()
    while not (read := connection.execute(_READ, head).fetchone()) or not read[0]:
        sleep(_GLANCE)
