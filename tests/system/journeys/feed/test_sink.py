"""`daybook feed-sink` on real processes: killed, resumed, and without its server."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infrastructure.feed.natsserver import NatsServer
from tests.support.instances import Instance, Process, eventually
from tests.support.waiting import PATIENCE
from tests.system.journeys.feed.test_stream import Report, busy, listed, report
from tests.system.journeys.town import Town

STREAM = "DAYBOOK"
SOON = 3 * PATIENCE
__all__ = ["report"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path) as server:
        yield server


def started(instance: Instance, server: NatsServer, *options: str) -> Process:
    """The sink's process, to be ended by the test."""
    process = Process.start(
        instance.data,
        *("feed-sink", *options, "--data", str(instance.data)),
        env=instance.environment(NATS_URL=server.url),
    )
    instance.roles.append(process)
    return process


async def grown(server: NatsServer, by: int) -> None:
    """The stream has so many more messages."""
    since = await server.last(STREAM)

    async def there() -> bool:
        return await server.last(STREAM) >= since + by

    await eventually(there, SOON)


async def published(instance: Instance, town: Town, server: NatsServer, kills: int, report: Report) -> None:
    shop, dice, over, began = await town.a_shop(), random.Random(kills), asyncio.Event(), time.monotonic()
    load = asyncio.create_task(busy(shop, over))
    for _ in range(kills):
        process = started(instance, server, "--create")
        await grown(server, dice.randrange(1, 4))
        process.kill()
    over.set()
    await load
    auditor = town.somebody("auditor")
    head = f"0.{max(each.position for each in town.acknowledged)}"  # readers may be behind it: `listed` waits for them
    expected = await listed(auditor, "0.0", head)
    process = started(instance, server)

    async def complete() -> bool:
        return await server.last(STREAM) >= len(expected)

    await eventually(complete, SOON)
    assert process.stop() == 0
    # What the worker makes happen meanwhile, such as a request that expires, comes after all of these.
    found = (await server.messages(STREAM))[: len(expected)]
    report(f"{kills} kills, {len(found)} messages in {time.monotonic() - began:.1f} s")
    assert [json.loads(each.data or b"") for each in found] == expected
    assert [(each.headers or {})["Daybook-Position"] for each in found] == [e["data"]["position"] for e in expected]


async def test_a_sink_killed_and_resumed_publishes_every_event_once_in_order(
    shared: Instance, town: Town, server: NatsServer, report: Report
) -> None:
    await published(shared, town, server, 4, report)


async def test_a_sink_waits_for_its_server_with_one_line_an_outage_and_ends_at_a_second_publisher(
    shared: Instance, town: Town, server: NatsServer
) -> None:
    shop = await town.a_shop()
    process = started(shared, server, "--create")
    await grown(server, 1)
    server.stop()
    over = asyncio.Event()
    load = asyncio.create_task(busy(shop, over))
    await eventually(lambda: told(outages(process) == 1))
    await asyncio.sleep(3)  # several attempts: nothing to wait for but lines that must not come
    assert outages(process) == 1, process.said
    server.start()
    await grown(server, 2)
    await eventually(lambda: told("the feed is published again" in process.said))
    client, js = await server.connected()
    await js.publish("daybook.appointment.booked", b"{}")
    await client.close()
    assert await asyncio.to_thread(process.wait) == 1
    over.set()
    await load
    assert "another publisher is at work" in process.said or "not of this sink" in process.said
    assert outages(process) == 1


async def told(it: bool) -> bool:
    """For `eventually`, which lets people book meanwhile."""
    return it


def outages(process: Process) -> int:
    return process.said.count("the feed is not published, retrying")


async def test_a_sink_killed_a_hundred_times_publishes_every_event_once_in_order(
    shared: Instance, town: Town, server: NatsServer, report: Report
) -> None:
    await published(shared, town, server, 100, report)
