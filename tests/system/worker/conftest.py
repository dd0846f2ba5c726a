"""One Daybook for the tests of workers, whose PostgreSQL and broker they may take away and bring back."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from infrastructure.local.programs import free_port
from infrastructure.local.servers import LocalServers
from tests.conftest import is_in
from tests.support.instances import Instance, a_folder
from tests.support.smtp_receiver import Receiver
from tests.system.worker.broker import Broker
from tests.system.worker.crew import Crew


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--jobs", type=int, default=0, help="How many are in the backlog; 0: the quick part.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_in(item.path, "system/worker") and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600))  # each wait within has an end of its own


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalServers]:
    """On a port that stays."""
    with a_folder("daybook-worker-") as home:
        server = LocalServers(home / "server", fsync=False, valkey=False, port=free_port())
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def receiver_of_all() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(receiver_of_all: Receiver) -> Receiver:
    """Quick, with nothing in it."""
    receiver_of_all.slow = 0.0
    receiver_of_all.answers.clear()
    receiver_of_all.mails.clear()
    return receiver_of_all


@pytest.fixture(scope="session")
def broker_of_all() -> Iterator[Broker]:
    with a_folder("daybook-broker-") as folder:
        broker = Broker(folder).start()
        try:
            yield broker
        finally:
            broker.stop()


@pytest.fixture(scope="session")
def instance(postgres: LocalServers, broker_of_all: Broker, receiver_of_all: Receiver) -> Iterator[Instance]:
    to = conninfo_to_dict(postgres.superuser_dsn())
    env = {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(to["port"]),
        "DB_NAME": "daybook",
        "DB_PASS": "secret",
        "DB_SUPERUSER": str(to["user"]),
        "DB_SUPERUSER_PASS": str(to["password"]),
        "BROKER_URL": broker_of_all.url,
        "SMTP_URL": receiver_of_all.url,
    }
    with a_folder() as folder, Instance.start(folder, apis=1, env=env) as instance:
        yield instance


@pytest.fixture
def broker(broker_of_all: Broker) -> Broker:
    """With no messages in it."""
    broker_of_all.flush()
    return broker_of_all


@pytest.fixture
def crew(instance: Instance, broker: Broker, receiver: Receiver) -> Iterator[Crew]:
    """Nothing is left to do from the test before; no worker outlives its test."""
    crew = Crew(instance, instance.environment(SMTP_URL=receiver.url))
    crew.ask("DELETE FROM work.job")
    crew.ask("UPDATE work.enrolled SET swept_at = NULL")
    yield crew
    for role in instance.roles:
        role.kill()
    instance.roles.clear()
