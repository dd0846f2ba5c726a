"""Does it stay as fast when the log has grown? The same requests on a short log and on a long one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count

from bench.slots import distinct
from bench.tools import history
from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place, caught_up
from bench.tools.town import Bookings, Shop
from infrastructure.local.programs import wait_until

CONNECTIONS = 8
CATCH_UP_WITHIN = 3_600  # seconds
_AT_MOST = Target(1.2, at_most=True)


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    sizes = {"short": place.size(10_000, 2_000), "long": place.size(2_000_000, 20_000)}
    bookings: dict[str, Callable[[], float]] = {}
    starts: dict[str, Callable[[], float]] = {}
    names = {each: f"{events:,} events" for each, events in sizes.items()}
    with ExitStack() as stack:
        for each, events in sizes.items():
            tell(f"growth: writing {names[each]}")
            database = stack.enter_context(place.database(f"bench_growth_{each}"))
            shops = history.write(database, events)
            tell(f"growth: reading {names[each]}")
            stack.enter_context(_followed(place, database))
            port, uncached = place.together(stack, place.api(database), place.api(database, redis=False))
            bookings[names[each]] = _booking(place, port, shops[: place.size(3, 1)])
            starts[names[each]] = _starts(place, uncached, shops[0])
        for warm_up in (*bookings.values(), *starts.values()):
            warm_up()
        booked = Turns("growth", bookings, place.rounds, tell).take()
        told = Turns("growth", starts, place.rounds, tell).take()
    long, short = names["long"], names["short"]
    return [
        booked.figure(long, short, "ms, booking p50", _AT_MOST),
        told.figure(long, short, "ms, slots p50", _AT_MOST),
    ]


def _followed(place: Place, database: Database) -> ExitStack:
    """A projector that has read the whole log."""
    with ExitStack() as stack:
        stack.enter_context(place.projector(database))
        assert wait_until(partial(caught_up, database), CATCH_UP_WITHIN)
        return stack.pop_all()


def _booking(place: Place, port: int, shops: Sequence[Shop]) -> Callable[[], float]:
    number = place.size(1_500, 32)
    bookings = Bookings(shops, 1 + (place.rounds + 1) * number // (48 * len(shops)))
    return lambda: load(port, bookings.take(number), connections=CONNECTIONS, expected=(201,)).p50


def _starts(place: Place, port: int, shop: Shop) -> Callable[[], float]:
    number, seconds = place.size(1_000, 32), count()
    return lambda: load(port, distinct(shop, number, seconds), connections=CONNECTIONS).p50
