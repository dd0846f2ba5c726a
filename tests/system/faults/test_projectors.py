"""The projector is killed, its leader sleeps and wakes, an event cannot be applied: read models stay true."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from random import Random

import pytest

from tests.support.instances import Instance, Process, a_folder, ask, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Town, at, good, position
from tests.system.torture.crowd import Crowd

KILLS = 6
LEADS = "projector is now the leader"
_BEHIND = """
    SELECT reader FROM read.live JOIN read.bookmark USING (generation)
    WHERE position < (SELECT max(notification_id) FROM log.stored_events)"""
_STOPPED = "SELECT reader FROM read.live JOIN read.bookmark USING (generation) WHERE stopped_at IS NOT NULL"


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1) as running:
        yield running


def is_current(instance: Instance) -> bool:
    return not ask(instance.superuser_database, _BEHIND)


def count(process: Process, words: str) -> int:
    return process.said.count(words)


@pytest.mark.fault(12)
async def test_killed_within_pages_every_effect_comes_once(instance: Instance) -> None:
    async with Town(instance) as town:
        crowd = Crowd(town, Random(12))
        async with crowd.out(people=8):
            for _ in range(KILLS):
                await crowd.more(10, PATIENCE)
                for pid in instance.pids("project"):  # `up` starts another
                    os.kill(pid, signal.SIGKILL)
            await crowd.more(10, PATIENCE)
        await asyncio.to_thread(within, PATIENCE, lambda: is_current(instance))
        await checked(instance, town.acknowledged)


@pytest.mark.fault(12)
async def test_a_leader_that_slept_finds_another_leading(instance: Instance) -> None:
    (leader,) = instance.pids("project")
    with instance.role("project") as standby:
        async with Town(instance) as town:
            crowd = Crowd(town, Random(13))
            async with crowd.out(people=8):
                await crowd.more(20, PATIENCE)
                os.kill(leader, signal.SIGSTOP)
                await asyncio.to_thread(within, PATIENCE, lambda: LEADS in standby.said)
                await crowd.more(20, PATIENCE)
                before = count(instance.process, "projector is on standby")
                os.kill(leader, signal.SIGCONT)
                await asyncio.to_thread(
                    within, PATIENCE, lambda: count(instance.process, "projector is on standby") > before
                )
                await crowd.more(20, PATIENCE)
            await asyncio.to_thread(within, PATIENCE, lambda: is_current(instance))
            await checked(instance, town.acknowledged)


@pytest.mark.fault(12)
async def test_an_event_that_cannot_be_applied_stops_one_projection(instance: Instance) -> None:
    """A constraint that no row meets stands for whatever a projection cannot write."""
    ((generation,),) = ask(instance.superuser_database, "SELECT generation FROM read.live")
    table = f"read_{generation}.visit"
    async with Town(instance) as town:
        shop, person = await town.a_shop(), town.somebody()
        good(await person.book(shop, at("09:00")), 201)
        await asyncio.to_thread(within, PATIENCE, lambda: is_current(instance))
        ask(instance.superuser_database, f"ALTER TABLE {table} ADD CONSTRAINT never CHECK (false) NOT VALID")
        booked = await town.somebody().book(shop, at("10:00"))
        good(booked, 201)
        await asyncio.to_thread(within, PATIENCE, lambda: ask(instance.superuser_database, _STOPPED))
        assert ask(instance.superuser_database, _STOPPED) == [("customer",)]
        later = await town.somebody().book(shop, at("11:00"))
        starts = (await shop.starts(seen=position(later)))["starts"]
        assert not {at("10:00"), at("11:00")} & {*starts}, "the others go on"
        ask(instance.superuser_database, f"ALTER TABLE {table} DROP CONSTRAINT never")
        words = ("projections", "resume", "customer", "--data", str(instance.data))
        resumed = await asyncio.to_thread(Process.start, instance.data, *words)
        assert await asyncio.to_thread(resumed.wait) == 0, resumed.said
        await asyncio.to_thread(within, PATIENCE, lambda: is_current(instance))
        await checked(instance, town.acknowledged)
