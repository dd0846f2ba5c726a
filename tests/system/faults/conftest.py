"""How many reminders are due, and the servers of the tests of workers."""

import logging
from random import Random

import pytest

from tests.conftest import is_in
from tests.system.worker.conftest import broker, broker_of_all, crew, instance, postgres, receiver, receiver_of_all

__all__ = ["broker", "broker_of_all", "crew", "instance", "postgres", "receiver", "receiver_of_all"]

log = logging.getLogger(__name__)

HURRY = 1_000.0  # seconds within which even a machine that does other things gets through


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reminders", type=int, default=0, help="How many are due; 0: the quick part.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_in(item.path, "system/faults"):
            item.add_marker(pytest.mark.timeout(HURRY if item.config.getoption("--reminders", 0) else 900))


@pytest.fixture
def reminders(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--reminders", 0)) or 200


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """Every choice of the test. What is logged here is shown when the test fails."""
    seed = request.config.getoption("randomly_seed", 0)
    log.warning("the same choices again: make faults ARGS='-p randomly --randomly-seed=%s'", seed)
    return Random(f"{seed} {request.node.name}")
