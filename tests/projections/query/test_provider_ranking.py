"""The ranking of a service's providers: one look at the read model serves all who ask until it has moved on."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import event

from application.booking.ports import RankingRequest
from domain.scheduling.interval import Interval
from infrastructure.booking_queries import BookingReadModels
from tests.projections.story import a_provider, an_appointment, at

WEEK = Interval(at(0), at(0, day=14))


async def _nowhere() -> int:
    return 0


@pytest.fixture
def looks(engine) -> Callable[[], int]:
    """So many connections were taken since the test began."""
    taken: list[object] = []
    event.listen(engine.sync_engine, "checkout", lambda *_: taken.append(None))
    return lambda: len(taken)


class Team:
    """Providers, and who of them is ranked first."""

    def __init__(self, ranking: BookingReadModels, *ids) -> None:
        self.ids, self._ranking = ids, ranking

    async def choose(self) -> int:
        """The number of the provider that a new taker gets."""
        ranked = await self._ranking.rank(RankingRequest(self.ids, WEEK), at(9), uuid4())
        return self.ids.index(next(iter(ranked)))


@pytest.fixture
async def team(write, catch_up, reads, positions) -> Team:
    providers = [a_provider() for _ in range(3)]
    position = await write(*providers)
    await catch_up()
    assert await positions.wait("agenda", position)
    return Team(BookingReadModels(reads, _nowhere), *(each.id for each in providers))


async def test_one_look_serves_until_the_read_model_moves_on(team: Team, looks) -> None:
    await team.choose()
    before = looks()
    for _ in range(4):
        await team.choose()
    assert looks() == before


async def test_those_who_are_ranked_by_one_look_are_spread_evenly(team: Team) -> None:
    chosen = [await team.choose() for _ in range(9)]
    assert [chosen.count(n) for n in range(3)] == [3, 3, 3]


async def test_what_the_read_model_shows_since_is_ranked_by(team: Team, write, catch_up, positions, looks) -> None:
    await team.choose()
    before = looks()
    position = await write(*(an_appointment(team.ids[n], at(9 + hour)) for n in (0, 2) for hour in range(5)))
    await catch_up()
    assert await positions.wait("agenda", position)
    assert [await team.choose() for _ in range(3)] == [1, 1, 1]
    assert looks() > before
