"""Fifty clients want one time at once, over two API processes: one wins, and the rest are told so."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta

import httpx
import pytest

from tests.system.journeys.town import TAKEN, Shop, Town, at, good, position, problem, read

CLIENTS = 50
ROUNDS = [at("09:00", day) for day in range(3)]


async def race(attempts: Sequence[Awaitable[httpx.Response]], winners: int) -> list[httpx.Response]:
    """All at once: so many win, the others are told that the time is taken. The winners' answers."""
    answers = await asyncio.gather(*attempts)
    won = [answer for answer in answers if answer.status_code == 201]
    refused = Counter(problem(answer) for answer in answers if answer.status_code != 201)
    assert refused == {TAKEN: len(attempts) - winners}
    assert len(won) == winners
    return won


async def taken_after(shop: Shop, won: Sequence[httpx.Response], start: datetime, **which: str) -> bool:
    seen = max(position(answer) for answer in won)
    day = (start - at("00:00")).days
    return start not in (await shop.starts(day, seen=seen, **which))["starts"]


@pytest.mark.parametrize("start", ROUNDS, ids=str)
class TestFiftyAtOnce:
    @pytest.mark.fault(1)
    async def test_one_gets_the_time(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop()
        people = [town.somebody() for _ in range(CLIENTS)]
        won = await race([person.book(shop, start) for person in people], winners=1)
        assert await taken_after(shop, won, start)

    @pytest.mark.fault(1)
    async def test_with_different_lengths_no_two_overlap(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop(step=15)
        long = await shop.offer(duration=60, step=15)
        offsets = {shop.service_id: (0, 15), long: (-30, -15, 0, 15)}  # all of them hold start + 15 .. + 30
        wanted = [(service, minute) for service, minutes in offsets.items() for minute in minutes]
        attempts = [
            town.somebody().book(shop, start + timedelta(minutes=minute), service=service)
            for service, minute in (wanted[n % len(wanted)] for n in range(CLIENTS))
        ]
        won = await race(attempts, winners=1)
        assert await taken_after(shop, won, start, service=long)

    async def test_with_buffers_neighbours_exclude_each_other(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop(buffer_before=5, buffer_after=10, step=30)
        attempts = [town.somebody().book(shop, start + timedelta(minutes=30 * (n % 2))) for n in range(CLIENTS)]
        (won,) = await race(attempts, winners=1)
        neighbour = start if read(good(won, 201)["start"]) != start else start + timedelta(minutes=30)
        assert await taken_after(shop, [won], neighbour)

    async def test_across_midnight_two_days_have_one_winner(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop(duration=60, step=30)
        midnight = start.replace(hour=0) + timedelta(days=1)
        offsets = (-60, -30, 0)
        people = [town.somebody() for _ in range(CLIENTS)]
        answers = await asyncio.gather(
            *(person.book(shop, midnight + timedelta(minutes=offsets[n % 3])) for n, person in enumerate(people))
        )
        won = sorted(read(good(a, 201)["start"]) for a in answers if a.status_code == 201)
        outer = [midnight - timedelta(minutes=60), midnight]
        assert won in (outer, [midnight - timedelta(minutes=30)])
        assert {problem(a) for a in answers if a.status_code != 201} == {TAKEN}

    async def test_a_group_takes_exactly_its_seats(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop(capacity=5)
        people = [town.somebody() for _ in range(CLIENTS)]
        won = await race([person.book(shop, start) for person in people], winners=5)
        assert await taken_after(shop, won, start)

    @pytest.mark.fault(1)
    async def test_any_of_three_providers_serves_exactly_three(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop()
        providers = [shop.provider_id, *[await town.a_provider(shop.owner) for _ in range(2)]]
        organization = await town.an_organization(shop.owner, *providers)
        service = await shop.offer(provider_ids=providers, organization_id=organization)
        people = [town.somebody() for _ in range(CLIENTS)]
        attempts = [person.book(shop, start, service=service, provider_id=None) for person in people]
        won = await race(attempts, winners=3)
        assert {good(answer, 201)["provider_id"] for answer in won} == set(providers)
        for provider in providers:
            assert await taken_after(shop, won, start, service=service, provider=provider)

    async def test_moving_and_booking_compete_for_one_time(self, town: Town, start: datetime) -> None:
        shop = await town.a_shop()
        movers = [town.somebody() for _ in range(10)]
        evening = start + timedelta(hours=3)
        held = [
            good(await person.book(shop, evening + timedelta(minutes=30 * n)), 201) for n, person in enumerate(movers)
        ]
        to = {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
        answers = await asyncio.gather(
            *(person.change(mine, "reschedule", to) for person, mine in zip(movers, held, strict=True)),
            *(town.somebody().book(shop, start) for _ in range(CLIENTS - len(movers))),
        )
        won = [answer for answer in answers if answer.is_success]
        assert len(won) == 1
        assert {problem(answer) for answer in answers if not answer.is_success} == {TAKEN}
        left = (await shop.starts((start - at("00:00")).days, seen=position(won[0])))["starts"]
        moved = [mine for mine in held if mine["id"] == won[0].json()["id"]]
        assert [read(mine["start"]) in left for mine in held] == [mine in moved for mine in held]


async def test_a_cancelled_time_goes_to_one_of_those_who_wait_for_it(town: Town) -> None:
    shop, ada, start = await town.a_shop(), town.somebody(), at("09:00")
    mine = good(await ada.book(shop, start), 201)

    async def insist() -> httpx.Response:
        while True:
            answer = await town.somebody().book(shop, start)
            if answer.is_success or gone.is_set():
                return answer
            assert problem(answer) == TAKEN

    gone = asyncio.Event()
    waiting = [asyncio.create_task(insist()) for _ in range(10)]
    good(await ada.change(mine, "cancel"))
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=120)
    gone.set()
    answers = await asyncio.gather(*waiting)
    assert done
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
