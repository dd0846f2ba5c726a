"""What analysts cost: their views, the answers about metrics, bookings beside a question, a rebuild beside one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, product
from time import perf_counter
from urllib.parse import urlencode

import psycopg

from application.access import Role
from bench.tools import admin_town, standstill
from bench.tools.analyst import Analyst
from bench.tools.figure import ROUNDS, Figure, Target, Turns
from bench.tools.half_load import half_load
from bench.tools.load import load
from bench.tools.paced import paced
from bench.tools.place import SECRET, Database, Place, caught_up
from bench.tools.town import LENGTH, Bookings, build_shops, request
from bench.tools.web import get
from domain.kernel import new_id
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.local.programs import wait_until
from projections.analysis.metric import PERIODS, Dimension, Metric
from projections.analysis.metrics import METRICS

SHOPS = 40
CONNECTIONS = 64
PERIOD_DAYS = (1, 7, 28)
CATCH_UP_WITHIN = 7_200  # seconds
_FACTS = {
    "appointment": "fact_appointment",
    "appointment_event": "fact_appointment_event",
    "open_time": "fact_open_time",
    "service": "fact_service",
    "dates": "fact_appointment",
}
"""By view: the table of its facts. The town has no sessions, holds, waitlists and organizations."""
_ROW, _QUIET, _BESIDE = "API: one appointment by its id", "nobody asks", "an analyst asks one question after another"
_UNFILLED = frozenset({"seat_fill", "hold_funnel", "waitlist"})


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        database = admin_town.large_town(place, tell)
        shops = build_shops(database, place.size(SHOPS, 4))
        tell("analytics: reading them")
        stack.enter_context(place.projector(database))
        assert wait_until(partial(caught_up, database), CATCH_UP_WITHIN)
        analyst = Analyst(database)
        figures = list(_of_views(place, tell, database, analyst))
        port = stack.enter_context(place.api(database))
        figures += _of_answers(place, tell, port)
        days = 1 + (2 * ROUNDS + 2) * _count(place) // (len(shops) * 24 * 60 // LENGTH)
        figures += _of_bookings(place, tell, (database, port), Bookings(shops, days), analyst)
    return [*figures, *standstill.measured(place, tell)]


def _of_views(place: Place, tell: Callable[[str], None], database: Database, analyst: Analyst) -> Iterator[Figure]:
    """Seconds of reading each view in full, beside counting its facts."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    sides: dict[str, Callable[[], float]] = {}
    for view, facts in _FACTS.items():
        sides[f"all of {view}"] = partial(analyst.reads, f"TABLE analysis.{view}")
        sides[f"count(*) of {facts}"] = partial(_counted, database, facts)
    for warm_up in sides.values():
        warm_up()
    turns = Turns("analytics", sides, place.rounds, tell).take()
    for view, facts in _FACTS.items():
        yield turns.figure(f"all of {view}", f"count(*) of {facts}", "s")


def _counted(database: Database, facts: str) -> float:
    statement = f"SELECT count(*) FROM read_1.{facts}"
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")  # as analysts have it
        began = perf_counter()
        connection.execute(statement.encode()).fetchone()
        return perf_counter() - began


def _of_answers(place: Place, tell: Callable[[str], None], port: int) -> Iterator[Figure]:
    """p95 of the answers about each metric, each to a question that was not asked before."""
    token = AccessTokens(SECRET).issue(new_id(), Role.ADMIN)
    listed = json.loads(get(port, "/v1/appointments?limit=100", token))["items"]
    rows = [request("GET", f"/v1/appointments/{each['id']}", token=token) for each in listed]
    sides: dict[str, Callable[[], float]] = {_ROW: lambda: load(port, rows, connections=1).p95}
    for metric in METRICS.values():
        if metric.name not in _UNFILLED:
            sides[metric.name] = partial(_answered, port, token, metric, count())
    for warm_up in sides.values():
        warm_up()
    turns = Turns("analytics", sides, place.rounds, tell).take()
    for name in [*sides][1:]:
        yield turns.figure(name, _ROW, "ms, p95")


def _answered(port: int, token: str, metric: Metric, rounds: Iterator[int]) -> float:
    paths = (f"/v1/analytics/{metric.name}?{urlencode(each)}" for each in _questions(metric, next(rounds)))
    return load(port, [request("GET", path, token=token) for path in paths], connections=1).p95


def _questions(metric: Metric, number: int) -> Iterator[Mapping[str, str]]:
    """A day, a week and four weeks, each as a whole, by period, and by period and another dimension.

    `number`: of the round. Each round asks for periods a day earlier, since answers are kept until the figures change.
    """
    period = next(each for each in metric.dimensions if each in PERIODS)
    other = next(each for each in (Dimension.CHANNEL, Dimension.ORGANIZATION) if each in metric.dimensions)
    until = datetime.now(UTC).date() - timedelta(days=1 + number)
    for days, by in product(PERIOD_DAYS, ((), (period,), (period, other))):
        asked = {"from": f"{until - timedelta(days=days - 1)}", "to": f"{until}"}
        yield {**asked, **({"group_by": ",".join(by)} if by else {})}


def _of_bookings(
    place: Place, tell: Callable[[str], None], api: tuple[Database, int], bookings: Bookings, analyst: Analyst
) -> Iterator[Figure]:
    """p95 of bookings at half load, while an analyst asks, and while nobody does."""
    database, port = api
    number = _count(place)
    load(port, bookings.take(number), connections=CONNECTIONS, expected=(201,))
    half = half_load(database, port, bookings.take(number // 2), CONNECTIONS)

    def quiet() -> float:
        return paced(port, bookings.take(number), per_second=half, connections=CONNECTIONS, expected=(201,)).p95

    def beside() -> float:
        with analyst.asking():
            return quiet()

    turns = Turns("analytics", {_BESIDE: beside, _QUIET: quiet}, place.rounds, tell).take()
    yield turns.figure(_BESIDE, _QUIET, f"ms a booking, p95 at {half:,.0f}/s", Target(1.5, at_most=True))


def _count(place: Place) -> int:
    return place.size(4_000, 64)
