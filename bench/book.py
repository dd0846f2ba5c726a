"""How many bookings a second does one API process take over HTTP, from 64 connections, and what CPU does one cost?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any

from bench.controls.crud import table as crud
from bench.tools.cost import both, measured
from bench.tools.figure import Figure, Turns
from bench.tools.load import Outcome, load
from bench.tools.place import APPLICATION, Database, Place, Server, caught_up
from bench.tools.town import MIX, Bookings, build_shops, new_customer, new_tokens
from bench.tools.web import put, sample_booking
from infrastructure.local.programs import wait_until

CONNECTIONS = 64
SHOPS = 40
_NOTE, _PLAIN = "with a note", "without a note"
_API, _FOLLOWED = "API", "API, projector running"
_RAW, _BARE = "raw ASGI", "bare FastAPI"
_CRUD, _ALCHEMY, _PSYCOPG = "plain CRUD", "tuned CRUD, SQLAlchemy", "tuned CRUD, psycopg"
_FIRST = ("API, a new token each", "API, a new customer each", "API, a new Day each")
TARGETS = {(_NOTE, _RAW): 0.16, (_PLAIN, _RAW): 0.18, (_PLAIN, _BARE): 0.55, (_PLAIN, _PSYCOPG): 2.0}
NOTES: Mapping[str, Mapping[str, Any]] = {_NOTE: MIX, _PLAIN: {}}


@dataclass(frozen=True)
class BookingSide:
    """One server, and what it is sent. `pids`: whose CPU counts; `answer`: of a control that has no work behind it."""

    server: Server
    bookings: Bookings
    pids: tuple[int, ...]
    count: int
    path: bytes = b"/v1/appointments"
    said: Mapping[str, Any] = field(default_factory=lambda: MIX)
    by: Callable[[], Iterator[str] | None] = lambda: None
    answer: bytes | None = None
    settle: Callable[[], None] = lambda: None

    def measure(self) -> Mapping[str, float]:
        """The requests are written before the clock starts."""
        taken = self.bookings.take(self.count, self.said, self.by())
        requests = [each.replace(b"/v1/appointments", self.path, 1) for each in taken]
        if self.answer is not None:
            put(self.server.port, "/answer", self.answer)
        return measured("booking", self.pids, partial(self._sent, requests))

    def _sent(self, requests: Sequence[bytes]) -> Outcome:
        outcome = load(self.server.port, requests, connections=CONNECTIONS, expected=(201,))
        self.settle()
        return outcome


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        sides = {**_ours(place, stack), **_controls(place, stack)}
        for warm_up in sides.values():
            warm_up.measure()
        turns = Turns("book", {name: each.measure for name, each in sides.items()}, place.rounds, tell).take()
    pairs = [(_NOTE, each) for each in (_RAW, _BARE, _CRUD, _ALCHEMY, _PSYCOPG)]
    pairs += [(_PLAIN, each) for each in (_RAW, _BARE, _PSYCOPG)]
    figure, api = partial(both, turns, "booking"), _of(_API, _NOTE)
    return [
        *chain(*(figure(_of(_API, note), _of(each, note), TARGETS.get((note, each))) for note, each in pairs)),
        *figure(api, _of(_API, _PLAIN), 0.8),
        *chain(*(figure(each, api) for each in (_of(_FOLLOWED, _NOTE), *_FIRST))),
    ]


def _of(name: str, note: str) -> str:
    return f"{name}, {note}"


def _ours(place: Place, stack: ExitStack) -> Mapping[str, BookingSide]:
    enter, count = stack.enter_context, place.size(4_000, 128)
    alone, followed = (enter(place.database(f"bench_book_{name}")) for name in ("alone", "followed"))
    slots, read = _bookings(place, alone, 4 * count), _bookings(place, followed, count)
    projector = enter(place.projector(followed))
    api, api_read = place.together(stack, place.api_with({}, alone), place.api_with({}, followed))
    ours = partial(BookingSide, api, slots, (api.pid, place.postmaster), count)
    token, customer, day = _FIRST
    return {
        _of(_API, _NOTE): ours(),
        _of(_API, _PLAIN): ours(said={}),
        _of(_FOLLOWED, _NOTE): BookingSide(
            api_read, read, (api_read.pid, projector, place.postmaster), count, settle=partial(_settle, followed)
        ),
        token: ours(by=new_tokens),
        customer: ours(by=lambda: iter(new_customer, "")),
        day: BookingSide(api, _days(place, alone, count // 4), (api.pid, place.postmaster), count // 4),
    }


def _controls(place: Place, stack: ExitStack) -> Mapping[str, BookingSide]:
    count, names = place.size(4_000, 128), ("raw:app", "bare:app", "crud.app:app", "crud.tuned:app")
    database = stack.enter_context(place.database("bench_book_controls"))
    bookings = _bookings(place, database, 8 * count)
    crud.build(database.owner, {shop.services[0]: 30 for shop in bookings.shops}, APPLICATION)
    raw, bare, plain, tuned = place.together(stack, *(place.app(f"bench.controls.{name}", database) for name in names))
    side, working = partial(BookingSide, bookings=bookings, count=count), (place.postmaster,)
    found = {}
    for note, said in NOTES.items():
        answer = sample_booking(said)
        found[_of(_RAW, note)] = side(raw, pids=(raw.pid,), said=said, answer=answer)
        found[_of(_BARE, note)] = side(bare, pids=(bare.pid,), said=said, answer=answer)
        path = b"/psycopg/v1/appointments"
        found[_of(_PSYCOPG, note)] = side(tuned, pids=(tuned.pid, *working), said=said, path=path)
    found[_of(_CRUD, _NOTE)] = side(plain, pids=(plain.pid, *working))
    found[_of(_ALCHEMY, _NOTE)] = side(tuned, pids=(tuned.pid, *working), path=b"/alchemy/v1/appointments")
    return found


def _bookings(place: Place, database: Database, a_round: int) -> Bookings:
    """Slots for all rounds and the warm-up, over several shops, so that Days are met again and again."""
    shops = build_shops(database, place.size(SHOPS, 4))
    return Bookings(shops, 1 + (place.rounds + 1) * a_round // (len(shops) * 48))


def _days(place: Place, database: Database, a_round: int) -> Bookings:
    """A start on each Day."""
    shops = build_shops(database, place.size(SHOPS, 4))
    return Bookings(shops, 1 + (place.rounds + 1) * a_round // len(shops), every=timedelta(days=1))


def _settle(database: Database) -> None:
    assert wait_until(partial(caught_up, database), 60)
