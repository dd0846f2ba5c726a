"""How long the soak lasts."""

from pathlib import Path

import pytest

HURRY = 900.0  # seconds beside the soak itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", type=float, default=1.0, help="Minutes of the soak.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(60 * float(item.config.getoption("--soak", 1.0)) + HURRY))


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> float:
    """Seconds."""
    return 60 * float(request.config.getoption("--soak", 1.0))
