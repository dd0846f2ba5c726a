"""No answer is staler than it says, whatever becomes of Redis."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import redis.asyncio

from domain.booking.calendar_day import Day
from tests.support.checker import look
from tests.support.instances import Instance, children, command, eventually
from tests.support.recomputation import changes
from tests.system.journeys.conftest import checked
from tests.system.journeys.town import TAKEN, Shop, Town, at, good, position, problem

DAYS = 2
GRID = [at("00:00", day) + timedelta(minutes=30 * n) for day in range(DAYS) for n in range(48)]


class Told(NamedTuple):
    """An answer about a day: what it was asked to reflect, what it says it reflects, and what it offers."""

    seen: int
    position: int
    day: int
    starts: frozenset[datetime]


class Crowd:
    """Bookers who book and cancel, readers who poll with the last position that they have seen."""

    def __init__(self, town: Town, shop: Shop, booked: int) -> None:
        self.told: list[Told] = []
        self._town, self._shop, self._left = town, shop, booked
        self._done = asyncio.Event()
        self._opened = max(promise.position for promise in town.acknowledged)

    async def run(self, disturb: Callable[[], Awaitable[Any]] | None = None) -> None:
        """Until everything is booked; `disturb` goes on meanwhile."""
        readers = [asyncio.create_task(self._read()) for _ in range(6)]
        others = [asyncio.create_task(self._disturb(disturb))] if disturb else []
        await asyncio.gather(*(self._book() for _ in range(4)))
        self._done.set()
        await asyncio.gather(*readers, *others)

    async def _disturb(self, disturb: Callable[[], Awaitable[Any]]) -> None:
        while not self._done.is_set():
            await disturb()

    async def _book(self) -> None:
        person = self._town.somebody()
        while self._left > 0:
            self._left -= 1
            answer = await person.book(self._shop, random.choice(GRID))
            if not answer.is_success:
                assert problem(answer) == TAKEN
            elif random.random() < 0.5:
                cancelled = await person.change(good(answer, 201), "cancel")
                await self._ask(position(cancelled))
            else:
                await self._ask(position(answer))

    async def _read(self) -> None:
        seen = self._opened
        while not self._done.is_set():
            seen = await self._ask(seen)

    async def _ask(self, seen: int) -> int:
        day = random.randrange(DAYS)
        told = await self._shop.starts(day, seen=seen)
        self.told.append(Told(seen, told["position"], day, frozenset(told["starts"])))
        return max(seen, int(told["position"]))


def assert_true(instance: Instance, shop: Shop, told: Sequence[Told]) -> None:
    """Each answer offers what was free at its position, and reflects what its reader had seen."""
    free = _free_by_position(instance, shop)
    for answer in told:
        assert answer.position >= answer.seen
        day = {start for start in GRID if start.date() == at("00:00", answer.day).date()}
        assert answer.starts == free[answer.position] & day, f"at {answer.position}, asked {answer.seen}"


def _free_by_position(instance: Instance, shop: Shop) -> list[frozenset[datetime]]:
    """What of the grid was free at each position, folded from the log."""
    taken: dict[UUID, datetime] = {}
    ours: set[UUID] = set()
    free = [frozenset(GRID)]
    for change in changes(look(instance.superuser_database).events):
        match change.event:
            case Day.Opened(calendar_id=calendar) if str(calendar) == shop.provider_id:
                ours.add(change.stream)
            case Day.Reserved() as it if change.stream in ours:
                taken[it.taker] = it.starts_at
            case Day.Released() as it if change.stream in ours:
                del taken[it.taker]
            case _:
                pass
        free.append(frozenset(GRID) - frozenset(taken.values()) if change.stream in ours else free[-1])
    return free


async def test_no_reader_is_offered_what_was_taken_by_what_it_has_seen(town: Town) -> None:
    shop = await town.a_shop()
    crowd = Crowd(town, shop, booked=150)
    await crowd.run()
    await asyncio.to_thread(assert_true, town.instance, shop, crowd.told)
    assert len(crowd.told) > 150


@pytest.mark.fault(7)
async def test_flushing_redis_under_load_makes_no_answer_wrong(town: Town) -> None:
    shop = await town.a_shop()
    crowd = Crowd(town, shop, booked=100)
    async with redis.asyncio.Redis.from_url(town.instance.redis) as client:

        async def flush() -> None:
            await client.flushall()
            await asyncio.sleep(random.uniform(0, 0.1))

        await crowd.run(flush)
    await asyncio.to_thread(assert_true, town.instance, shop, crowd.told)


@pytest.mark.fault(7)
async def test_redis_that_dies_under_load_takes_nothing_with_it(fresh: Callable[..., Instance]) -> None:
    instance = await asyncio.to_thread(fresh, apis=1)
    async with Town(instance) as town:
        shop = await town.a_shop()
        crowd = Crowd(town, shop, booked=120)
        work = asyncio.create_task(crowd.run())
        await eventually(_some(crowd.told, 30))
        (valkey,) = _caches(instance)
        os.kill(valkey, signal.SIGKILL)
        await work
        await asyncio.to_thread(assert_true, instance, shop, crowd.told)
        await eventually(_ready(town))
        assert _caches(instance) != [valkey], "it was started again"
        await checked(instance, town.acknowledged)


@pytest.fixture
async def without_redis(shared: Instance) -> Any:
    """An API process that was told of a Redis where nothing listens."""
    env = shared.environment(REDIS_URL="redis://127.0.0.1:1/0")
    another = shared.another_api(env)
    api = await asyncio.to_thread(another.__enter__)
    yield api.url
    api.stop()


async def test_a_process_that_never_finds_redis_answers_right(
    town: Town, without_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await town.a_shop()
    turns = iter([without_redis, *town.apis] * 10_000)
    monkeypatch.setattr(town, "next_api", lambda: next(turns))
    crowd = Crowd(town, shop, booked=80)
    await crowd.run()
    await asyncio.to_thread(assert_true, town.instance, shop, crowd.told)


def _caches(instance: Instance) -> list[int]:
    """The Valkey of the cache: the broker is another."""
    port = str(urlsplit(instance.redis).port)
    return [each for each in _servers(instance, "valkey-server") if port in " ".join(command(each))]


def _ready(town: Town) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        told = good(await town.stranger.get("/health/ready"))
        return (told["status"], told["checks"]["redis"]["ok"]) == ("ready", True)

    return ready


def _servers(instance: Instance, name: str) -> list[int]:
    return [pid for pid in children(instance.process.process.pid) if name in command(pid)[0]]


def _some(told: Sequence[Told], count: int) -> Callable[[], Awaitable[bool]]:
    async def some() -> bool:
        return len(told) >= count

    return some
