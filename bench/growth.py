"""Does it stay as fast when things have grown? The same requests on a short log and on a long one, and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

from bench.slots import distinct
from bench.tools import grown, history
from bench.tools.figure import Figure, Side, Target, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place, caught_up
from bench.tools.town import MIX, Bookings, Shop, booking, customers, first_monday
from infrastructure.local.programs import wait_until

CONNECTIONS = 8
CATCH_UP_WITHIN = 3_600  # seconds
_NEW = "a provider who has just opened"
_AT_MOST = Target(1.2, at_most=True)


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    return [*_of_providers(place, tell), *_of_the_log(place, tell)]


@dataclass(frozen=True)
class Grown:
    """A provider to book. `session`: always the same start, which takes many."""

    name: str
    growth: grown.Growth
    session: bool = False

    def first(self, port: int, shop: Shop) -> float:
        """Milliseconds of the first booking that a process takes: it reads all events of the schedule."""
        far = Bookings([shop], 400, hours=range(1), every=timedelta(days=1))
        return load(port, far.take(1), connections=1, expected=(201,)).p50

    def booked(self, place: Place, port: int, shop: Shop) -> Callable[[], float]:
        """p50, milliseconds, of bookings one after the other."""
        number, people = place.size(200, 16), customers()
        free = Bookings([shop], 1 + (place.rounds + 1) * number // 46, hours=range(1, 24))

        def measure() -> float:
            of, start = (shop.provider_id, shop.services[1]), first_monday()
            same = [booking(next(people), *of, start, MIX) for _ in range(number)] if self.session else []
            return load(port, same or free.take(number, MIX), connections=1, expected=(201,)).p50

        return measure


def _of_providers(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """Somebody who has grown for years, or in a town that has, beside somebody who has just opened."""
    edits, years, seats, town = (place.size(*each) for each in ((5_000, 100), (14, 1), (2_000, 50), (10_000, 100)))
    things = [
        Grown(f"{edits:,} changes of hours", grown.edited(edits)),
        Grown(f"{years} years with daily time off", grown.rested(years * 365)),
        Grown(f"a session with {seats:,} seats", grown.crowded(seats), session=True),
        Grown(_NEW, grown.nothing),
        Grown(f"one of {town:,} providers", grown.nothing),
    ]
    tell("growth: writing providers who have grown")
    with ExitStack() as stack:
        few, many = (stack.enter_context(place.database(f"bench_growth_{each}")) for each in ("few", "many"))
        shops = [*grown.open_shops(few, [each.growth for each in things[:-1]])]
        shops.append(grown.open_shops(many, [grown.nothing] * town)[town // 2])
        small, large = place.together(stack, place.api(few), place.api(many))
        ports = [*[small] * (len(things) - 1), large]
        found = list(zip(things, ports, shops, strict=True))
        found[0][0].first(small, grown.open_shops(few, [grown.nothing])[0])  # everything is loaded but the schedules
        first = {each.name: each.first(port, shop) for each, port, shop in found}
        sides = {each.name: each.booked(place, port, shop) for each, port, shop in found}
        for warm_up in sides.values():
            warm_up()
        turns = Turns("growth", sides, place.rounds, tell).take()
    booked = [turns.figure(each.name, _NEW, "ms, booking p50", _AT_MOST) for each in things if each.name != _NEW]
    began = Side(_NEW, [first[_NEW]])
    slow = [Side(each.name, [first[each.name]]) for each in things[:2]]
    return booked + [Figure("growth", "ms, first booking", each, began) for each in slow]


def _of_the_log(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """Everybody in a town with a long log, beside one with a short log."""
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
