"""Bookings at once that name no provider: each goes to another, without attempts that were in vain."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import httpx
import pytest

from infrastructure.local.programs import free_port
from tests.support.instances import Instance, clean_environment
from tests.system.journeys.town import Shop, Town, at, good, position, problem

PAST = at("09:00", day=-21)
LOST = re.compile(r"^daybook_command_conflicts_total (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Api:
    """An API process, and where it says how many attempts another writer overtook."""

    url: str
    metrics: str

    async def lost(self, http: httpx.AsyncClient) -> float:
        found = LOST.search((await http.get(self.metrics)).text)
        assert found is not None
        return float(found[1])


@pytest.fixture(scope="module")
def two(shared: Instance) -> Iterator[Sequence[Api]]:
    ports = free_port(), free_port()
    first, second = (shared.another_api(clean_environment(METRICS_PORT=str(port))) for port in ports)
    with first as one, second as other:
        yield [Api(api.url, f"http://127.0.0.1:{port}/metrics") for api, port in zip((one, other), ports, strict=True)]


@dataclass(frozen=True)
class Team:
    """Providers with one service. `shop`: theirs; `apis`: the processes that they are booked by."""

    town: Town
    shop: Shop
    ids: Sequence[str]
    apis: Sequence[Api]

    @classmethod
    async def of(cls, town: Town, apis: Sequence[Api], size: int) -> "Team":
        owner = town.somebody("provider")
        ids = [await town.a_provider(owner) for _ in range(size)]
        terms = {"organization_id": await town.an_organization(owner, *ids), "provider_ids": ids}
        service_id = await Shop(town, owner, ids[0], "").offer(**terms)
        team = cls(town, Shop(town, owner, ids[0], service_id), ids, apis)
        await team.shown(town.acknowledged[-1].position)
        return team

    async def shown(self, position: int) -> None:
        """Return once all processes rank by what was recorded up to a position."""
        for api in self.apis:
            good(await self.shop.owner.get("/v1/appointments", api=api.url, seen=position))

    async def book(self, start: datetime, api: Api, provider_id: str | None = None) -> str:
        """Somebody books; the provider's id."""
        answer = await self.town.somebody().book(self.shop, start, api=api.url, provider_id=provider_id)
        return str(good(answer, 201)["provider_id"])

    async def book_and_wait(self, start: datetime, api: Api, provider_id: str | None = None) -> str:
        booked = await self.book(start, api, provider_id)
        await self.shown(self.town.acknowledged[-1].position)
        return booked

    async def at_once(self, starts: Sequence[datetime], apis: Sequence[Api]) -> tuple[Counter[str], float]:
        """All book at once, the processes in turn. Each provider's bookings, and the attempts that were in vain."""
        before = [await api.lost(self.town.http) for api in apis]
        asked = [self.book(start, apis[n % len(apis)]) for n, start in enumerate(starts)]
        booked = Counter(await asyncio.gather(*asked))
        return booked, sum([await api.lost(self.town.http) for api in apis]) - sum(before)


async def test_each_who_wants_one_start_gets_another_provider_at_the_first_attempt(
    town: Town, two: Sequence[Api]
) -> None:
    team = await Team.of(town, two, 24)
    booked, lost = await team.at_once([at("09:00")] * 24, two[:1])
    assert booked == dict.fromkeys(team.ids, 1)
    assert lost <= 2


async def test_in_two_processes_few_choose_the_same(town: Town, two: Sequence[Api]) -> None:
    team = await Team.of(town, two, 24)
    booked, lost = await team.at_once([at("09:00")] * 12, two)
    assert set(booked.values()) == {1}
    assert lost <= 12


async def test_starts_of_one_week_are_spread_evenly(town: Town, two: Sequence[Api]) -> None:
    team = await Team.of(town, two, 12)
    starts = [at("08:00") + n * timedelta(minutes=30) for n in range(72)]
    booked, _ = await team.at_once(starts, two[:1])
    assert len(booked) == 12
    assert max(booked.values()) - min(booked.values()) <= 2


async def test_nobody_is_passed_over_for_a_busier_one(town: Town, two: Sequence[Api]) -> None:
    team = await Team.of(town, two, 12)
    busy, idle = team.ids[:6], team.ids[6:]
    for provider_id in busy:
        await team.book_and_wait(at("12:00"), two[0], provider_id)
    starts = [at("08:00") + n * timedelta(minutes=30) for n in range(6)]
    booked, _ = await team.at_once(starts, two[:1])
    assert booked == dict.fromkeys(idle, 1)


async def test_one_after_the_other_the_least_recently_booked_comes_first(town: Town, two: Sequence[Api]) -> None:
    """In one process: two may see the database's clock a few milliseconds apart. What failed does not count."""
    team = await Team.of(town, two, 3)
    order = [team.ids[2], team.ids[0], team.ids[1]]
    for hour, provider_id in enumerate(order):
        await team.book_and_wait(at(f"1{hour}:00"), two[0], provider_id)
    booked = []
    for hour in range(9):
        person, key = town.somebody(), str(uuid4())
        asked = partial(person.book, team.shop, at(f"1{hour}:30"), api=two[0].url, provider_id=None, key=key)
        answer = await asked()
        await team.shown(position(answer))
        assert problem(await person.book(team.shop, PAST, api=two[0].url, provider_id=None))[0] == 409
        booked += [told["provider_id"] for told in (good(answer, 201), good(await asked(), 201))]
    assert booked == [provider_id for provider_id in order * 3 for _ in range(2)]
