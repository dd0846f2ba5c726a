"""One Daybook for each test process, started by `daybook up`; each test has its own providers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from tests.support.checker import Acknowledged, check
from tests.support.instances import Instance, a_folder
from tests.system.journeys.town import Town


@pytest.fixture(scope="session")
def shared() -> Iterator[Instance]:
    """For tests that leave it as they found it; without the demo town."""
    with a_folder() as folder, Instance.start(folder, apis=1) as instance:
        yield instance


@pytest.fixture(scope="session")
def apis(shared: Instance) -> Iterator[tuple[str, str]]:
    """Two API processes, each on a port of its own."""
    with shared.another_api() as second:
        yield shared.api, second.url


@pytest.fixture
def fresh() -> Iterator[Callable[..., Instance]]:
    """Starts instances of the test's own, to be broken."""
    numbers = count()
    with a_folder() as folder, ExitStack() as stack:

        def start(**options: object) -> Instance:
            data = folder / str(next(numbers))
            data.mkdir()
            data.chmod(0o755)
            return stack.enter_context(Instance.start(data, **options))  # type: ignore[arg-type]

        yield start


@pytest.fixture
async def town(shared: Instance, apis: tuple[str, str]) -> AsyncIterator[Town]:
    """The shared Daybook, its two processes in turn; after the test its whole log is checked."""
    async with Town(shared, apis) as town:
        yield town
        await checked(shared, town.acknowledged)


async def checked(instance: Instance, acknowledged: list[Acknowledged]) -> None:
    """Assert that the log keeps its promises."""
    await asyncio.to_thread(check, instance.superuser_database, acknowledged)
