"""How many moves and cancellations a second does one API process take over HTTP, and what CPU does one cost?"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from bench.controls.crud import table as crud
from bench.tools.cost import both, measured
from bench.tools.figure import Figure, Turns
from bench.tools.load import load
from bench.tools.place import APPLICATION, Place, Server
from bench.tools.town import MIX, Bookings, build_team, request
from domain.kernel import new_id

CONNECTIONS = 64
SHOPS = 40
_API, _PSYCOPG = "API", "tuned CRUD, psycopg"


@dataclass
class Changes:
    """The appointments of one server: booked, moved to another free start, then cancelled."""

    server: Server
    bookings: Bookings
    pids: Sequence[int]
    path: str = "/v1/appointments"
    _booked: deque[tuple[str, str]] = field(default_factory=deque)

    def book(self, count: int) -> None:
        """Outside the clock: ids, each with the token of its customer, are what the changes need."""
        wishes = self.bookings.take(count, MIX)
        requests = [each.replace(b"/v1/appointments", self.path.encode(), 1) for each in wishes]
        outcome = load(self.server.port, requests, connections=CONNECTIONS, expected=(201,), keep=True)
        tokens = [each.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode() for each in wishes]
        bodies = [each.partition("\r\n\r\n")[2] for each in outcome.answers]
        self._booked.extend((json.loads(body)["id"], token) for body, token in zip(bodies, tokens, strict=True))

    def move(self, count: int) -> Mapping[str, float]:
        wanted = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in self.bookings.take(count)]
        said = [{"start": each["start"], "provider_id": each["provider_id"]} for each in wanted]
        return self._change("move", "reschedule", said)

    def cancel(self, count: int) -> Mapping[str, float]:
        return self._change("cancellation", "cancel", [{"reason": "I have caught a cold."}] * count)

    def _change(self, thing: str, verb: str, said: Sequence[Mapping[str, str]]) -> Mapping[str, float]:
        requests = []
        for body in said:
            id, token = self._booked[0]
            self._booked.rotate(-1)
            more = f"idempotency-key: {new_id()}\r\nif-match: *\r\n"
            requests.append(request("POST", f"{self.path}/{id}/{verb}", json.dumps(body).encode(), token, more))
        return measured(thing, tuple(self.pids), partial(load, self.server.port, requests, connections=CONNECTIONS))

    def turn(self, count: int) -> Mapping[str, float]:
        """So many moves, and cancellations of the same appointments."""
        self._booked.clear()
        self.book(count)
        return {**self.move(count), **self.cancel(count)}


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    count = place.size(3_000, 128)
    with ExitStack() as stack:
        ours, plain = (stack.enter_context(place.database(f"bench_change_{name}")) for name in ("api", "crud"))
        teams = {each: build_team(each, place.size(SHOPS, 4)) for each in (ours, plain)}
        days = 1 + 2 * (place.rounds + 1) * count // (place.size(SHOPS, 4) * 48)
        crud.build(plain.owner, {shop.services[0]: 30 for shop in teams[plain]}, APPLICATION)
        api, tuned = place.together(stack, place.api_with({}, ours), place.app("bench.controls.crud.tuned:app", plain))
        sides = {
            _API: Changes(api, Bookings(teams[ours], days), (api.pid, place.postmaster)),
            _PSYCOPG: Changes(
                tuned, Bookings(teams[plain], days), (tuned.pid, place.postmaster), "/psycopg/v1/appointments"
            ),
        }
        for warm_up in sides.values():
            warm_up.turn(count)
        turns = Turns("change", {name: partial(each.turn, count) for name, each in sides.items()}, place.rounds, tell)
        turns.take()
    return list(chain(*(both(turns, thing, _API, _PSYCOPG) for thing in ("move", "cancellation"))))
