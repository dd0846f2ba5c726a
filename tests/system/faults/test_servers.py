"""PostgreSQL ends in each way, and connections fall silent: everybody is answered, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from time import monotonic

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import conninfo_to_dict

from infrastructure.local.programs import free_port
from infrastructure.local.servers import LocalServers
from tests.support.faultproxy import TO_CLIENT, TO_SERVER, FaultProxy
from tests.support.instances import Instance, a_folder, eventually, is_ready, within
from tests.support.waiting import PATIENCE
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import Person, Shop, Town, at, good, position
from tests.system.torture.crowd import Crowd
from tests.system.torture.door import Door

ENDS = {"in order": signal.SIGINT, "at once": signal.SIGQUIT, "killed": signal.SIGKILL}
_END_ONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'daybook-writer' LIMIT 1"
log = logging.getLogger(__name__)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class House:
    """A Daybook whose way to PostgreSQL and Redis leads through doors."""

    instance: Instance
    servers: LocalServers
    database: Door
    redis: FaultProxy

    def postmaster(self) -> int:
        return int((self.servers.home / "postgres/data/postmaster.pid").read_text(encoding="utf-8").splitlines()[0])

    async def is_refused(self) -> bool:
        """Whether a read gets 503 with the advice to come again; it must not get another failure."""
        answer = await self.asked("/v1/services?limit=1")
        if answer.status_code != 503:
            assert answer.status_code == 200, answer.text
            return False
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        return True

    async def is_served(self) -> bool:
        return not await self.is_refused()

    async def asked(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.instance.api, timeout=PATIENCE) as web:
            return await web.get(path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    with (
        a_folder("daybook-house-") as home,
        LocalServers(home / "postgres", valkey=False, port=free_port()) as servers,
        LocalServers(home / "redis", postgres=False) as cache,
    ):
        to = conninfo_to_dict(servers.superuser_dsn())
        async with Door(servers.superuser_dsn()) as database, FaultProxy(cache.redis_url) as redis:
            theirs = {
                "DB_HOST": "127.0.0.1",
                "DB_PORT": str(database.port),
                "DB_NAME": "daybook",
                "DB_PASS": "secret",
                "DB_SUPERUSER": str(to["user"]),
                "DB_SUPERUSER_PASS": str(to["password"]),
                "REDIS_URL": redis.dsn,
            }
            with a_folder() as data:
                instance = await asyncio.to_thread(Instance.start, data, apis=1, env=theirs)
                instance.superuser_database = servers.superuser_dsn("daybook")
                try:
                    yield House(instance, servers, database, redis)
                finally:
                    for door in (database, redis):
                        door.cut()
                        door.flow()
                    await asyncio.to_thread(instance.__exit__)


@pytest.mark.fault(5)
@pytest.mark.parametrize("how", ENDS)
async def test_postgresql_ends_under_load_and_comes_back(house: House, how: str) -> None:
    """Nobody restarts a process of Daybook."""
    apis = house.instance.pids("api")
    async with Town(house.instance) as town:
        crowd = Crowd(town, Random(how))
        async with crowd.out(people=8):
            await crowd.more(20, PATIENCE)
            postmaster = house.postmaster()
            os.kill(postmaster, ENDS[how])
            await eventually(house.is_refused, PATIENCE)
            assert (await house.asked("/health/live")).status_code == 200
            await asyncio.to_thread(house.servers.stop)
            began = monotonic()
            await asyncio.to_thread(house.servers.start)
            up = monotonic()
            await eventually(house.is_served, PATIENCE)
            await crowd.more(20, PATIENCE)
            log.info("%s: server up after %.1f s, served %.1f s later", how, up - began, monotonic() - up)
        await asyncio.to_thread(within, PATIENCE, lambda: is_ready(house.instance.api))
        await checked(house.instance, town.acknowledged)
    assert house.instance.pids("api") == apis


@pytest.mark.fault(5)
async def test_the_writer_s_connection_is_ended_under_load(house: House) -> None:
    async with Town(house.instance) as town:
        crowd = Crowd(town, Random(5))
        async with crowd.out(people=8):
            for _ in range(5):
                await crowd.more(10, PATIENCE)
                with psycopg.connect(house.servers.superuser_dsn(), autocommit=True) as connection:
                    assert connection.execute(_END_ONE).rowcount == 1
            await crowd.more(20, PATIENCE)
        await checked(house.instance, town.acknowledged)


@pytest.mark.fault(18)
async def test_a_silent_postgresql_keeps_nobody_waiting_for_ever(house: House) -> None:
    """Connections stay open, and nothing comes through: requests under way and new ones end, with 503."""
    async with Town(house.instance) as town:
        shop = await town.a_shop()
        house.database.stall(TO_SERVER, TO_CLIENT)
        people = [town.somebody() for _ in range(20)]
        booking = [person.book(shop, at("08:00"), key=f"silent-{n}") for n, person in enumerate(people)]
        reading = [house.asked("/v1/services?limit=1") for _ in range(20)]
        asked = asyncio.gather(*booking, *reading, return_exceptions=True)
        found = await asyncio.wait_for(asked, PATIENCE)
        answers = [each for each in found if isinstance(each, httpx.Response)]
        assert len(answers) == len(found), (found, house.instance.process.said[-3000:])
        assert {each.status_code for each in answers} == {503}
        assert (await house.asked("/health/live")).status_code == 200
        assert (await house.asked("/health/ready")).status_code == 503
        house.database.cut()
        house.database.flow()
        await asyncio.to_thread(within, PATIENCE, lambda: is_ready(house.instance.api))
        again = await asyncio.gather(*(booked(each, shop, f"silent-{n}") for n, each in enumerate(people)))
        assert sorted(each.status_code for each in again) == [201] + [409] * 19
        await checked(house.instance, town.acknowledged)


async def booked(person: Person, shop: Shop, key: str) -> httpx.Response:
    """The answer to a booking that is sent again, with its key, as long as it is told to come again."""
    while (answer := await person.book(shop, at("08:00"), key=key)).status_code == 503:  # noqa: ASYNC110  it says how long
        await asyncio.sleep(float(answer.headers["retry-after"]))
    return answer


@pytest.mark.fault(18)
async def test_a_silent_redis_keeps_nobody_waiting(house: House) -> None:
    async with Town(house.instance) as town:
        shop = await town.a_shop()
        first = await town.somebody().book(shop, at("08:00"))
        good(first, 201)
        seen = position(first)
        await reads_and_books(shop, town, "10:00", seen)
        house.redis.stall(TO_SERVER, TO_CLIENT)
        for hour in ("11:00", "12:00", "13:00"):
            await asyncio.wait_for(reads_and_books(shop, town, hour, seen), PATIENCE)
        house.redis.cut()
        house.redis.flow()
        await asyncio.to_thread(within, PATIENCE, lambda: is_ready(house.instance.api))
        await reads_and_books(shop, town, "14:00", seen)
        await checked(house.instance, town.acknowledged)


async def reads_and_books(shop: Shop, town: Town, time: str, seen: int) -> None:
    """A time is offered, booked, and offered no more."""
    assert at(time) in (await shop.starts(seen=seen))["starts"]
    answer = await town.somebody().book(shop, at(time))
    good(answer, 201)
    assert at(time) not in (await shop.starts(seen=position(answer)))["starts"]
