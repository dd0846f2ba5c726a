"""Real servers for tests that need them, started by the first that asks; a fresh database for each test."""

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from infrastructure.database import create_role, migrate
from infrastructure.local import LocalServers
from projections.generation import ensure

APPLICATION = "daybook"
TEMPLATE = "daybook_template"


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
    home = Path(tempfile.mkdtemp(prefix="daybook-test-"))
    home.chmod(0o755)  # PostgreSQL's account must get in
    with LocalServers(home, fsync=False) as running:
        yield running
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def new_database(servers: LocalServers) -> Callable[[], Database]:
    """Makes a database by cloning one that has been migrated."""
    create_role(servers.superuser_dsn(), APPLICATION, APPLICATION)
    _execute(servers, f"CREATE DATABASE {TEMPLATE}")
    template = servers.superuser_dsn(TEMPLATE)
    migrate(template, APPLICATION)
    engine = create_engine(template.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        ensure(connection)
    engine.dispose()
    numbers = count(1)

    def clone() -> Database:
        name = f"daybook_test_{next(numbers)}"
        _execute(servers, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        application = f"postgresql://{APPLICATION}:{APPLICATION}@{servers.host}:{servers.port}/{name}"
        return Database(name, servers.superuser_dsn(name), application)

    return clone


@pytest.fixture
def database(servers: LocalServers, new_database: Callable[[], Database]) -> Iterator[Database]:
    """A fresh one for this test."""
    fresh = new_database()
    yield fresh
    gc.collect()  # a connection that was given up half-way would hold up the server for a minute
    _execute(servers, f"DROP DATABASE {fresh.name} WITH (FORCE)")


def _execute(servers: LocalServers, statement: str) -> None:
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        connection.execute(statement)
