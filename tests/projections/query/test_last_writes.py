"""Each process learns the last writes of callers: its own at once, those of others through Redis."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from projections.availability.invalidation import connect
from projections.query import last_writes
from projections.query.last_writes import LastWrites
from tests.support.waiting import eventually

ACCOUNT, OTHER = uuid4(), uuid4()


def test_an_account_that_has_not_written_has_no_last_write() -> None:
    writes = LastWrites()
    assert writes.of(ACCOUNT) is None
    assert writes.of(None) is None


def test_the_greatest_position_of_an_account_is_known() -> None:
    writes = LastWrites()
    for position in (4, 9, 7):
        writes.note(ACCOUNT, position)
    assert (writes.of(ACCOUNT), writes.of(OTHER)) == (9, None)


def test_a_write_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = LastWrites()
    monkeypatch.setattr(last_writes, "LASTS", 0.0)
    writes.note(ACCOUNT, 4)
    assert writes.of(ACCOUNT) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = LastWrites()
    monkeypatch.setattr(last_writes, "MOST", 3)
    accounts = [uuid4() for _ in range(5)]
    for account in accounts:
        writes.note(account, 1)
    assert [account for account in accounts if writes.of(account)] == accounts[2:]


@pytest.fixture
async def redis(servers) -> AsyncIterator[Redis]:
    async with connect(servers.redis_url) as client:
        yield client


async def test_other_processes_hear_of_a_write(redis: Redis) -> None:
    prefix = f"{uuid4()}:"
    async with LastWrites(redis, prefix) as here, LastWrites(redis, prefix) as there, LastWrites(redis, "x") as apart:

        async def heard() -> bool:
            here.note(ACCOUNT, 9)  # again: `there` may not have subscribed yet
            return there.of(ACCOUNT) == 9

        await eventually(heard)
        assert apart.of(ACCOUNT) is None


async def test_many_writes_at_once_are_all_heard(redis: Redis) -> None:
    prefix, accounts = f"{uuid4()}:", [uuid4() for _ in range(500)]
    async with LastWrites(redis, prefix) as here, LastWrites(redis, prefix) as there:

        async def heard() -> bool:
            for position, account in enumerate(accounts, 1):
                here.note(account, position)
            await asyncio.sleep(0.05)
            return all(there.of(account) == position for position, account in enumerate(accounts, 1))

        await eventually(heard)


async def test_a_process_without_redis_still_knows_its_own_writes() -> None:
    async with connect("redis://127.0.0.1:1") as nowhere, LastWrites(nowhere, "") as writes:
        writes.note(ACCOUNT, 4)
        await asyncio.sleep(0.05)
        assert writes.of(ACCOUNT) == 4
