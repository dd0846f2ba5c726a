"""How much processor time does a booking take with and without metrics, and while Sentry's server is away?"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory

from bench.book import CONNECTIONS
from bench.tools import processes
from bench.tools.figure import Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import Place
from bench.tools.town import Bookings, build_shops
from infrastructure.local.programs import HOST, free_port
from infrastructure.observability.metric_folder import FOLDER

UNIT = "us of CPU/booking"
ROUNDS = 6
"""At least: twice as many as elsewhere, since a few per cent are to be told apart."""
MOST = Target(1.05, at_most=True)
_WITHOUT, _WITH, _FILES, _AWAY = "without metrics", "metrics", "metrics in files", "metrics, Sentry away"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    count = place.size(2_400, 128)
    ports = {name: free_port() for name in (_WITH, _FILES, _AWAY)}
    away = {"SENTRY_DSN": f"http://key@{HOST}:{free_port()}/1"}
    with ExitStack() as stack:
        files = stack.enter_context(TemporaryDirectory(prefix="daybook-bench-metrics-"))
        settings = {
            _WITHOUT: dict[str, str](),
            _WITH: _served(ports[_WITH]),
            _FILES: _served(ports[_FILES]) | {FOLDER: files},
            _AWAY: _served(ports[_AWAY]) | away,
        }
        databases = [stack.enter_context(place.database(f"bench_metrics_{number}")) for number in range(len(settings))]
        servers = place.together(
            stack,
            *(
                place.api_with(
                    each, database, name="bench.controls.uncounted" if name == _WITHOUT else "interfaces.cli"
                )
                for (name, each), database in zip(settings.items(), databases, strict=True)
            ),
        )
        shops = place.size(20, 4)
        rounds = max(place.rounds, place.size(ROUNDS, 1))
        sides = {}
        for name, database, server in zip(settings, databases, servers, strict=True):
            bookings = Bookings(build_shops(database, shops), 1 + (rounds + 1) * count // (shops * 48))
            sides[name] = partial(_microseconds, server.port, server.pid, bookings, count, ports.get(name))
        for warm_up in sides.values():
            warm_up()
        turns = Turns("metrics", sides, rounds, tell).take()
    figure = partial(turns.figure, unit=UNIT)
    return [
        figure(_WITH, _WITHOUT, target=MOST),
        figure(_FILES, _WITHOUT, target=MOST),
        figure(_AWAY, _WITH, target=MOST),
    ]


def _served(port: int) -> dict[str, str]:
    return {"METRICS_PORT": str(port)}


def _microseconds(port: int, process: int, bookings: Bookings, count: int, metrics: int | None) -> float:
    """Processor time of the API for one booking; the metrics are asked for once, as Prometheus does."""
    requests = list(bookings.take(count))
    began = processes.cpu(process)
    load(port, requests, connections=CONNECTIONS, expected=(201,))
    if metrics is not None:
        with urllib.request.urlopen(f"http://{HOST}:{metrics}/metrics") as answer:
            assert b"daybook_http_requests_total" in answer.read()
    return 1e6 * (processes.cpu(process) - began) / count
