"""Limits: the same for all processes, stricter while Redis is away, and never a way to lock somebody out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from application.rate_limit import TooManyRequests
from infrastructure.identity import rate_limits
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.local.servers import LocalServers
from tests.support.faultproxy import FaultProxy
from tests.support.instances import eventually
from tests.support.waiting import BUSY

KEY = b"k" * 32
HERE, THERE = "192.0.2.1", "198.51.100.7"
Make = Callable[..., RateLimits]


@pytest.fixture
async def make(servers: LocalServers) -> AsyncIterator[Make]:
    """Makes limiters, each as if in a process of its own; those of one test count together."""
    prefix = f"{uuid4()}:"
    async with AsyncExitStack() as stack:

        def make(url: str | None = servers.redis_url) -> RateLimits:
            limits = RateLimits(KEY, url, prefix)
            stack.push_async_callback(limits.close)
            return limits

        yield make


async def taken(limits: RateLimits, times: int, *said: str) -> int:
    """How many of so many are taken."""
    count = 0
    for _ in range(times):
        try:
            await limits.take("login", *said)
            count += 1
        except TooManyRequests:
            pass
    return count


async def test_two_processes_count_together_by_account_and_network(make: Make):
    one, two = make(), make()
    assert await taken(one, 3, HERE, "ada") + await taken(two, 9, HERE, "ada") == 5
    assert await taken(two, 1, HERE, "grace") == 1
    assert await taken(one, 1, THERE, "ada") == 1


async def test_a_network_that_tries_many_accounts_is_stopped(make: Make):
    one, two = make(), make()
    counts = [await taken(limits, 1, HERE, f"{n}") for n in range(20) for limits in (one, two)]
    assert sum(counts) == 30
    assert await taken(one, 1, THERE, "0") == 1


async def test_one_account_from_everywhere_is_slowed_but_not_for_where_it_signs_in_from(make: Make):
    limits = make()
    await limits.forgive(await limits.take("login", HERE, "ada"))
    strangers = [await taken(limits, 1, f"203.0.113.{n}", "ada") for n in range(60)]
    assert sum(strangers) == 50
    assert await taken(limits, 1, HERE, "ada") == 1, "the owner is not locked out"


async def test_what_an_account_does_itself_counts_wherever_it_is(make: Make):
    limits, count = make(), 0
    await limits.forgive(await limits.take("password", HERE, "ada"))
    for n in range(60):
        try:
            await limits.take("hold", HERE if n % 2 else f"203.0.113.{n}", "ada")
            count += 1
        except TooManyRequests:
            pass
    assert count == 20


async def test_what_was_right_counts_for_nothing(make: Make):
    limits = make()
    for _ in range(40):
        await limits.forgive(await limits.take("login", HERE, "ada"))
    assert await taken(limits, 9, HERE, "ada") == 5


@pytest.mark.parametrize("shared", [True, False])
async def test_undoing_is_the_inverse_of_counting(make: Make, servers: LocalServers, shared: bool):
    """Own sign-ins open no room for strangers: no counter falls below zero, in any order of two at once."""
    limits = make() if shared else make(None)
    for _ in range(12):
        both = await asyncio.gather(*(limits.take("login", HERE, "ada") for _ in range(2)))
        await asyncio.gather(*(limits.forgive(each) for each in both))
    strangers = [await taken(limits, 1, f"203.0.113.{n}", "ada") for n in range(60)]
    assert sum(strangers) == (50 if shared else 25)
    if shared:
        async with Redis.from_url(servers.redis_url) as redis:
            counters = [key async for key in redis.scan_iter(f"{limits._prefix}:*") if b"known" not in key]
            assert min([int(await redis.get(key)) for key in counters]) >= 0


async def test_what_was_counted_in_an_ended_window_is_not_uncounted_in_the_next(make: Make, servers: LocalServers):
    limits = make()
    before = await limits.take("login", HERE, "ada")
    async with Redis.from_url(servers.redis_url) as redis:
        for key in [key async for key in redis.scan_iter(f"{limits._prefix}:*")]:
            await redis.delete(key)
        await limits.forgive(before)
        counters = [key async for key in redis.scan_iter(f"{limits._prefix}:*") if b"known" not in key]
        assert [key for key in counters if int(await redis.get(key)) < 0] == []


async def test_a_refusal_says_how_long_to_wait(make: Make):
    limits = make()
    room = await limits.take("login", HERE, "ada")
    assert (room.policy, room.quota, room.window, room.remaining) == ("login", 5, 60, 4)
    await taken(limits, 4, HERE, "ada")
    with pytest.raises(TooManyRequests) as refused:
        await limits.take("login", HERE, "ada")
    assert refused.value.room.remaining == 0
    assert 1 <= refused.value.room.reset <= 60


async def test_without_redis_they_are_half_and_not_open(make: Make):
    limits = make(None)
    assert await taken(limits, 9, HERE, "ada") == 2
    assert await taken(limits, 9, THERE, "grace") == 2


@pytest.mark.fault(7)
async def test_with_redis_away_they_are_stricter_and_it_comes_back_by_itself(
    make: Make, servers: LocalServers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rate_limits, "PAUSE", 0.05)
    async with FaultProxy(servers.redis_url) as door:
        limits, other = make(door.dsn), make()
        assert await taken(limits, 1, HERE, "ada") == 1
        door.stall("to server", "to client")
        door.cut()
        assert await taken(limits, 9, HERE, "ada") == 2
        door.flow()
        door.cut()

        async def counts_together() -> bool:
            return (await limits.take("login", THERE, f"{uuid4()}")).quota == 5

        await eventually(counts_together)
        assert await taken(other, 9, HERE, "ada") == 4, "what was counted before is not lost"


@pytest.mark.fault(7, 18)
async def test_a_silent_redis_keeps_nobody_waiting(make: Make, servers: LocalServers):
    async with FaultProxy(servers.redis_url) as door:
        limits = make(door.dsn)
        await limits.take("login", HERE, "ada")
        door.stall("to server", "to client")
        async with asyncio.timeout(BUSY * 5):
            assert await taken(limits, 9, HERE, "grace") == 2


async def test_keys_tell_nothing(make: Make, servers: LocalServers):
    limits = make()
    await limits.forgive(await limits.take("login", HERE, "ada@example.org"))
    async with Redis.from_url(servers.redis_url) as redis:
        keys = b" ".join([key async for key in redis.scan_iter("*limits*")])
    assert keys
    assert b"ada@" not in keys
    assert HERE.encode() not in keys
