"""The library as it comes: its own PostgreSQL recorder, its own tables, its own projection runner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.tools.taking import SEATS, a_day, an_appointment, dates, seat
from domain.kernel import new_id

SCHEMA = "stock"
THREADS = 16


class Stock(Application[UUID]):
    """Its name makes the table's: stored_events."""

    name = "stored"


def _environment(dsn: str, schema: str, *, create: bool) -> dict[str, str]:
    where = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where["port"]),
        "POSTGRES_USER": str(where["user"]),
        "POSTGRES_PASSWORD": str(where["password"]),
        "POSTGRES_SCHEMA": schema,
        "POSTGRES_POOL_SIZE": str(THREADS),
        "POSTGRES_MAX_OVERFLOW": "0",
        "CREATE_TABLE": "y" if create else "n",
    }


def make_schema(owner_dsn: str) -> None:
    """The library makes its tables, not the schema they are in."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())


def saves(owner_dsn: str, count: int) -> float:
    """Bookings per second: `Application.save` of a Day and an appointment, by THREADS threads."""
    make_schema(owner_dsn)
    environment = _environment(owner_dsn, SCHEMA, create=True)
    with Stock(env=environment) as app, ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: _save_some(app, 1), range(THREADS)))  # connections are open
        began = perf_counter()
        list(threads.map(lambda _: _save_some(app, count // THREADS), range(THREADS)))
        return count // THREADS * THREADS / (perf_counter() - began)


def _save_some(app: Stock, count: int) -> None:
    provider_id, service_id, now = new_id(), new_id(), datetime.now(UTC)
    for date in dates(-(-count // SEATS)):
        day = a_day(provider_id, date, now)
        for number in range(min(SEATS, count)):
            appointment = an_appointment(new_id(), provider_id, service_id, date, number, now)
            seat(day, appointment, now)
            app.save(appointment, day)
        count -= SEATS


class _View(PostgresTrackingRecorder):
    """One row an event."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        table = sql.Identifier(self.datastore.schema, "seen")
        columns = "(id uuid, version bigint, kind text, PRIMARY KEY (id, version))"
        self.sql_create_statements.append(sql.SQL("CREATE TABLE IF NOT EXISTS {} {}").format(table, sql.SQL(columns)))
        self._insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(table)

    def see(self, event: Any, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                self._insert,
                (event.originator_id, event.originator_version, type(event).__qualname__),
                prepare=True,
            )
            self._insert_tracking(cursor, tracking)


class _Seen(Projection[_View]):
    name = "seen"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.see(domain_event, tracking)


def projected(owner_dsn: str, count: int) -> float:
    """Events per second: ProjectionRunner over the first `count` events of the log, one row each."""
    ours = _environment(owner_dsn, "log", create=False)
    seen = {f"SEEN_{name}": value for name, value in _environment(owner_dsn, SCHEMA, create=True).items()}
    make_schema(owner_dsn)
    began = perf_counter()
    with ProjectionRunner(application_class=Stock, projection_class=_Seen, view_class=_View, env=ours | seen) as runner:
        runner.wait(count, timeout=300)
        return count / (perf_counter() - began)
