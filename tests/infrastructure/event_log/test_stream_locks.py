"""Writers of one stream wait for each other, and nobody is forgotten in the queue."""

import asyncio

import pytest

from application.event_log import Unavailable
from domain.kernel import new_id
from infrastructure.event_log.stream_locks import StreamLocks

STREAM = new_id()


@pytest.fixture
def locks() -> StreamLocks:
    return StreamLocks(5.0)


async def queue(locks: StreamLocks, served: list[int], *names: int) -> list[asyncio.Task[None]]:
    """Tasks that wait for the stream in this order, and note when they get it."""

    async def wait(name: int) -> None:
        await locks.acquire(STREAM)
        served.append(name)
        locks.release([STREAM])

    tasks = [asyncio.create_task(wait(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_first_is_served_first(locks: StreamLocks) -> None:
    served: list[int] = []
    await locks.acquire(STREAM)
    tasks = await queue(locks, served, 1, 2, 3)
    assert served == []
    locks.release([STREAM])
    await asyncio.gather(*tasks)
    assert served == [1, 2, 3]
    assert locks._waiting == {}


async def test_streams_do_not_wait_for_one_another(locks: StreamLocks) -> None:
    await locks.acquire(STREAM)
    await locks.acquire(new_id())


async def test_who_gives_up_waiting_is_passed_over(locks: StreamLocks) -> None:
    served: list[int] = []
    await locks.acquire(STREAM)
    tasks = await queue(locks, served, 1, 2, 3)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.sleep(0)
    locks.release([STREAM])
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == [2]
    assert locks._waiting == {}


async def test_who_is_cancelled_with_the_stream_in_hand_passes_it_on(locks: StreamLocks) -> None:
    served: list[int] = []
    await locks.acquire(STREAM)
    tasks = await queue(locks, served, 1, 2)
    locks.release([STREAM])  # handed to the first, which is cancelled before it can go on
    tasks[0].cancel()
    said = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(said[0], asyncio.CancelledError)
    assert served == [2]
    assert locks._waiting == {}


async def test_waiting_too_long_is_answered_and_leaves_nothing_behind() -> None:
    locks = StreamLocks(0.05)
    await locks.acquire(STREAM)
    with pytest.raises(Unavailable):
        await locks.acquire(STREAM)
    locks.release([STREAM])
    assert locks._waiting == {}
    await locks.acquire(STREAM)


async def test_many_that_come_and_go_leave_nothing_behind(locks: StreamLocks) -> None:
    served: list[int] = []
    await locks.acquire(STREAM)
    tasks = await queue(locks, served, *range(100))
    for task in tasks[::3]:
        task.cancel()
    locks.release([STREAM])
    for task in tasks[1::3]:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(served) >= set(range(2, 100, 3))
    assert locks._waiting == {}
