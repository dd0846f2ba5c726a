"""How many times a second is one provider's week of free times told, cached and not?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import count

from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import Place, caught_up
from bench.tools.town import Bookings, Shop, build_shops, first_monday, request, written
from bench.tools.web import get, put
from infrastructure.local.programs import wait_until
from tests.support.builders import OFFICE_HOURS

UNIT = "answers/s"
_CACHED, _FRESH, _BARE = "API, cached", "API, no cache", "bare route, same bytes"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        enter = stack.enter_context
        database = enter(place.database("bench_slots"))
        (shop,) = build_shops(database, 1, hours=OFFICE_HOURS)
        enter(place.projector(database))
        cached, fresh, bare = place.together(
            stack,
            place.api(database),
            place.api(database, redis=False),
            place.app("bench.controls.bare:app", database),
        )
        load(cached, Bookings([shop], 7, hours=range(9, 17)).take(37), expected=(201,))  # a third of the week is taken
        assert wait_until(partial(caught_up, database), 60)
        put(bare, "/answer", get(cached, _path(shop)))
        asked = [request("GET", _path(shop))]
        seconds: Iterator[int] = count()
        sides: dict[str, Callable[[], float]] = {
            _CACHED: lambda: load(cached, asked, times=place.size(12_000, 128)).rate,
            _BARE: lambda: load(bare, asked, times=place.size(12_000, 128)).rate,
            _FRESH: lambda: load(fresh, distinct(shop, place.size(2_000, 64), seconds)).rate,
        }
        for warm_up in sides.values():
            warm_up()
        turns = Turns("slots", sides, place.rounds, tell).take()
    return [
        turns.figure(_CACHED, _BARE, UNIT, Target(0.8)),
        turns.figure(_FRESH, _BARE, UNIT, Target(0.25)),
    ]


def _path(shop: Shop, later: int = 0) -> str:
    """A week from a Monday on, or from some seconds after its midnight."""
    since = first_monday()
    span = f"from={written(since + timedelta(seconds=later))}&to={written(since + timedelta(days=7))}"
    return f"/v1/availability?service_id={shop.services[0]}&provider_id={shop.provider_id}&{span}"


def distinct(shop: Shop, number: int, seconds: Iterator[int]) -> list[bytes]:
    """Queries that no client has sent before."""
    return [request("GET", _path(shop, next(seconds))) for _ in range(number)]
