"""Holds on two API processes, and nobody who sweeps: a time is free at its second, and goes to one."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.waiting import BUSY
from tests.system.journeys.town import TAKEN, Shop, Town, at, good, position, problem, read

CLIENTS = 50
START = at("09:00")
EARLY = timedelta(seconds=1)  # before a hold is over, all begin to ask


async def held(town: Town, shop: Shop) -> tuple[datetime, int]:
    """Somebody keeps START; until when, and the position that shows it."""
    answer = await town.somebody().hold(shop, START)
    return read(good(answer, 201)["expires_at"]), position(answer)


async def until(moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


@pytest.mark.timeout(900)
async def test_a_lapsed_hold_is_free_at_its_second_and_fifty_who_wait_for_it_have_one_winner(
    town: Town, apis: tuple[str, str]
) -> None:
    shown, raced = [await town.a_shop(hold_ttl=1) for _ in range(2)]
    (over, seen), (lapses, _) = await held(town, shown), await held(town, raced)
    for api in apis:
        assert START not in (await shown.starts(seen=seen, api=api))["starts"]

    async def insist(client: int) -> httpx.Response:
        while True:
            person = town.somebody()  # nobody may hold that often
            answer = await (person.hold(raced, START) if client % 2 else person.book(raced, START))
            if answer.is_success or gone.is_set():
                return answer
            assert problem(answer) == TAKEN
            await asyncio.sleep(0.2)

    gone = asyncio.Event()
    early = [asyncio.create_task(_free_from(shown, api, seen)) for api in apis]
    await until(lapses - EARLY)
    crowd = [asyncio.create_task(insist(n)) for n in range(CLIENTS)]
    await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED, timeout=120)
    gone.set()
    answers = await asyncio.gather(*crowd)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    for first in await asyncio.gather(*early):
        assert 0 <= (first - over).total_seconds() < 2 * BUSY, "no earlier, and as soon as one may ask"
    good(await town.somebody().book(shown, START), 201)
    assert START not in (await raced.starts())["starts"]


async def _free_from(shop: Shop, api: str, seen: int) -> datetime:
    """As of when an API first offers START again; it is asked all the time, so that it keeps answers."""
    date = START.date()
    while True:
        answer = await shop.town.stranger.get(
            f"/v1/availability?service_id={shop.service_id}&from={date}&to={date}&tz=UTC", api=api, seen=seen
        )
        told = good(answer)
        if any(read(each["start"]) == START for each in told["starts"]):
            return read(told["as_of"])
        await asyncio.sleep(0.1)


@pytest.mark.fault(1)
async def test_fifty_hold_or_book_one_time_and_one_wins(town: Town) -> None:
    shop = await town.a_shop()
    people = [town.somebody() for _ in range(CLIENTS)]
    answers = await asyncio.gather(
        *(person.hold(shop, START) if n % 2 else person.book(shop, START) for n, person in enumerate(people))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {TAKEN}


async def test_who_holds_books_whatever_others_want_meanwhile(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    hold = good(await ada.hold(shop, START), 201)
    others = [town.somebody().book(shop, START) for _ in range(20)]
    mine, *refused = await asyncio.gather(ada.book(shop, START, hold_id=hold["id"]), *others)
    assert good(mine, 201)["status"] == "booked"
    assert {problem(answer) for answer in refused} == {TAKEN}
    gone = await ada.book(shop, START, hold_id=hold["id"])
    assert problem(gone) == (410, "hold-expired")
