"""`daybook up --year`: a year of history comes in the background, and nobody waits for it."""

import asyncio
import time
from pathlib import Path

import pytest

from interfaces.demo.charter import town_id
from interfaces.demo.houses import HOUSES, PEOPLE
from tests.support.checker import check
from tests.support.instances import Instance, Process, a_folder, ask, clean_environment, within
from tests.support.waiting import assert_took
from tests.system.journeys.operations.test_up import assert_stops, book_one

LAST = town_id(7, "customer", "year", len(HOUSES) - 1, PEOPLE - 1)
APPOINTMENTS = "SELECT count(*) FROM read_1.fact_appointment WHERE demo AND organization_id IS NOT NULL"
# A page of the projector may end within a life: then a sweep finds an appointment to be completed, before it is.
JOBS = """
    SELECT DISTINCT kind, done_at IS NOT NULL FROM work.job WHERE subject IN (
        SELECT id FROM read_1.fact_appointment WHERE demo AND organization_id IS NOT NULL)"""
ENDED = "SELECT count(*) FROM log.stored_events WHERE originator_id = %s"
PATIENCE = 900.0  # seconds, of a machine that does other things


@pytest.mark.long
@pytest.mark.timeout(2_400)
async def test_a_year_of_history_comes_while_people_book_and_goes_on_after_a_stop() -> None:
    with a_folder() as data:
        first = await asyncio.to_thread(Instance.start, data, demo=True, year=True, workers=1)
        within(PATIENCE, lambda: lives(first) > 100)
        await book_one(first)
        assert not is_whole(first), "the booking waited for the year"
        assert_stops(first, first.process.stop)
        with await asyncio.to_thread(Instance.start, data, demo=True, year=True, workers=1) as second:
            within(PATIENCE, lambda: is_whole(second))
            check(second.superuser_database)
            before = events(second)
            assert seed_again(data).wait(PATIENCE) == 0
            assert events(second) == before
            assert set(ask(second.superuser_database, JOBS)) <= {("complete", True)}, "nobody is told of the past"
            began = time.monotonic()
            assert second.process.stop() == 0
            assert_took(began, 15)


def lives(instance: Instance) -> int:
    return int(ask(instance.superuser_database, APPOINTMENTS)[0][0])


def is_whole(instance: Instance) -> bool:
    return bool(ask(instance.superuser_database, ENDED, [LAST])[0][0])


def events(instance: Instance) -> int:
    return int(ask(instance.superuser_database, "SELECT count(*) FROM log.stored_events")[0][0])


def seed_again(data: Path) -> Process:
    return Process.start(data, "seed", "--year", "--data", str(data), env=clean_environment())
