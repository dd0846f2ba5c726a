"""What do two API processes take beside one, and what does it cost that both book the same Days?"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from bench.tools.cost import cost_of, measured, rate_of
from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place, Server, caught_up
from bench.tools.town import MIX, Bookings, build_team
from infrastructure.local.programs import HOST, free_port, wait_until

PROVIDERS = 40
_ONE, _TWO, _SPLIT = "1 API process", "2 API processes, any provider", "2 API processes, each its own providers"
_NAMED, _UNNAMED = "provider named, 8 in flight", "no provider named, 8 in flight"
_TRIES = "attempts/booking"
_LOST = re.compile(r"^daybook_command_conflicts_total (\S+)", re.MULTILINE)
UNITS = (rate_of("booking"), cost_of("booking"), _TRIES)
TARGETS = {(_TWO, cost_of("booking")): Target(1.1, at_most=True), (_TWO, _TRIES): Target(1.01, at_most=True)}


@dataclass(frozen=True)
class Apis:
    """API processes on one database, each with the port of its metrics. `split`: a provider's bookings go to one."""

    place: Place
    database: Database
    servers: Sequence[tuple[Server, int]]
    bookings: Bookings
    count: int
    connections: int = 64
    split: bool = False

    def measure(self) -> Mapping[str, float]:
        """Rate, CPU of the APIs and PostgreSQL, and attempts: one more for each that another overtook."""
        requests = self.bookings.take(self.count, MIX)
        assert wait_until(partial(caught_up, self.database), 120)
        ports = [server.port for server, _ in self.servers]
        routes = [ports[_provider(each) % len(ports)] for each in requests] if self.split else None
        pids = (*(server.pid for server, _ in self.servers), self.place.postmaster)
        send = partial(load, ports, requests, connections=self.connections, expected=(201,), routes=routes)
        before = self._lost()
        found = measured("booking", pids, send)
        return {**found, _TRIES: 1 + (self._lost() - before) / len(requests)}

    def _lost(self) -> float:
        return sum(_lost_races(metrics) for _, metrics in self.servers)


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        database = stack.enter_context(place.database("bench_scale"))
        stack.enter_context(place.projector(database))
        metrics = [free_port(), free_port()]
        servers = place.together(stack, *(place.api_with({"METRICS_PORT": str(port)}, database) for port in metrics))
        sides = {name: each.measure for name, each in _sides(place, database, servers, metrics).items()}
        for warm_up in sides.values():
            warm_up()
        turns = Turns("scale", sides, place.rounds, tell).take()
    pairs = [(_TWO, _ONE), (_SPLIT, _ONE), (_UNNAMED, _NAMED)]
    return [turns.figure(ours, one, unit, TARGETS.get((ours, unit))) for ours, one in pairs for unit in UNITS]


def _sides(place: Place, database: Database, servers: Sequence[Server], metrics: Sequence[int]) -> Mapping[str, Apis]:
    count, few = place.size(4_000, 128), place.size(400, 32)
    named = _bookings(place, database, 3 * count + few)
    several = list(zip(servers, metrics, strict=True))
    one = Apis(place, database, several[:1], named, count)
    calm = replace(one, count=few, connections=8)
    return {
        _ONE: one,
        _TWO: replace(one, servers=several),
        _SPLIT: replace(one, servers=several, split=True),
        _NAMED: calm,
        _UNNAMED: replace(calm, bookings=_bookings(place, database, few, named=False)),
    }


def _bookings(place: Place, database: Database, a_round: int, *, named: bool = True) -> Bookings:
    """Of providers who offer the same service, who are booked to a half at most: whoever names none finds one."""
    team = build_team(database, place.size(PROVIDERS, 4))
    return Bookings(team, 1 + 2 * (place.rounds + 1) * a_round // (len(team) * 48), named=named)


def _provider(request: bytes) -> int:
    """A number of the provider that a request names."""
    return int(json.loads(request.partition(b"\r\n\r\n")[2])["provider_id"][-4:], 16)


def _lost_races(port: int) -> float:
    """Of a process since it started."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics") as answer:
        found = _LOST.search(answer.read().decode())
    assert found is not None
    return float(found[1])
