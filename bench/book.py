"""How many bookings a second does one API process take over HTTP, from 64 connections?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from bench.controls.crud import table as crud
from bench.tools.figure import ROUNDS, Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import APPLICATION, Database, Place, caught_up
from bench.tools.town import Bookings, build_shops
from bench.tools.web import put, sample_booking
from infrastructure.local.programs import wait_until

UNIT = "bookings/s"
CONNECTIONS = 64
SHOPS = 40
_OFF, _ON = "API, no projector", "API, projector running"
_BARE, _LEAN, _CRUD = "bare FastAPI route", "bare, hand-read body", "FastAPI + SQLAlchemy insert"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    count = place.size(6_000, 128)
    with ExitStack() as stack:
        enter = stack.enter_context
        alone, followed, plain = (enter(place.database(f"bench_book_{name}")) for name in ("alone", "followed", "crud"))
        bookings = {each: _bookings(each, count, place.size(SHOPS, 4)) for each in (alone, followed)}
        shops = build_shops(plain, 2)  # they only lend their ids
        crud.build(plain.owner, {each.services[0]: 30 for each in shops}, APPLICATION)
        bookings[plain] = Bookings(shops, 1 + _needed(count) // (2 * 48))
        enter(place.projector(followed))
        api, followed_api, bare, crud_app = place.together(
            stack,
            place.api(alone),
            place.api(followed),
            place.app("bench.controls.bare:app", plain),
            place.app("bench.controls.crud.app:app", plain),
        )
        put(bare, "/answer", sample_booking())
        sides = {
            _OFF: _side(api, bookings[alone], count),
            _BARE: _side(bare, bookings[plain], count),
            _CRUD: _side(crud_app, bookings[plain], count),
            _ON: _side(followed_api, bookings[followed], count, partial(_settled, followed)),
            _LEAN: _side(bare, bookings[plain], count, path=b"/lean/v1/appointments"),
        }
        for warm_up in sides.values():
            warm_up()
        turns = Turns("book", sides, place.rounds, tell).take()
    figure = partial(turns.figure, unit=UNIT)
    return [
        figure(_OFF, _BARE, target=Target(0.6)),
        figure(_OFF, _CRUD, target=Target(2.5)),
        figure(_ON, _BARE),
        figure(_ON, _CRUD),
        figure(_OFF, _LEAN),
    ]


def _needed(count: int) -> int:
    """Slots for all rounds and the warm-up, of up to three sides."""
    return 3 * (ROUNDS + 1) * count


def _bookings(database: Database, count: int, number: int) -> Bookings:
    """Over several shops, so that Days are met again and again, as on a busy afternoon."""
    shops = build_shops(database, number)
    return Bookings(shops, 1 + _needed(count) // 3 // (number * 48))


def _settled(database: Database) -> None:
    assert wait_until(partial(caught_up, database), 60)


def _side(
    port: int,
    bookings: Bookings,
    count: int,
    settle: Callable[[], None] = lambda: None,
    path: bytes = b"/v1/appointments",
) -> Callable[[], float]:
    """Bookings per second of one server; the requests are written before the clock starts."""

    def measure() -> float:
        requests = [each.replace(b"/v1/appointments", path, 1) for each in bookings.take(count)]
        settle()
        return load(port, requests, connections=CONNECTIONS, expected=(201,)).rate

    return measure
