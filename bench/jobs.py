"""How many jobs a second does a worker do, and how late is a reminder while people book?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles

import redis

from bench.controls.emptytask import app_of
from bench.tools.figure import Figure, Target, Turns
from bench.tools.history import entry
from bench.tools.load import load
from bench.tools.place import Database, Place, at_rest, caught_up
from bench.tools.taking import an_appointment
from bench.tools.town import Bookings, build_shops
from domain.kernel import new_id
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.local.programs import wait_until
from infrastructure.settings import SAMPLE_MASTER_KEY, Settings
from tests.support.instances import ask
from tests.support.practice import Booked, Practice

PER_SECOND = 25  # reminders
LOAD = 16  # connections
SHOPS = 40
_JOBS, _EMPTY = "sweep and run, 2 processes", "empty tasks, same worker"
_LOADED, _CALM = "reminder, bookings meanwhile", "reminder, nothing else"
_COUNTED = """
    SELECT count(*), count(*) FILTER (WHERE done_at IS NULL) FROM work.job
    WHERE kind = 'complete' AND planned_at < clock_timestamp()"""
_TOOK = """
    SELECT extract(epoch FROM max(done_at) - (SELECT swept_at FROM work.enrolled))::float8 FROM work.job
    WHERE done_at > (SELECT swept_at FROM work.enrolled)"""
_SPREAD = """
    WITH these AS (
        SELECT key, row_number() OVER (ORDER BY random()) AS n FROM work.job
        WHERE kind = 'remind' AND subject = ANY(%s))
    UPDATE work.job SET planned_at = clock_timestamp() + make_interval(secs => 1 + n::float8 / %s),
        due_at = clock_timestamp() + make_interval(secs => 1 + n::float8 / %s)
    FROM these WHERE work.job.key = these.key"""
_LAGS = """
    SELECT extract(epoch FROM done_at - planned_at)::float8 FROM work.job
    WHERE kind = 'remind' AND subject = ANY(%s) AND done_at IS NOT NULL"""


@dataclass(frozen=True)
class There:
    """A database as tests.support.practice knows it."""

    database: str
    superuser_database: str
    master_key: str = SAMPLE_MASTER_KEY


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    number = place.size(1_000, 60)
    with ExitStack() as stack:
        enter = stack.enter_context
        database, plain = enter(place.database("bench_jobs")), enter(place.database("bench_jobs_empty"))
        enter(place.projector(database))
        ours = Settings(**_settings(enter(place.worker(database))))
        control = Settings(**_settings(enter(place.worker(plain, "bench.controls.emptytask"))))
        sides = {
            _JOBS: partial(_done, database, ours, number),
            _EMPTY: partial(_emptied, control, number),
        }
        for warm_up in sides.values():
            warm_up()
        figures = [Turns("jobs", sides, place.rounds, tell).take().figure(_JOBS, _EMPTY, "a second", Target(0.7))]
        enter(place.beat(database))
        figures.append(_lag(place, database, enter(place.api(database)), tell))
    return figures


def _settings(environment: dict[str, str]) -> dict[str, str]:
    names = ("BROKER_URL", "REDIS_PREFIX", "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASS")
    return {name.lower(): environment[name] for name in names}


def _done(database: Database, settings: Settings, number: int) -> float:
    """Jobs per second, from the sweep that finds them due until the last is done."""
    asyncio.run(_overdue(database, number))
    assert wait_until(partial(caught_up, database), 60)
    time.sleep(0.6)  # two sweeps are not closer
    ((before, _),) = ask(database.owner, _COUNTED)
    app_of(settings).send_task("sweep", queue="sweep")
    wanted = [(int(str(before)) + number, 0)]
    assert wait_until(lambda: ask(database.owner, _COUNTED) == wanted, 120)
    ((took,),) = ask(database.owner, _TOOK)
    return number / float(str(took))


async def _overdue(database: Database, number: int) -> None:
    """Make overdue appointments: past ones that are neither completed nor cancelled."""
    journal = PostgresJournal(database.application, queue_size=10_000, patience=60.0)
    await journal.open()
    then = datetime.now(UTC) - timedelta(days=2)
    made = [an_appointment(*(new_id() for _ in range(3)), then.date(), 0, then) for _ in range(number)]
    await asyncio.gather(*(journal.append(entry(each)) for each in made))
    await journal.close()


def _emptied(settings: Settings, number: int) -> float:
    """Tasks per second, from when a task that sends them is sent until the last is done."""
    app = app_of(settings)
    with redis.Redis.from_url(settings.broker) as broker:

        def waiting() -> int:
            queues = ("sweep", "jobs")
            there = sum(int(str(broker.llen(f"{settings.redis_prefix}{each}"))) for each in queues)
            return there + int(str(broker.hlen(f"{settings.redis_prefix}unacked")))

        began = time.perf_counter()
        app.send_task("spread", [number], queue="sweep")
        assert wait_until(lambda: waiting() > 0, 10)
        assert wait_until(lambda: waiting() == 0, 120)
        return number / (time.perf_counter() - began)


def _lag(place: Place, database: Database, port: int, tell: Callable[[str], None]) -> Figure:
    """p95, milliseconds, from when a reminder is due until it has left."""
    number, bookings = place.size(200, 10), place.size(3_000, 60)
    practice = Practice(There(database.application, database.owner))
    shops = build_shops(database, place.size(SHOPS, 4))
    slots = Bookings(shops, 1 + 4 * bookings // (len(shops) * 48))
    sides = {
        _LOADED: lambda: _reminded(practice, database, number, _loading(port, slots.take(bookings))),
        _CALM: lambda: _reminded(practice, database, number, _loading(port, [])),
    }
    return Turns("jobs", sides, place.rounds, tell).take().figure(_LOADED, _CALM, "ms, p95")


@contextmanager
def _loading(port: int, requests: Sequence[bytes]) -> Iterator[None]:
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(load, port, requests, connections=LOAD, expected=(201,)) if requests else None
        yield
        if sent:
            sent.result()


def _reminded(practice: Practice, database: Database, number: int, meanwhile: ExitStack) -> float:
    some: Sequence[Booked] = practice.book(number // 2)  # two each
    practice.enrol()
    ids = [each.id for each in some]
    assert wait_until(partial(at_rest, database), 240)  # what the round before has left
    with meanwhile:
        ask(database.owner, _SPREAD, [ids, PER_SECOND, PER_SECOND])
        assert wait_until(lambda: len(ask(database.owner, _LAGS, [ids])) == number, 240)
    lags = [1000 * float(str(lag)) for (lag,) in ask(database.owner, _LAGS, [ids])]
    return quantiles(lags, n=20, method="inclusive")[18]
