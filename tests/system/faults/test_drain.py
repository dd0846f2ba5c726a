"""A process that is told to stop finishes what it has, and ends: each role but the worker (tests/system/worker).

The API says so first, then takes no more connections. It has no open streams: nothing sends events to browsers.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.instances import Api, Instance, a_folder, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town, at, good, position

DRAIN = 3.0  # seconds
HALF_AN_HOUR = timedelta(minutes=30)


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


@pytest.mark.fault(4)
async def test_a_projector_ends_between_two_pages_and_another_leads(instance: Instance) -> None:
    async with Town(instance) as town:
        shop, person = await town.a_shop(), town.somebody()
        (leader,) = instance.pids("project")
        with instance.role("project") as standby:
            within(PATIENCE, lambda: "daybook role started" in standby.said)
            booking = [asyncio.create_task(person.book(shop, at("00:00") + n * HALF_AN_HOUR)) for n in range(40)]
            await asyncio.sleep(0)
            os.kill(leader, signal.SIGTERM)
            booked = await asyncio.gather(*booking)
            assert {each.status_code for each in booked} == {201}
            last = max(position(each) for each in booked)
            listed = good(await person.get("/v1/appointments?limit=100", seen=last))["items"]
            assert len(listed) == len(booked)
            others = [pid for pid in instance.pids("project") if pid != leader]
            assert "projector is now the leader" in standby.said or others, "`up` starts another, which may lead too"
            await checked(instance, town.acknowledged)
            assert standby.stop() == 0
            assert "Traceback" not in standby.said


def catches_sigterm(pid: int) -> bool:
    """Whether a process has got as far as to say what it does on SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.fault(4)
def test_beat_ends_at_once(instance: Instance) -> None:
    with instance.role("beat") as beat:
        within(PATIENCE, lambda: catches_sigterm(beat.process.pid))
        assert beat.stop() == 0
        assert "daybook role stopped" in beat.said
        assert "Traceback" not in beat.said
