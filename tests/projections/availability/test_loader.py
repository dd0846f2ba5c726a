"""Those who ask for free times at once share a statement, and each is answered as if alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from application.booking.hold import PlaceHold, place_hold
from domain.errors import NotFound
from domain.kernel import new_id
from domain.scheduling.interval import Interval
from projections.availability.loader import MOST_CALLS, AvailabilityLoader
from projections.availability.queries import Availability
from tests.projections.clinic import Clinic, open_clinic
from tests.support.builders import somebody


class _Counted(AvailabilityLoader):
    """A loader that counts its statements."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        super().__init__(pool)
        self.statements = 0

    async def _select(self, statement: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        self.statements += 1
        return await super()._select(statement, values)


@pytest.fixture
async def clinic(database, engine, reads) -> AsyncIterator[Clinic]:
    async with open_clinic(database.application, engine, reads) as clinic:
        yield clinic


@pytest.fixture
async def loader(clinic, database) -> AsyncIterator[_Counted]:
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        database.application, min_size=1, max_size=4, open=False, kwargs={"autocommit": True}
    )
    await pool.open()
    yield _Counted(pool)
    await pool.close()


async def test_many_who_ask_at_once_share_statements_and_each_gets_their_own_span(clinic, reads, loader):
    await clinic.book("10:00")
    await clinic.catch_up()
    availability = Availability(loader, reads)
    spans = [Interval(clinic.week.at(f"{9 + n % 8:02}:00"), clinic.week.at("17:00")) for n in range(80)]
    alone = [await clinic.free(span=span) for span in spans[:8]]
    await clinic.free(availability)
    loader.statements = 0
    together = await asyncio.gather(*(clinic.free(availability, span=span) for span in spans))
    assert together == [alone[n % 8] for n in range(80)]
    assert loader.statements <= MOST_CALLS + 2


async def test_each_is_answered_as_of_the_moment_at_which_they_asked(clinic, reads, loader):
    week, availability = clinic.week, Availability(loader, reads)
    hold = PlaceHold(
        by=somebody(), id=new_id(), service_id=week.service_id, start=week.at("10:00"), provider_id=week.provider_id
    )
    held = (await place_hold(hold, clinic.store)).aggregate
    await clinic.catch_up()
    before, after = held.expires_at - timedelta(seconds=1), held.expires_at
    await clinic.free(availability)
    asked = [clinic.free(availability, now=now) for now in (before, after) * 10]
    found = await asyncio.gather(*asked)
    assert ["10:00" in each for each in found] == [False, True] * 10


async def test_an_unknown_service_is_not_found_and_others_are_answered(clinic, reads, loader):
    availability = Availability(loader, reads)
    asked = [clinic.free(availability, service_id=new_id() if n % 3 == 0 else clinic.week.service_id) for n in range(9)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, NotFound) for each in found] == [n % 3 == 0 for n in range(9)]
    assert all(each == found[1] for n, each in enumerate(found) if n % 3)
