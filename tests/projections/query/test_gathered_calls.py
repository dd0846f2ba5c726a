"""What several tasks ask at once goes together, and nobody waits for ever."""

import asyncio
from collections.abc import Sequence

import pytest

from projections.query.gathered_calls import GatheredCalls


class _Calls:
    """Answers with what it was asked, after a turn of the event loop."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.under_way = self.most_under_way = 0
        self.error: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, rows: Sequence[int]) -> list[int]:
        self.asked.append(list(rows))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        await self.go_on.wait()
        self.under_way -= 1
        if self.error is not None:
            raise self.error
        return list(rows)


async def test_who_asks_again_at_once_is_answered() -> None:
    calls = _Calls()
    gathered = GatheredCalls(calls, "calls")
    for n in range(50):
        assert n in await asyncio.wait_for(gathered.add(n), 30)


async def test_what_arrives_during_a_call_goes_with_the_next() -> None:
    calls = _Calls()
    gathered = GatheredCalls(calls, "calls", most=3)
    found = await asyncio.gather(*(gathered.add(n) for n in range(8)))
    assert calls.asked == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert all(n in answer for n, answer in enumerate(found))
    assert calls.most_under_way == 1


async def test_several_calls_may_be_under_way() -> None:
    calls = _Calls()
    calls.go_on.clear()
    gathered = GatheredCalls(calls, "calls", most=2, at_once=3)
    asking = [asyncio.create_task(gathered.add(n)) for n in range(10)]
    await asyncio.sleep(0.01)
    assert calls.most_under_way == 3
    calls.go_on.set()
    assert all(n in answer for n, answer in enumerate(await asyncio.gather(*asking)))


async def test_an_error_reaches_those_of_its_call_and_no_others() -> None:
    calls = _Calls()
    gathered = GatheredCalls(calls, "calls")
    calls.error = ValueError("away")
    found = await asyncio.gather(*(gathered.add(n) for n in range(3)), return_exceptions=True)
    assert found == [calls.error] * 3
    calls.error = None
    assert await gathered.add(7) == [7]


async def test_a_caller_that_gives_up_leaves_the_others_alone() -> None:
    calls = _Calls()
    calls.go_on.clear()
    gathered = GatheredCalls(calls, "calls")
    first, other = (asyncio.create_task(gathered.add(n)) for n in range(2))
    await asyncio.sleep(0)
    first.cancel()
    calls.go_on.set()
    assert 1 in await other


async def test_when_the_calls_are_cancelled_nobody_waits_for_ever() -> None:
    calls = _Calls()
    calls.go_on.clear()
    gathered = GatheredCalls(calls, "calls", most=1)
    asking = [asyncio.create_task(gathered.add(n)) for n in range(3)]
    await asyncio.sleep(0.01)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "calls")
    task.cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [asyncio.CancelledError] * 3
    calls.go_on.set()
    assert await gathered.add(9) == [9]
    with pytest.raises(asyncio.CancelledError):
        await task
