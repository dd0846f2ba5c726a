"""Real servers for tests that need them, started by the first that asks; an empty database for each test."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from pathlib import Path

import psycopg
import pytest
import structlog
from redis import Redis
from sqlalchemy import create_engine

from infrastructure.database.address import DatabaseAddress as Address
from infrastructure.database.roles import create_role, migrate
from infrastructure.gc_tuning import start_fast
from infrastructure.local.servers import LocalServers
from infrastructure.settings import Settings
from projections.rebuild.generations import ensure
from tests.support import hypothesis_profiles
from tests.support.emptied import EmptiedDatabase
from tests.support.instances import servers_folder
from tests.support.rabbitmq import RabbitMQ, find_rabbitmq

APPLICATION = "daybook_test"

hypothesis_profiles.choose(None)

# As Daybook itself does. structlog's default draws each traceback with all variables in colour: a second of work.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# What is imported and collected stays, and need not be walked again and again.
start_fast()

# Where tests run in the background of a script, Ctrl-C is ignored, and would be by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


ROOT = Path(__file__).parent
SERVERS = {"servers", "server", "own_server", "durable", "rabbitmq"}  # fixtures that start one
SERVER_FOLDERS = ("system", "bench", "infrastructure/local")  # where tests start what they need by themselves
LONGEST = ("system", "bench", "interfaces/http/test_conformance.py", "infrastructure/local", "interfaces")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs servers, and let what takes longest begin first: nothing long is then left for one process."""
    for item in items:
        assert isinstance(item, pytest.Function)
        if SERVERS & set(item.fixturenames) or is_in(item.path, *SERVER_FOLDERS):
            item.add_marker(pytest.mark.servers)
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    places = (number for number, place in enumerate(LONGEST) if is_in(item.path, place))
    return next(places, len(LONGEST) + (item.get_closest_marker("servers") is None))


@cache
def is_in(file: Path, *places: str) -> bool:
    """Whether a test's file is one of these files or folders of tests/."""
    return any(file.is_relative_to(ROOT / place) for place in places)


@dataclass(frozen=True)
class Database:
    """A migrated, empty database. `owner`, `application`: its address for the superuser and for the API."""

    name: str
    owner: str
    application: str

    @property
    def url(self) -> str:
        """The application's address for SQLAlchemy."""
        return self.application.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def servers() -> Iterator[LocalServers]:
    """PostgreSQL and Valkey of this test process."""
    home = Path(tempfile.mkdtemp(prefix="daybook-test-", dir=servers_folder()))
    home.chmod(0o755)  # PostgreSQL's account must get in
    settings = Settings(_env_file=None)  # TEST_DB_* of the environment: nobody's .env decides what tests run on
    given = settings.test_owner_database
    servers = _Given(home, given) if given else LocalServers(home, fsync=False, postgres_bin=settings.postgres_bin)
    with servers as running:
        yield running
    shutil.rmtree(home)


class _Given(LocalServers):
    """The PostgreSQL that TEST_DB_HOST names, as a role that may make databases and roles; our own Valkey."""

    def __init__(self, home: Path, given: Address) -> None:
        super().__init__(home, postgres=False)
        self._given = given
        self.host = given.host

    @property
    def port(self) -> int:
        return self._given.port

    def superuser_dsn(self, dbname: str = "postgres") -> str:
        return replace(self._given, name=dbname).dsn


@pytest.fixture(scope="session")
def new_database(servers: LocalServers) -> Iterator[Callable[[], Database]]:
    """Makes a database by cloning one that has been migrated."""
    create_role(servers.superuser_dsn(), APPLICATION, APPLICATION)
    _log_in_cheaply(servers)
    template_name = f"daybook_template_{os.getpid()}"
    _execute(servers, f"CREATE DATABASE {template_name}")
    template = servers.superuser_dsn(template_name)
    migrate(template, APPLICATION)
    engine = create_engine(template.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        ensure(connection)
    engine.dispose()
    numbers = count(1)

    def clone() -> Database:
        name = f"daybook_test_{os.getpid()}_{next(numbers)}"
        _execute(servers, f"CREATE DATABASE {name} TEMPLATE {template_name}")
        application = f"postgresql://{APPLICATION}:{APPLICATION}@{servers.host}:{servers.port}/{name}"
        return Database(name, servers.superuser_dsn(name), application)

    yield clone
    _execute(servers, f"DROP DATABASE {template_name} WITH (FORCE)")


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A private one, whose `url` is a BROKER_URL; a test that asks for it is skipped where there is none."""
    program = find_rabbitmq()
    if program is None:
        pytest.skip("rabbitmq-server is not on this machine: apt-get install rabbitmq-server")
    home = Path(tempfile.mkdtemp(prefix="daybook-rabbitmq-"))
    server = RabbitMQ(home, program)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def emptied_database(
    servers: LocalServers, new_database: Callable[[], Database]
) -> Iterator[EmptiedDatabase[Database]]:
    """The database that the tests of this process share, one after the other."""
    shared = EmptiedDatabase(new_database, partial(_drop, servers))
    yield shared
    shared.drop()


@pytest.fixture
def database(servers: LocalServers, emptied_database: EmptiedDatabase[Database]) -> Database:
    """Empty, as is Redis: nothing is left of the test before."""
    with Redis.from_url(servers.redis_url) as redis:
        redis.flushall()
    return emptied_database.emptied()


@pytest.fixture
def own_database(servers: LocalServers, new_database: Callable[[], Database]) -> Iterator[Database]:
    """A database that this test shares with nobody: for what is done by several processes, or is killed."""
    fresh = new_database()
    yield fresh
    _drop(servers, fresh)


def _drop(servers: LocalServers, database: Database) -> None:
    _collect()  # a connection that was given up half-way would hold up the server for a minute
    _execute(servers, f"DROP DATABASE {database.name} WITH (FORCE)")


def _collect() -> None:
    """What this test has left; now and then what all have: to look at everything takes half a second."""
    if next(_collections) % 100 == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()


_collections = count(1)


def _log_in_cheaply(servers: LocalServers) -> None:
    """Most of what a connection costs is the hashing of the password (PostgreSQL 16 lets us choose how much)."""
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        if connection.info.server_version >= 160000:
            connection.execute("SET scram_iterations = 1")
            connection.execute(f"ALTER ROLE {APPLICATION} PASSWORD '{APPLICATION}'")


def _execute(servers: LocalServers, statement: str) -> None:
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        connection.execute(statement)
