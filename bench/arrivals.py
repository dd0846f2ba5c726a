"""How long do bookings take that arrive at a fixed rate, while all that follows from them is done too?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from bench.tools.figure import Figure, Target, Turns
from bench.tools.paced import paced
from bench.tools.place import Place, at_rest
from bench.tools.town import MIX, Bookings, build_shops
from bench.tools.web import put, sample_booking
from infrastructure.local.programs import wait_until
from interfaces.worker.celery_app import TICK

PER_SECOND = 300
SHOPS = 40
_API, _BARE = "API, projector, worker and beat", "bare FastAPI"
_P50, _P99, _P999 = (f"ms, {each} at {PER_SECOND}/s" for each in ("p50", "p99", "p99.9"))


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    count = place.size(20 * PER_SECOND, 120)
    with ExitStack() as stack:
        enter = stack.enter_context
        database = enter(place.database("bench_arrivals"))
        shops = build_shops(database, place.size(SHOPS, 4))
        bookings = Bookings(shops, 1 + 2 * (place.rounds + 1) * count // (len(shops) * 48))
        for program in (place.projector, place.worker, place.beat):
            enter(program(database))
        api, bare = place.together(stack, place.api_with({}, database), place.app("bench.controls.bare:app", database))
        put(bare.port, "/answer", sample_booking(MIX))

        def times(port: int) -> Mapping[str, float]:
            requests = bookings.take(count, MIX)
            found = paced(port, requests, per_second=PER_SECOND, expected=(201,))
            time.sleep(2 * TICK)  # what follows from the bookings must not fall into the next turn
            assert wait_until(partial(at_rest, database), 300)
            return {_P50: found.p50, _P99: found.p99, _P999: found.p999}

        sides = {_API: partial(times, api.port), _BARE: partial(times, bare.port)}
        for warm_up in sides.values():
            warm_up()
        turns = Turns("arrivals", sides, place.rounds, tell).take()
    targets = {_P99: Target(3, at_most=True)}
    return [turns.figure(_API, _BARE, each, targets.get(each)) for each in (_P50, _P99, _P999)]
