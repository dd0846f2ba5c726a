"""Many streams of events from one process: what they take of its memory, and of its time for a booking."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from domain.log_position import position_of
from tests.support.instances import Instance
from tests.support.waiting import PATIENCE
from tests.system.journeys.feed.streams import Stream
from tests.system.journeys.feed.test_stream import Report, report, token_of
from tests.system.journeys.town import Shop, Town, at, good

__all__ = ["report"]
SETTLED = 3.0  # seconds


async def idle(fresh: Callable[..., Instance], count: int, report: Report) -> None:
    """So many clients of one process; memory stays as it is while events come."""
    instance = fresh(apis=1, env={"API_CONNECTIONS": str(count + 200)})
    async with Town(instance) as town:
        shop = await town.a_shop()
        token, (pid,) = token_of(shop.owner), instance.pids("api")
        await events(shop, 20)
        await followed_up_to(max(each.position for each in town.acknowledged), instance.api, token)
        before = memory(pid)
        streams: list[Stream] = []
        for _ in range(0, count, 50):
            streams += await asyncio.gather(*(Stream.open(instance.api, token) for _ in range(50)))
        opened = memory(pid)
        tasks = [asyncio.create_task(each.read_until(lambda each=each: len(each.events) >= 80)) for each in streams]  # type: ignore[misc]
        await events(shop, 20)
        half = memory(pid)
        await events(shop, 20)
        assert all(await asyncio.gather(*tasks))
        after = memory(pid)
        ready = good(await town.stranger.ask("GET", "/health/ready"))
        for stream in streams:
            await stream.close()
        each = (opened - before) * 1024 / count
        report(f"{count} streams: {before:.0f} MB before, {opened:.0f} open ({each:.0f} kB each)")
        report(f"{half:.0f} MB after 40 events, {after:.0f} MB after 80")
        assert ready["status"] != "unavailable"
        assert len({str(stream.events) for stream in streams}) == 1
        assert each < 100, "kB a client"
        assert after - half < max(10.0, 0.1 * half), "flat while events come"


async def followed_up_to(position: int, api: str, token: str) -> None:
    """The process has sent everything up to a position: streams that open now begin after it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            stream = await Stream.open(api, token)
            await stream.close()
            if (position_of(stream.id or "") or 0) >= position:
                return


async def events(shop: Shop, bookings: int) -> None:
    ada = shop.town.somebody()
    for n in range(bookings):
        made = good(await ada.book(shop, at("09:00", day=n)), 201)
        good(await ada.change(made, "cancel", {"reason": "ill"}))


def memory(pid: int) -> float:
    """MB of the process's own."""
    return int(re.findall(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[0]) / 1024


async def test_two_hundred_idle_clients_take_little_memory(fresh: Callable[..., Instance], report: Report) -> None:
    await idle(fresh, 200, report)


async def test_two_thousand_idle_clients_of_one_process_take_little_memory(
    fresh: Callable[..., Instance], report: Report
) -> None:
    await idle(fresh, 2_000, report)


@pytest.mark.timeout(1_800)
async def test_two_thousand_clients_take_no_part_in_the_bookings_of_others(
    fresh: Callable[..., Instance], report: Report
) -> None:
    instance, count = fresh(apis=1, env={"API_CONNECTIONS": "2300"}), 2_000
    async with Town(instance) as town:
        shop, token, (pid,) = await town.a_shop(), instance.token("customer"), instance.pids("api")
        await events(shop, 40)
        without, beside = [], []
        for _ in range(3):
            without.append(await booking_costs(shop, pid))
            streams: list[Stream] = []
            for _ in range(0, count, 50):
                streams += await asyncio.gather(*(Stream.open(instance.api, token) for _ in range(50)))
            beside.append(await booking_costs(shop, pid))
            for stream in streams:
                await stream.close()
    report(f"CPU of a booking and its cancellation, ms: {ms(without)} without, {ms(beside)} beside {count} streams")
    assert median(beside) < 2 * max(without), "a process that looked at each of them for each event would take seconds"


async def booking_costs(shop: Shop, pid: int, bookings: int = 100) -> float:
    """Seconds of the process for each, once it has opened or closed its connections."""
    await asyncio.sleep(SETTLED)
    before = cpu(pid)
    await events(shop, bookings)
    return (cpu(pid) - before) / bookings


def cpu(pid: int) -> float:
    """Seconds that the process has worked."""
    user, system = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ms(seconds: list[float]) -> str:
    return " ".join(f"{1_000 * each:.1f}" for each in seconds)
