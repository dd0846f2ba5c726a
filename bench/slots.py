"""How many times a second is one provider's week of free times told, cached and not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import chain, count

from bench.tools.cost import both, measured
from bench.tools.figure import Figure, Measured, Turns
from bench.tools.load import load
from bench.tools.place import Place, caught_up
from bench.tools.town import Bookings, Shop, build_shops, first_monday, request, written
from bench.tools.web import get, put
from infrastructure.local.programs import wait_until
from tests.support.builders import OFFICE_HOURS

_CACHED, _FRESH = "API, cached", "API, no cache"
_RAW, _BARE = "raw ASGI, same bytes", "bare FastAPI, same bytes"
TARGETS = {(_CACHED, _RAW): 0.5, (_FRESH, _BARE): 0.4}


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        sides = _sides(place, stack)
        for warm_up in sides.values():
            warm_up()
        turns = Turns("slots", sides, place.rounds, tell).take()
    pairs = [(_CACHED, _RAW), (_CACHED, _BARE), (_FRESH, _RAW), (_FRESH, _BARE)]
    return list(chain(*(both(turns, "answer", *pair, TARGETS.get(pair)) for pair in pairs)))


def _sides(place: Place, stack: ExitStack) -> dict[str, Callable[[], Measured]]:
    database = stack.enter_context(place.database("bench_slots"))
    (shop,) = build_shops(database, 1, hours=OFFICE_HOURS)
    stack.enter_context(place.projector(database))
    cached, fresh, *controls = place.together(
        stack,
        place.api_with({}, database),
        place.api_with({}, database, redis=False),
        place.app("bench.controls.raw:app", database),
        place.app("bench.controls.bare:app", database),
    )
    load(cached.port, Bookings([shop], 7, hours=range(9, 17)).take(37), expected=(201,))  # a third of the week is taken
    assert wait_until(partial(caught_up, database), 60)
    asked, seconds = [request("GET", _path(shop))], count()
    for control in controls:
        put(control.port, "/answer", get(cached.port, _path(shop)))
    several = place.size(12_000, 128)
    same = {_CACHED: (cached, (cached.pid, place.postmaster, place.valkey))}
    same |= {name: (control, (control.pid,)) for name, control in zip((_RAW, _BARE), controls, strict=True)}
    found: dict[str, Callable[[], Measured]] = {
        name: partial(measured, "answer", pids, partial(load, server.port, asked, times=several))
        for name, (server, pids) in same.items()
    }

    def uncached() -> Measured:
        requests = distinct(shop, place.size(2_000, 64), seconds)
        return measured("answer", (fresh.pid, place.postmaster), partial(load, fresh.port, requests))

    return {**found, _FRESH: uncached}


def _path(shop: Shop, later: int = 0) -> str:
    """A week from a Monday on, or from some seconds after its midnight."""
    since = first_monday()
    span = f"from={written(since + timedelta(seconds=later))}&to={written(since + timedelta(days=7))}"
    return f"/v1/availability?service_id={shop.services[0]}&provider_id={shop.provider_id}&{span}"


def distinct(shop: Shop, number: int, seconds: Iterator[int]) -> list[bytes]:
    """Queries that no client has sent before."""
    return [request("GET", _path(shop, next(seconds))) for _ in range(number)]
