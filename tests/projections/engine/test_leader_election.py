"""One projector leads and the others stand by: real processes, killed and paused."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from projections.engine.leader_election import PAGE_NAME
from tests.projections.story import an_appointment
from tests.projections.waiting import eventually

PROGRAM = """
import asyncio, sys
from sqlalchemy.ext.asyncio import create_async_engine
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.support.sealed import CODEC
asyncio.run(Projector(create_async_engine(sys.argv[1]), PROJECTIONS, CODEC).run())
"""


class Worker:
    """A projector in a process of its own."""

    def __init__(self, url: str, log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=out, stderr=out)

    def said(self, word: str) -> int:
        """How many of its lines hold a word."""
        return sum(word in line for line in self._log.read_text().splitlines())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def leads(self) -> bool:
        return self.said("projector is now the leader") > self.said("projector is on standby")


@pytest.fixture
def worker(database, tmp_path) -> Iterator[object]:
    """Starts one."""
    started: list[Worker] = []

    def worker() -> Worker:
        started.append(Worker(database.url, tmp_path / f"{len(started)}.log"))
        return started[-1]

    yield worker
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.fixture
def two(engine):
    """Whether two processes lead or stand by."""

    async def two() -> bool:
        async with engine.connect() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'daybook-projector-lead'"
            here = f"{query} AND datname = current_database()"
            return (await connection.execute(text(here))).scalar_one() == 2

    return two


@pytest.fixture
def kept(engine):
    """Whether so many appointments are in the agenda, and every reader is at the position."""

    def kept(count: int, position: int):
        async def kept() -> bool:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT set_config('app.scope', 'all', true)"))
                rows = await connection.execute(text("SELECT count(*) FROM read_1.appointment"))
                marks = await connection.execute(text("SELECT DISTINCT position FROM read.bookmark"))
                return (rows.scalar_one(), marks.scalars().all()) == (count, [position])

        return kept

    return kept


@pytest.mark.fault(12)
async def test_when_the_leader_is_killed_a_standby_takes_over_at_once(worker, write, kept, two):
    first = worker()
    await eventually(first.leads)
    second = worker()
    await eventually(two)
    position = await write(an_appointment())
    await eventually(kept(1, position))
    assert not await second.leads()
    first.signal(signal.SIGKILL)
    await eventually(second.leads)
    position = await write(an_appointment())
    await eventually(kept(2, position))


async def test_a_paused_leader_loses_the_lead_and_knows_it_when_it_wakes(worker, write, kept, two):
    paused = worker()
    await eventually(paused.leads)
    other = worker()
    await eventually(two)
    position = await write(an_appointment())
    await eventually(kept(1, position))
    paused.signal(signal.SIGSTOP)
    await eventually(other.leads)
    position = await write(an_appointment(), an_appointment())
    await eventually(kept(3, position))
    paused.signal(signal.SIGCONT)

    async def knows():
        return paused.said("projector is on standby")

    await eventually(knows)
    position = await write(an_appointment())
    await eventually(kept(4, position))
    assert await other.leads()
    assert not await paused.leads()
    other.signal(signal.SIGKILL)
    await eventually(paused.leads)
    position = await write(an_appointment())
    await eventually(kept(5, position))


async def test_nobody_waits_for_a_page_that_was_begun_after_its_leader_was_ousted(worker, write, kept, database):
    """The old leader wakes, locks the checkpoints, and is paused again."""
    leader = worker()
    await eventually(leader.leads)
    position = await write(an_appointment())
    await eventually(kept(1, position))
    async with await psycopg.AsyncConnection.connect(database.application) as paused:
        await paused.execute(f"SELECT set_config('application_name', '{PAGE_NAME}', true)")
        await paused.execute("UPDATE read.checkpoint SET position = position")
        position = await write(an_appointment())
        await eventually(kept(2, position))
        with pytest.raises(psycopg.OperationalError):
            await paused.execute("SELECT 1")


async def test_a_leader_that_is_asked_to_stop_makes_room_at_once(worker, two):
    first = worker()
    await eventually(first.leads)
    second = worker()
    await eventually(two)
    first.signal(signal.SIGINT)
    await eventually(second.leads)
    assert first.process.wait(5) != 0
