"""How long the torture lasts, and the chance behind it: the same seed makes the same plan again."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from infrastructure.local.programs import free_port
from infrastructure.local.servers import LocalServers
from tests.conftest import Database, is_in
from tests.support.instances import Instance, a_folder
from tests.system.torture.door import Door
from tests.system.torture.following import Followers
from tests.system.torture.hearing import Ear
from tests.system.torture.storm import Storm

log = logging.getLogger(__name__)

HURRY = 1_000.0  # seconds within which even a machine that does other things gets through


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--minutes", type=float, default=0.0, help="How long the storm lasts; 0: the quick part.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_in(item.path, "system/torture"):
            minutes = item.config.getoption("--minutes", 0.0)
            item.add_marker(pytest.mark.timeout(minutes * 60 + HURRY if minutes else 900))


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """0 for the quick part."""
    return float(request.config.getoption("--minutes", 0.0))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """Every choice of the test. What is logged here is shown when the test fails."""
    seed = request.config.getoption("randomly_seed")
    log.warning("the same choices again: make torture ARGS='--randomly-seed=%s'", seed)
    return Random(f"{seed} {request.node.name}")


@pytest.fixture
def durable() -> Iterator[LocalServers]:
    """A PostgreSQL of the test's own that keeps what it commits, on a port that stays, to be killed."""
    with a_folder("daybook-torture-") as home:
        server = LocalServers(home / "server", valkey=False, port=free_port())
        try:
            yield server.start()
        finally:
            server.stop()
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def storm(durable: LocalServers, chance: Random) -> AsyncIterator[Storm]:
    """A projector and two API processes, kept by `daybook up`, that reach the server through a door."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    to = conninfo_to_dict(durable.superuser_dsn())
    with a_folder() as data:
        async with Door(durable.superuser_dsn()) as door:
            theirs = {
                "DB_HOST": "127.0.0.1",
                "DB_PORT": str(door.port),
                "DB_NAME": "daybook",
                "DB_PASS": "secret",
                "DB_SUPERUSER": str(to["user"]),
                "DB_SUPERUSER_PASS": str(to["password"]),
            }
            instance = await asyncio.to_thread(Instance.start, data, apis=2, env=theirs)
            try:
                yield Storm(instance, durable, door, chance)
            finally:
                door.cut()
                door.flow()
                await asyncio.to_thread(instance.__exit__)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """As the application's role."""
    engine = create_async_engine(database.url)
    yield engine
    await engine.dispose()


@pytest.fixture
def ear(database: Database) -> Ear:
    """Made known to the database, with its table."""
    return Ear.made(database)


@pytest.fixture
def followers(database: Database, ear: Ear, tmp_path: Path) -> Iterator[Followers]:
    """Projectors in processes of their own, with the ear as their reader."""
    with Followers(database, tmp_path) as followers:
        yield followers
