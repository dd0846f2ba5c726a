"""The time of a search for the earliest free provider by tag and place, among thousands."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from uuid import UUID

import psycopg

from bench.tools import history
from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place, caught_up
from bench.tools.taking import a_day, an_appointment, dates, seat
from bench.tools.town import Shop, request
from bench.tools.web import get
from domain.kernel import new_id
from infrastructure.event_log.journal import LogEntry
from infrastructure.local.programs import wait_until
from tests.support.builders import OFFICE_HOURS

CONNECTIONS = 8
PLACES = 50
TAGS = ("hair", "beard", "nails", "massage", "yoga", "dentist", "law", "tax")
DAYS = 30
BUSY = 2  # bookings of a day at most
ITEMS = 20  # of a page: there are more with a tag in a place
CATCH_UP_WITHIN = 1_800  # seconds
UNIT = "ms, p95"
_FOUND, _ANYWHERE, _PLAIN = "tag + place + earliest", "earliest", "plain list"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    town, providers = random.Random(4711), place.size(5_000, 100)
    centers = [(town.uniform(-60, 70), town.uniform(-179, 179)) for _ in range(min(PLACES, -(-providers // 100)))]
    with ExitStack() as stack:
        database = stack.enter_context(place.database("bench_directory"))
        tell(f"directory: writing {providers:,} providers")
        history.append(database, providers, partial(_history, town, centers))
        tell("directory: reading them, and working out who is free first")
        stack.enter_context(place.projector(database))
        assert wait_until(partial(_worked_out, database, providers), CATCH_UP_WITHIN)
        port = stack.enter_context(place.api(database, redis=False))
        found = [_search(center, tag) for center, tag in product(centers, TAGS)]
        for path in found[:: max(1, len(found) // 10)]:
            _check(json.loads(get(port, path)))
        paths = {
            _FOUND: found,
            _ANYWHERE: [f"/v1/providers?sort=earliest&limit={ITEMS}"],
            _PLAIN: [f"/v1/providers?limit={ITEMS}"],
        }
        sides = {name: _timed(place, port, some) for name, some in paths.items()}
        for warm_up in sides.values():
            warm_up()
        turns = Turns("directory", sides, place.rounds, tell).take()
    return [
        turns.figure(_FOUND, _PLAIN, UNIT, Target(1.5, at_most=True)),
        turns.figure(_ANYWHERE, _PLAIN, UNIT),
    ]


def _timed(place: Place, port: int, paths: Sequence[str]) -> Callable[[], float]:
    requests = [request("GET", path) for path in paths]
    times = max(1, place.size(2_000, 32) // len(requests))
    return lambda: load(port, requests, connections=CONNECTIONS, times=times).p95


def _search(center: tuple[float, float], tag: str) -> str:
    near = f"{center[0]:.6f},{center[1]:.6f}"
    return f"/v1/providers?tag={tag}&near={near}&within=10&sort=earliest&limit={ITEMS}"


def _check(told: dict[str, list[dict[str, dict[str, str]]]]) -> None:
    """A figure for empty answers, or in another order, would say nothing."""
    starts = [each["earliest"]["start"] for each in told["items"]]
    assert starts, "no provider is found"
    assert starts == sorted(starts)


def _history(
    town: random.Random,
    centers: Sequence[tuple[float, float]],
    owners: Sequence[UUID],
    keys: Mapping[UUID, bytes],
    now: datetime,
) -> Iterator[LogEntry]:
    """Who opens where, then day by day who is booked."""
    shops: list[Shop] = []
    for n, owner in enumerate(owners):
        lat, lon = centers[n % len(centers)]
        where = {"lat": lat + town.uniform(-0.04, 0.04), "lon": lon + town.uniform(-0.04, 0.04)}
        tags = town.sample(TAGS, 2)
        opened = history.open_shop(owner, now, OFFICE_HOURS, name=f"Provider {n:05}", location=where, tags=tags)
        shops.append(Shop(opened[0].id, [opened[2].id]))
        yield history.entry(*opened, keys=keys)
    for date in dates(DAYS, (now + timedelta(days=1)).date()):
        for shop in shops:
            day = a_day(shop.provider_id, date, now)
            for number in town.sample(range(18, 34), town.randint(0, BUSY)):  # of the office hours
                appointment = an_appointment(new_id(), shop.provider_id, shop.services[0], date, number, now)
                seat(day, appointment, now)
                yield history.entry(appointment, day)


def _worked_out(database: Database, providers: int) -> bool:
    """Whether it is known who is free first, up to the end of the log."""
    query = b"""
        SELECT (SELECT count(*) FROM read.earliest),
               (SELECT position FROM read.earliest_mark)
                   = (SELECT max(notification_id) FROM log.stored_events)"""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row is not None and row[0] == providers and bool(row[1]) and caught_up(database)
