"""Gauges of the whole Daybook, read from its database: lag, queues, processes, sweeps, backups, clocks.

The projectors have them, because a queue without workers and a beat that has died can't tell of themselves.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter

import psycopg
from prometheus_client import Gauge

from infrastructure.observability.background_thread import BackgroundThread
from infrastructure.observability.process_registry import running
from infrastructure.observability.system_status import projection_states, queue_states
from projections.engine import lag

EVERY = 5.0  # seconds
NAME = "daybook-gauges"
ROLES = ("api", "projector", "worker", "beat")
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_BACKUPS = "SELECT kind, extract(epoch FROM succeeded_at)::float8 FROM work.backup"
_SWEPT = "SELECT coalesce(extract(epoch FROM clock_timestamp() - max(swept_at)), 0)::float8 FROM work.enrolled"


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, multiprocess_mode="livemax")


_DUE = _gauge("daybook_jobs_due", "Jobs that are due and not done", "queue")
_LATE = _gauge("daybook_job_lag_seconds", "Seconds since the earliest due job was due", "queue")
_DEAD = _gauge("daybook_jobs_dead", "Jobs that will not be tried again", "queue")
_PROCESSES = _gauge("daybook_processes", "Processes that gave a sign of life", "role")
_SWEEP_AGE = _gauge("daybook_sweep_age_seconds", "Seconds since the last sweep for due jobs")
_OFFSET = _gauge("daybook_clock_offset_seconds", "The clock of this machine minus that of the database")

_BACKUP = _gauge("daybook_backup_last_success_timestamp_seconds", "When a backup last succeeded", "kind")


class SystemGauges(BackgroundThread):
    """Reads the gauges for a `with` block, in a thread with a connection of its own. `dsn`: the application's role."""

    def __init__(self, dsn: str) -> None:
        super().__init__("system gauges")
        self._dsn = dsn

    def _run(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(psycopg.Error):  # without a database, other parts report that
                self._follow()
            self._ending.wait(EVERY)

    def _follow(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True, application_name=NAME, connect_timeout=5) as connection:
            while not self._ending.is_set():
                read_gauges(connection)
                self._ending.wait(EVERY)


def read_gauges(connection: psycopg.Connection) -> None:
    """Set the gauges once."""
    # Here too: a projector that waits for a lock measures nothing.
    for each in projection_states(connection):
        lag.POSITIONS.labels(each.name).set(each.behind)
        lag.SECONDS.labels(each.name).set(each.seconds)
        lag.STOPPED.labels(each.name).set(each.stopped_at is not None or each.behind < 0)
    for queue in queue_states(connection):
        _DUE.labels(queue.name).set(queue.due)
        _LATE.labels(queue.name).set(queue.late)
        _DEAD.labels(queue.name).set(queue.dead)
    processes = Counter(each.role for each in running(connection))
    for role in ROLES:
        _PROCESSES.labels(role).set(processes[role])
    _SWEEP_AGE.set(_number(connection, _SWEPT))
    for kind, at in connection.execute(_BACKUPS.encode()):
        _BACKUP.labels(kind).set(at)
    before = time.time()
    database = _number(connection, _CLOCK)
    _OFFSET.set((before + time.time()) / 2 - database)


def _number(connection: psycopg.Connection, query: str) -> float:
    ((number,),) = connection.execute(query.encode()).fetchall()
    return float(number)
