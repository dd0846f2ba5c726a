"""A process that is told to stop says so first, then takes no more connections, finishes what it has, and ends."""

import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.instances import Api, Instance, a_folder

DRAIN = 3.0  # seconds


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1, env={"API_DRAIN_SECONDS": str(DRAIN)}) as running:
        yield running


@pytest.fixture
def api(instance: Instance) -> Iterator[Api]:
    with instance.another_api(env=instance.environment(API_DRAIN_SECONDS=str(DRAIN))) as another:
        yield another


def asked(url: str, path: str) -> httpx.Response | None:
    """An answer on a connection of its own; None if it was refused."""
    try:
        return httpx.get(f"{url}{path}", timeout=30)
    except httpx.TransportError:
        return None


@pytest.mark.fault(4)
def test_readiness_says_503_first_and_requests_are_answered_until_it_stops(api: Api) -> None:
    process = api.process
    process.send_signal(signal.SIGTERM)
    told, began = [], time.monotonic()
    while process.poll() is None and time.monotonic() < began + 60:
        ready, work = asked(api.url, "/health/ready"), asked(api.url, "/v1/services?limit=1")
        told.append((ready and (ready.status_code, ready.json()["status"]), work and work.status_code))
        if work is None:
            break
    answered = [each for each in told if each[1] is not None]
    assert answered, told
    assert {each for each in answered if each[0] is not None} <= {((503, "draining"), 200)}, told
    process.wait(60)
    assert time.monotonic() - began >= DRAIN
    assert asked(api.url, "/health/ready") is None


def test_a_second_signal_ends_it_at_once(api: Api) -> None:
    process = api.process
    process.send_signal(signal.SIGTERM)
    within_drain = asked(api.url, "/health/ready")
    assert within_drain is not None
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert asked(api.url, "/health/ready") is None
