"""A consumer of the feed's pages on real processes, killed and resumed while people book."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import httpx

from tests.support.waiting import PATIENCE
from tests.system.journeys.feed.test_stream import Report, busy, listed, report, token_of
from tests.system.journeys.town import Town, good

__all__ = ["report"]


async def paged(town: Town, apis: tuple[str, str], kills: int, report: Report) -> None:
    """A consumer stores `next` with what it has read, and dies before, during or after a request; so often."""
    shop, dice, over = await town.a_shop(), random.Random(kills), asyncio.Event()
    first = after = f"0.{max(each.position for each in town.acknowledged)}"
    identity, began = {"authorization": f"Bearer {token_of(shop.owner)}"}, time.monotonic()
    found: list[dict[str, Any]] = []
    load = [asyncio.create_task(busy(shop, over)) for _ in range(2)]
    for n in range(kills):
        async with httpx.AsyncClient(base_url=apis[n % 2], headers=identity, timeout=PATIENCE) as consumer:
            for _ in range(dice.randrange(1, 4)):
                query = f"/v1/events?after={after}&limit={dice.randrange(1, 6)}"
                if dice.random() < 0.3:
                    asked = asyncio.create_task(consumer.get(query))
                    await asyncio.sleep(0.02 * dice.random())
                    asked.cancel()  # it died before it had stored the answer
                    break
                answer = await consumer.get(query)
                if answer.status_code != 503:  # this process is behind the position that the other one answered
                    told = good(answer)
                    found, after = found + told["items"], told["next"]
    over.set()
    count = sum(await asyncio.gather(*load))
    head = f"0.{max(each.position for each in town.acknowledged)}"
    found += await listed(shop.owner, after, head)
    report(f"{kills} kills, {count} bookings, {len(found)} events in {time.monotonic() - began:.1f} s")
    assert found == await listed(shop.owner, first, head)
    assert len(found) == 2 * count


async def test_a_consumer_of_pages_killed_and_resumed_sees_every_event_once_in_order(
    town: Town, apis: tuple[str, str], report: Report
) -> None:
    await paged(town, apis, 10, report)


async def test_a_consumer_of_pages_killed_a_hundred_times_sees_every_event_once_in_order(
    town: Town, apis: tuple[str, str], report: Report
) -> None:
    await paged(town, apis, 100, report)
