"""Everything is killed, cut and restarted at random moments under load: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import logging
from random import Random
from time import monotonic
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from infrastructure.ledger.verification import verify
from tests.support.checker import Books, check
from tests.system.journeys.town import Town
from tests.system.torture.crowd import Crowd
from tests.system.torture.storm import Storm

PEOPLE = 24
log = logging.getLogger(__name__)


@pytest.mark.fault(5, 12, 18)
async def test_every_acknowledged_command_survives_once_and_service_comes_back_by_itself(
    storm: Storm, minutes: float, chance: Random
) -> None:
    async with Town(storm.instance) as town:
        crowd = Crowd(town, chance)
        until = monotonic() + 60 * minutes
        async with crowd.out(PEOPLE):
            for fault in chance.sample(storm.faults, len(storm.faults)):
                await storm.strike(crowd, fault)
            while monotonic() < until:
                await storm.strike(crowd, *chance.sample(storm.faults, chance.randint(1, 2)))
        log.info("%d acknowledged: %s", len(town.acknowledged), dict(crowd.told))
        books = await asyncio.to_thread(check, storm.database, town.acknowledged)
    assert_it_was_a_storm(crowd)
    assert _booked(books) == crowd.booked, "a booking without its answer, or an answer without its booking"
    await assert_sealed(storm.database, books)


def assert_it_was_a_storm(crowd: Crowd) -> None:
    """People met each other, and faults met people."""
    assert crowd.told["409"] > 0
    lost = [what for what in crowd.told if what == "503" or what.endswith("Error")]
    assert lost, crowd.told
    assert crowd.told["201"] > 0


def _booked(books: Books) -> set[UUID]:
    return {event.stream for event in books.events if event.topic == "Appointment.Booked"}


async def assert_sealed(dsn: str, books: Books) -> None:
    async with await AsyncConnection.connect(dsn) as connection:
        verdict = await verify(connection)
    assert verdict.holds, verdict.broken
    assert verdict.upto >= len(books.events), "jobs may record more meanwhile"
