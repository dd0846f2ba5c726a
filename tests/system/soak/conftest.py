"""How long the soak lasts."""

import pytest

from tests.conftest import is_in

HURRY = 900.0  # seconds beside the soak itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", type=float, default=1.0, help="Minutes of the soak.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_in(item.path, "system/soak"):
            item.add_marker(pytest.mark.timeout(60 * float(item.config.getoption("--soak", 1.0)) + HURRY))


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> float:
    """Seconds."""
    return 60 * float(request.config.getoption("--soak", 1.0))
