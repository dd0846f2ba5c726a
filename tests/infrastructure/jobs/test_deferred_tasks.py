"""Errands: kept until done, by whoever is there, at least once, and given up after a while."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from infrastructure.database.row_pool import RowPool
from infrastructure.jobs.deferred_runner import AT_ONCE, ErrandRunner
from infrastructure.jobs.deferred_tasks import ATTEMPTS, Errands
from tests.infrastructure.conftest import Open
from tests.support.instances import eventually

SAID = {"email": "ada@example.org"}


@pytest.fixture
async def rows(database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application) as rows:
        yield rows


@pytest.fixture
async def errands(database, rows: RowPool, open_store: Open) -> Errands:
    return Errands(rows, (await open_store(database.application)).keyring)


class Doer:
    """Carries out, or fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.done: list[tuple[str, Mapping[str, Any]]] = []

    async def __call__(self, id: UUID, kind: str, said: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.done.append((kind, said))


async def make_due(rows: RowPool) -> None:
    """As if all pauses and leases were over."""
    await rows.all("UPDATE auth.errand SET due_at = clock_timestamp()")


async def test_what_was_asked_is_done_and_gone(errands: Errands, rows: RowPool) -> None:
    doer = Doer()
    await errands.ask("reset", SAID)
    assert await ErrandRunner(errands, doer).sweep() == 1
    assert doer.done == [("reset", SAID)]
    assert await rows.all("SELECT * FROM auth.errand") == []
    assert await ErrandRunner(errands, doer).sweep() == 0


async def test_what_was_said_is_sealed(errands: Errands, rows: RowPool) -> None:
    await errands.ask("reset", SAID)
    ((said,),) = await rows.all("SELECT said FROM auth.errand")
    assert b"ada" not in bytes(said)


async def test_of_two_who_look_at_once_each_gets_others(errands: Errands) -> None:
    for _ in range(20):
        await errands.ask("reset", SAID)
    taken = await asyncio.gather(*(errands.take(5) for _ in range(4)))
    assert len({errand.id for some in taken for errand in some}) == 20


async def test_what_another_is_just_taking_is_passed_over(errands: Errands, rows: RowPool) -> None:
    await errands.ask("reset", SAID)
    await errands.ask("notice", SAID)
    async with rows.transaction() as connection:
        await connection.execute("SELECT FROM auth.errand WHERE kind = 'reset' FOR UPDATE")
        assert [errand.kind for errand in await errands.take(2)] == ["notice"]
    assert [errand.kind for errand in await errands.take(2)] == ["reset"]


async def test_what_fails_is_done_later_and_says_nothing_personal(errands: Errands, rows: RowPool) -> None:
    class Refused(Exception):
        code = 550

    doer = Doer(Refused("ada@example.org is unknown"))
    await errands.ask("reset", SAID)
    runner = ErrandRunner(errands, doer)
    await runner.sweep()
    assert await rows.all("SELECT error, attempts, due_at > clock_timestamp() FROM auth.errand") == [
        ("Refused 550", 1, True)
    ]
    assert await runner.sweep() == 0
    await make_due(rows)
    await runner.sweep()
    assert doer.done == [("reset", SAID)]


async def test_whoever_carries_one_out_and_dies_leaves_it_to_others(errands: Errands, rows: RowPool) -> None:
    await errands.ask("reset", SAID)
    (lost,) = await errands.take(1)
    assert await errands.take(1) == []
    await make_due(rows)
    (again,) = await errands.take(1)
    assert (again.id, again.attempts) == (lost.id, 2)
    await errands.failed(lost, "late")  # the first one's word counts no more
    assert await rows.all("SELECT error FROM auth.errand") == [(None,)]


async def test_what_always_fails_is_given_up(errands: Errands, rows: RowPool) -> None:
    doer = Doer(*(OSError() for _ in range(ATTEMPTS + 5)))
    await errands.ask("reset", SAID)
    for _ in range(ATTEMPTS + 1):
        await make_due(rows)
        await ErrandRunner(errands, doer).sweep()
    assert len(doer.failures) == 5
    ((dead, error),) = await rows.all("SELECT dead_at IS NOT NULL, error FROM auth.errand")
    assert (dead, error) == (True, "OSError")


async def test_one_that_fails_stops_no_other(errands: Errands) -> None:
    doer = Doer(RuntimeError())
    for _ in range(AT_ONCE):
        await errands.ask("reset", SAID)
    await ErrandRunner(errands, doer).sweep()
    assert len(doer.done) == AT_ONCE - 1


async def test_a_running_process_does_its_own_at_once_and_others_soon(
    errands: Errands, rows: RowPool, database, open_store: Open
) -> None:
    elsewhere = Errands(rows, (await open_store(database.application)).keyring)
    doer = Doer()

    async def all_done() -> bool:
        return len(doer.done) == 2 * AT_ONCE + 2

    async with ErrandRunner(errands, doer):
        for _ in range(AT_ONCE + 1):
            await errands.ask("reset", SAID)
            await elsewhere.ask("notice", SAID)
        await eventually(all_done)


async def test_at_the_end_what_is_in_hand_is_finished(errands: Errands, rows: RowPool) -> None:
    begun, done = asyncio.Event(), []

    async def slow(id: UUID, kind: str, said: Mapping[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        done.append(kind)

    await errands.ask("reset", SAID)
    async with ErrandRunner(errands, slow):
        await begun.wait()
    assert done == ["reset"]
    assert await rows.all("SELECT * FROM auth.errand") == []
