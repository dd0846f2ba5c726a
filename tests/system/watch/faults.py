"""Faults of a deployment that is watched, each with the alert that it must raise."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from infrastructure.local.programs import free_port, wait_until
from tests.system.compose.deployment import PATIENCE, Deployment

CHECK = "ALTER TABLE {table} ADD CONSTRAINT planted CHECK (false) NOT VALID"
UNCHECK = "ALTER TABLE {table} DROP CONSTRAINT planted"
JOB = (
    "INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, dead_at) "
    "SELECT gen_random_uuid(), '{kind}', gen_random_uuid(), 'planted', at, at, {dead} "
    "FROM (SELECT now() - interval '5 min') a(at)"
)
LOSE = "UPDATE work.job SET enqueued = true, lease = gen_random_uuid(), leased_until = now() WHERE slot = 'planted'"
BACKED_UP = "INSERT INTO work.backup (kind, succeeded_at) VALUES ('base', now())"
UNPLANT = "DELETE FROM work.job WHERE slot = 'planted'"


@dataclass
class Told:
    """Metrics that a server of the test tells Prometheus, for what no test can wait for, such as an old certificate."""

    text: str = ""
    port: int = field(default_factory=free_port)

    @contextmanager
    def listening(self) -> Iterator[Told]:
        told = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(told.text.encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("0.0.0.0", self.port), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


@dataclass(frozen=True)
class Faults:
    """What can go wrong. Each is a context manager that leaves the deployment as it was.

    `salon`: opens one, with a booking at its first start; answers what books another start.
    """

    up: Deployment
    told: Told
    salon: Callable[[httpx.Client], Callable[[int], None]]

    def table(self, name: str) -> str:
        """A table of the live generation."""
        return f"{self.up.sql('SELECT format($$read_%s$$, generation) FROM read.live')}.{name}"

    @contextmanager
    def stopped(self, *services: str) -> Iterator[None]:
        self.up.compose("stop", "--timeout", "5", *services)
        try:
            yield
        finally:
            self.up.compose("start", *services)

    @contextmanager
    def metric(self, text: str) -> Iterator[None]:
        self.told.text = f"{text}\n"
        try:
            yield
        finally:
            self.told.text = ""

    @contextmanager
    def job(self, kind: str, dead: str) -> Iterator[None]:
        self.up.sql(JOB.format(kind=kind, dead=dead))
        try:
            yield
        finally:
            self.up.sql(UNPLANT)

    @contextmanager
    def late_job(self) -> Iterator[None]:
        with self.stopped("worker-webhooks"), self.job("deliver", "NULL"):
            yield

    @contextmanager
    def lost_job(self) -> Iterator[None]:
        """A job that a worker claimed that is no more."""
        self.up.sql(f"{JOB.format(kind='remind', dead='NULL')}; {LOSE}")
        try:
            yield
        finally:
            self.up.sql(UNPLANT)

    @contextmanager
    def refusing_table(self, name: str) -> Iterator[None]:
        """A projection meets an event that its table refuses."""
        table = self.table(name)
        self.up.sql(CHECK.format(table=table))
        with self.asking(self.salon, 1, pause=5):  # ends last: it waits for what the projection has not read
            try:
                yield
            finally:
                self.up.sql(UNCHECK.format(table=table))
                self.up.compose("exec", "-T", "projector", "daybook", "projections", "resume")

    @contextmanager
    def double_booking(self) -> Iterator[None]:
        """The guard sees two appointments at one time: it takes the first for longer than it is."""
        table = self.up.sql("SELECT format($$read_%s.occupancy$$, generation) FROM read.live")
        longer = f"UPDATE {table} SET stretch = tstzrange(lower(stretch), upper(stretch) {{}} interval '15 min')"
        before = int(self.up.sql(f"SELECT count(*) FROM {table}"))
        with self.up.client() as web:
            book = self.salon(web)
            assert wait_until(lambda: int(self.up.sql(f"SELECT count(*) FROM {table}")) > before, PATIENCE)
            self.up.sql(longer.format("+"))
            book(1)
        try:
            yield
        finally:
            self.up.sql(longer.format("-"))
            self.up.compose("exec", "-T", "projector", "daybook", "projections", "resume")

    @contextmanager
    def never_backed_up(self) -> Iterator[None]:
        """A projector tells of the backups that it has seen, so it starts anew."""
        self.up.sql("DELETE FROM work.backup")
        self.up.compose("restart", "projector", "projector-standby")
        try:
            yield
        finally:
            self.up.sql(BACKED_UP)

    @contextmanager
    def backed_up_long_ago(self) -> Iterator[None]:
        self.up.sql("UPDATE work.backup SET succeeded_at = now() - interval '30 days'")
        self.up.compose("restart", "projector", "projector-standby")
        try:
            yield
        finally:
            self.up.sql("UPDATE work.backup SET succeeded_at = now()")
            self.up.compose("restart", "projector", "projector-standby")

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Somebody holds a table of a read model."""
        command = f"BEGIN; LOCK TABLE {self.table(name)} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)"
        files = ("-f", self.up.file, "-f", "test.yml")
        psql = ("exec", "-T", "postgres", "psql", "-qU", "postgres", "daybook", "-c", command)
        holder = subprocess.Popen(("docker", "compose", *files, *psql), cwd=self.up.folder, env=self.up.environment)
        with self.asking(self.salon, 1, pause=5):
            try:
                yield
            finally:
                self.up.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'")
                holder.wait(60)

    @contextmanager
    def asking(self, ask: Callable[[httpx.Client], object], clients: int = 2, pause: float = 0.02) -> Iterator[None]:
        """Clients that ask again and again, whatever the answer. `pause`: seconds between two; there are limits."""
        enough = threading.Event()

        def go() -> None:
            with self.up.client() as web:
                while not enough.is_set():
                    with suppress(httpx.HTTPError, AssertionError, LookupError, ValueError):
                        ask(web)
                    enough.wait(pause)

        with ThreadPoolExecutor(clients) as pool:
            running = [pool.submit(go) for _ in range(clients)]
            try:
                yield
            finally:
                enough.set()
                for each in running:
                    each.result()

    @contextmanager
    def without_database(self) -> Iterator[None]:
        with self.stopped("postgres"), self.asking(lambda web: web.get("/v1/services")):
            yield

    @contextmanager
    def slow(self) -> Iterator[None]:
        """A machine that has too little of a processor for its API."""
        ids = self.up.containers("api")
        self.up.run("docker", "update", "--cpus", "0.2", *ids)
        try:
            with self.asking(lambda web: web.get("/v1/services"), 64):
                yield
        finally:
            self.up.run("docker", "update", "--cpus", "2", *ids)

    @contextmanager
    def forged(self) -> Iterator[None]:
        """Somebody changes an event; then it is night."""
        change = "UPDATE log.stored_events SET metadata = {} WHERE notification_id = 3"
        before = self.up.sql("SELECT metadata FROM log.stored_events WHERE notification_id = 3")
        self.up.sql(change.format("replace(metadata::text, '{', '{ ')::json"))
        night = "from infrastructure.settings import Settings; from interfaces.worker.celery_app import broker_app; "
        night += "broker_app(Settings()).send_task('verify', queue='sweep')"
        self.up.compose("exec", "-T", "worker", "python", "-c", night)
        try:
            yield
        finally:
            self.up.sql(change.format(f"$${before}$$::json"))
            self.up.compose("restart", "worker")  # the alert lasts as long as the process that found it
