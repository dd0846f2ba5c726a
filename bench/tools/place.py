"""Where a benchmark runs: PostgreSQL (fsync on) and Valkey of its own, and the API as real processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, TypeVar, cast

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

from bench.tools import processes
from bench.tools.figure import ROUNDS
from infrastructure.database.roles import alchemy, create_role, migrate
from infrastructure.local.programs import HOST, free_port, wait_until
from infrastructure.local.servers import LocalServers
from infrastructure.settings import inherited
from projections.rebuild.generations import ensure

APPLICATION = "daybook"
SECRET = "a-secret-of-benchmarks-that-guards-nothing"
READY_WITHIN = 300.0  # seconds: the machine may have other things to do
_TEMPLATE = "bench_template"
T = TypeVar("T")


class Server(NamedTuple):
    """A process that answers on a port of this machine. `started`: seconds from its start until it listened."""

    port: int
    pid: int
    started: float


class NotReady(Exception):
    """A process did not get ready; the message is what it wrote."""


@dataclass(frozen=True)
class Database:
    """A migrated database. `owner`, `application`: its addresses for the superuser and for Daybook."""

    name: str
    port: int
    owner: str
    application: str

    @property
    def url(self) -> str:
        """The application's address for SQLAlchemy."""
        return alchemy(self.application)


class Place:
    """Servers in a folder, databases made by cloning, and processes that end with their `with` block.

    `postmaster`: the process of PostgreSQL that started all of its others; `valkey`: the process of the cache.
    """

    def __init__(self, servers: LocalServers, folder: Path, *, quick: bool) -> None:
        self.servers = servers
        self.quick = quick
        self.rounds = 1 if quick else ROUNDS
        self._folder = folder
        self.kept: dict[str, Database] = {}  # databases that several benchmarks use
        self.postmaster = processes.postmaster(servers.superuser_dsn())
        with redis.Redis.from_url(servers.redis_url) as cache:
            self.valkey = int(cache.info("server")["process_id"])
        create_role(servers.superuser_dsn(), APPLICATION, APPLICATION)
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        migrate(servers.superuser_dsn(_TEMPLATE), APPLICATION)
        engine = create_engine(alchemy(servers.superuser_dsn(_TEMPLATE)))
        with engine.begin() as connection:
            ensure(connection)
        engine.dispose()

    def size(self, full: int, quick: int) -> int:
        """How many: `quick` is for a smoke test."""
        return quick if self.quick else full

    @staticmethod
    def together(stack: ExitStack, *processes: AbstractContextManager[T]) -> list[T]:
        """Start several at once; they end with the stack."""
        with ThreadPoolExecutor() as threads:
            return list(threads.map(stack.enter_context, processes))

    @contextmanager
    def database(self, name: str, like: Database | None = None) -> Iterator[Database]:
        """A database of Daybook, empty or as another one is, dropped at the end."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {like.name if like else _TEMPLATE}")
        try:
            yield self._named(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def kept_database(self, name: str) -> Database:
        """A new database of Daybook that lasts as long as the servers."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self._named(name)

    def _named(self, name: str) -> Database:
        application = f"postgresql://{APPLICATION}:{APPLICATION}@{HOST}:{self.servers.port}/{name}"
        return Database(name, self.servers.port, self.servers.superuser_dsn(name), application)

    @contextmanager
    def api(self, database: Database, *, redis: bool = True) -> Iterator[int]:
        """An API process; its port."""
        with self.api_with({}, database, redis=redis) as server:
            yield server.port

    @contextmanager
    def api_with(
        self, settings: Mapping[str, str], database: Database, *, redis: bool = True, name: str = "interfaces.cli"
    ) -> Iterator[Server]:
        """An API process with further settings. `name`: a control of the same settings."""
        arguments = ["-m", name, "api", "--until-stdin-closes"]
        with self._serving(arguments, {**self._environment(database, redis=redis), **settings}) as server:
            yield server

    @contextmanager
    def projector(self, database: Database) -> Iterator[int]:
        """A projector process; its id."""
        arguments = ["-m", "interfaces.cli", "project", "--until-stdin-closes"]
        with self._running(arguments, self._environment(database, redis=True)) as process:
            yield process.pid

    def rebuild(self, database: Database, *options: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """`daybook rebuild`, by the owner of the tables."""
        owner = conninfo_to_dict(database.owner)
        environment = self._environment(database, redis=True)
        names = {"DB_SUPERUSER": str(owner["user"]), "DB_SUPERUSER_PASS": str(owner["password"])}
        return self._running(["-m", "interfaces.cli", "rebuild", "--grace", "0", *options], {**environment, **names})

    @contextmanager
    def worker(self, database: Database, name: str = "interfaces.cli") -> Iterator[Mapping[str, str]]:
        """A worker of two processes; its environment. `name`: a control of the same settings."""
        environment = self._environment(database, redis=True)
        with self._running(["-m", name, "worker", "--concurrency", "2"], environment):
            yield environment

    @contextmanager
    def beat(self, database: Database) -> Iterator[None]:
        with self._running(["-m", "interfaces.cli", "beat"], self._environment(database, redis=True)):
            yield

    @contextmanager
    def app(self, name: str, database: Database) -> Iterator[Server]:
        """A control, served as the API is."""
        arguments = ["-m", "uvicorn", name, "--loop", "uvloop", "--http", "httptools"]
        arguments += ["--no-access-log", "--log-level", "warning", "--no-server-header"]
        with self._serving(arguments, self._environment(database, redis=False)) as server:
            yield server

    @contextmanager
    def foreign(self, command: list[str], environment: Mapping[str, str]) -> Iterator[Server]:
        """A program of another environment that listens at the address which ends its command."""
        port, began = free_port(), perf_counter()
        with self._started([*command, f"{HOST}:{port}"], environment) as process:
            self._await(process, port)
            yield Server(port, process.pid, perf_counter() - began)

    def _environment(self, database: Database, *, redis: bool) -> Mapping[str, str]:
        return inherited() | {
            "DB_HOST": HOST,
            "DB_PORT": str(database.port),
            "DB_NAME": database.name,
            "DB_USER": APPLICATION,
            "DB_PASS": APPLICATION,
            "REDIS_URL": self.servers.redis_url if redis else "",
            "REDIS_PREFIX": f"{database.name}:",
            "BROKER_URL": self.servers.broker_url,
            "MAILBOX": str(self._folder / f"{database.name}-mail"),
            "SECRET_KEY": SECRET,
            "LOG_LEVEL": "WARNING",
            "API_QUEUE_DELAY": "1000",  # throughput is measured with requests that queue
        }

    @contextmanager
    def _serving(self, arguments: list[str], environment: Mapping[str, str]) -> Iterator[Server]:
        port, began = free_port(), perf_counter()
        with self._running([*arguments, "--port", str(port)], environment) as process:
            self._await(process, port)
            yield Server(port, process.pid, perf_counter() - began)

    def _await(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Return when it listens. Raises NotReady with what it wrote."""
        if not wait_until(lambda: process.poll() is not None or _listens(port), READY_WITHIN):
            raise NotReady(f"This takes longer than {READY_WITHIN:.0f} s: {self._said(process)}")
        if process.poll() is not None:
            raise NotReady(self._said(process))

    def _running(
        self, arguments: list[str], environment: Mapping[str, str]
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A program of Daybook's own environment."""
        there = {**environment, "PYTHONPATH": str(Path(__file__).parents[2])}
        return self._started([sys.executable, *arguments], there)

    @contextmanager
    def _started(self, command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        with self._log(command).open("ab") as said:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, cwd=self._folder, env=environment
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log(self, command: Sequence[str]) -> Path:
        return self._folder / f"{command[-1]}.log"

    def _said(self, process: subprocess.Popen[bytes]) -> str:
        return self._log([str(each) for each in cast("list[str]", process.args)]).read_text(encoding="utf-8")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.servers.superuser_dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def caught_up(database: Database) -> bool:
    """Whether all readers have read the whole log."""
    query = b"""
        SELECT bool_and(b.position = (SELECT coalesce(max(notification_id), 0) FROM log.stored_events))
        FROM read.live JOIN read.bookmark b USING (generation)"""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return bool(row and row[0])


def at_rest(database: Database) -> bool:
    """Whether all readers have read the whole log, and no job is due."""
    query = b"""
        SELECT count(*) = 0 FROM work.job
        WHERE done_at IS NULL AND dead_at IS NULL AND planned_at < clock_timestamp()"""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return bool(row and row[0]) and caught_up(database)
