"""Hours are closed on one process while another books: no booking comes after the closing that it forbids."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import httpx

from tests.system.journeys.town import (
    ALL_DAY,
    Person,
    Shop,
    Town,
    at,
    good,
    position,
    problem,
    written,
)

ROUNDS = 4
Change = Callable[[], Coroutine[Any, Any, httpx.Response]]


async def book_while(shop: Shop, by: Person, api: str, day: int, close: Change) -> list[tuple[int, str]]:
    """Book start after start on one process, close on another in between; what was refused after that."""
    starts = [at("00:00", day) + timedelta(minutes=30 * n) for n in range(48)]
    closing: asyncio.Task[httpx.Response] | None = None
    refused: list[tuple[int, str]] = []
    last = 0
    for n, start in enumerate(starts):
        answer = await by.book(shop, start, api=api)
        if n == 5:
            closing = asyncio.create_task(close())
        if answer.is_success:
            assert not refused, "what is closed stays closed"
            last = position(answer)
        else:
            refused.append(problem(answer))
    assert closing is not None
    closed = await closing
    assert closed.is_success, closed.text
    assert 0 < last < position(closed), "nothing is booked after the closing"
    return refused


async def test_no_booking_lies_outside_hours_that_another_process_has_closed(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    here, there = town.apis
    for day in range(ROUNDS):
        refused = await book_while(shop, ada, here, day, partial(shop.schedule, [], api=there))
        assert refused
        assert set(refused) == {(409, "outside-hours")}
        good(await shop.schedule(ALL_DAY, api=there))
        assert (await ada.book(shop, at("23:30", day), api=here)).status_code == 201, "open is open at once"


async def test_no_booking_lies_in_time_off_taken_on_another_process(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    here, there = town.apis
    path = f"/v1/providers/{shop.provider_id}/time-off"
    for day in range(ROUNDS):
        off = {"start": written(at("00:00", day)), "end": written(at("00:00", day + 1))}
        close = partial(shop.owner.ask, "POST", path, off, api=there, if_match="*")
        refused = await book_while(shop, ada, here, day, close)
        assert set(refused) == {(409, "outside-hours")}


async def test_a_date_closed_on_another_process_takes_no_more_bookings(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    here, there = town.apis
    for day in range(ROUNDS):
        path = f"/v1/providers/{shop.provider_id}/schedule/overrides/{at('00:00', day).date()}"
        close = partial(shop.owner.ask, "PUT", path, {"hours": []}, api=there, if_match="*")
        refused = await book_while(shop, ada, here, day, close)
        assert set(refused) == {(409, "outside-hours")}


async def test_a_service_withdrawn_on_another_process_is_booked_no_more(town: Town) -> None:
    here, there = town.apis
    for day in range(ROUNDS):
        shop, ada = await town.a_shop(), town.somebody()
        path = f"/v1/services/{shop.service_id}?appointments=keep"
        close = partial(shop.owner.ask, "DELETE", path, api=there, if_match="*")
        refused = await book_while(shop, ada, here, day, close)
        assert set(refused) == {(409, "service-withdrawn")}


async def test_a_provider_who_left_on_another_process_is_booked_no_more(town: Town) -> None:
    here, there = town.apis
    shop, ada = await town.a_shop(), town.somebody()
    path = f"/v1/providers/{shop.provider_id}?appointments=keep"
    close = partial(shop.owner.ask, "DELETE", path, api=there, if_match="*")
    refused = await book_while(shop, ada, here, 0, close)
    assert set(refused) == {(409, "provider-inactive")}


async def test_what_a_process_remembers_never_wins_over_what_another_has_recorded(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    here, there = town.apis
    for n in range(20):
        start = at("00:00") + timedelta(minutes=30 * n)
        good(await shop.schedule([], api=there))
        assert problem(await ada.book(shop, start, api=here)) == (409, "outside-hours")
        good(await shop.schedule(ALL_DAY, api=there))
        mine = good(await ada.book(shop, start, api=here), 201)
        assert problem(await town.somebody().book(shop, start, api=there)) == (409, "slot-taken")
        good(await ada.change(mine, "cancel", api=here))
        good(await town.somebody().book(shop, start, api=there), 201)


async def test_buffers_changed_on_another_process_count_at_once(town: Town) -> None:
    shop, ada = await town.a_shop(), town.somebody()
    here, there = town.apis
    good(await ada.book(shop, at("09:00"), api=here), 201)
    path = f"/v1/services/{shop.service_id}"
    good(await shop.owner.ask("PATCH", path, {"buffer_before": 10}, api=there, if_match="*"))
    assert problem(await ada.book(shop, at("09:30"), api=here)) == (409, "slot-taken")
    good(await ada.book(shop, at("10:00"), api=here), 201)
