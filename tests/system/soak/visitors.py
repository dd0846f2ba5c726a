"""The rest of a day beside bookings: people who look, hold, ask for approval, and wait for a place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.system.journeys.town import OFFICE_HOURS, Person, Shop, Town, at, written

REST = 0.4  # seconds between one thing and the next: a town, not a benchmark
TTL = 1  # minutes of a hold, an approval, an offer: all of them run out many times
ONE_PLACE = [{"day": "mon", "from": "09:00", "to": "09:30"}]
TAKEN_BY_OTHERS = {404, 409, 412, 422}

Errand = Callable[[], Coroutine[Any, Any, None]]


class Visitors:
    """They come one after the other, each with a new account. `told`: how often each kind of answer came."""

    def __init__(self, town: Town, chance: Random) -> None:
        self._town = town
        self._chance = chance
        self._stop = asyncio.Event()
        self.told: Counter[str] = Counter()

    @asynccontextmanager
    async def out(self) -> AsyncIterator[None]:
        """One of each kind goes about its business until the end of the block."""
        shop = await self._town.a_shop(hours=OFFICE_HOURS, hold_ttl=TTL)
        asked = await self._town.a_shop(hours=OFFICE_HOURS, approval=True, approval_ttl=TTL)
        small = await self._town.a_shop(hours=ONE_PLACE, offer_ttl=TTL)
        async with asyncio.TaskGroup() as tasks:
            for errand in (
                lambda: self._look(shop),
                lambda: self._hold(shop),
                lambda: self._request(asked),
                lambda: self._wait(small),
            ):
                tasks.create_task(self._again_and_again(errand))
            yield
            self._stop.set()

    async def _again_and_again(self, errand: Errand) -> None:
        while not self._stop.is_set():
            await errand()
            await asyncio.sleep(REST)

    async def _look(self, shop: Shop) -> None:
        """What is free, who is there, what one has: the pages of a client."""
        somebody = self._town.somebody()
        day = at("00:00").date()
        question = f"service_id={shop.service_id}&from={day}&to={day + timedelta(days=6)}&tz=UTC"
        for path in (
            f"/v1/availability?{question}&provider_id={shop.provider_id}",
            f"/v1/availability/earliest?service_id={shop.service_id}",
            "/v1/providers",
            "/v1/services",
            "/v1/appointments",
        ):
            await self._ask(somebody, "GET", path)
            await asyncio.sleep(REST)

    async def _hold(self, shop: Shop) -> None:
        """Half of them run out; the others are booked or let go."""
        somebody, chance = self._town.somebody(), self._chance.random()
        body = {"service_id": shop.service_id, "provider_id": shop.provider_id, "start": self._start()}
        held = await self._ask(somebody, "POST", "/v1/holds", body)
        if not held.is_success or chance < 0.5:
            return
        if chance < 0.8:
            await self._ask(somebody, "DELETE", f"/v1/holds/{held.json()['id']}", if_match="*")
            return
        booked = await self._ask(somebody, "POST", "/v1/appointments", {**body, "hold_id": held.json()["id"]})
        await self._cancel(somebody, booked)

    async def _request(self, shop: Shop) -> None:
        """Staff confirm some, decline some, and forget the rest, which expire."""
        somebody, chance = self._town.somebody(), self._chance.random()
        body = {"service_id": shop.service_id, "provider_id": shop.provider_id, "start": self._start()}
        asked = await self._ask(somebody, "POST", "/v1/appointments", body)
        if not asked.is_success or chance < 0.4:
            return
        verb = "confirm" if chance < 0.7 else "decline"
        path = f"/v1/appointments/{asked.json()['id']}/{verb}"
        settled = await self._ask(shop.owner, "POST", path, {}, if_match=f'"{asked.json()["version"]}"')
        if verb == "confirm":
            await self._cancel(somebody, settled)

    async def _wait(self, shop: Shop) -> None:
        """Somebody has the only place, another waits for it, the first one cancels."""
        first, second = self._town.somebody(), self._town.somebody()
        body = {"service_id": shop.service_id, "provider_id": shop.provider_id}
        had = await self._ask(first, "POST", "/v1/appointments", {**body, "start": written(at("09:00"))})
        day = at("00:00").date()
        waits = {**body, "dates": {"from": str(day), "to": str(day)}, "timezone": "UTC"}
        waiting = await self._ask(second, "POST", "/v1/waitlist", waits)
        await self._cancel(first, had)
        if not waiting.is_success:
            return
        await asyncio.sleep(10 * REST)
        if self._chance.random() < 0.5:
            taken = await self._ask(second, "POST", f"/v1/waitlist/{waiting.json()['id']}/accept", {}, if_match="*")
            await self._cancel(second, taken)
        await self._ask(second, "DELETE", f"/v1/waitlist/{waiting.json()['id']}", if_match="*")

    async def _cancel(self, somebody: Person, booked: httpx.Response) -> None:
        if booked.is_success:
            told = booked.json()
            path = f"/v1/appointments/{told['id']}/cancel"
            await self._ask(somebody, "POST", path, {}, if_match=f'"{told["version"]}"')

    async def _ask(self, who: Person, method: str, path: str, said: Any = None, **headers: str) -> httpx.Response:
        """Until it is answered: while a process is dead, connections are refused, or the answer is 503."""
        keyed = {"idempotency_key": str(uuid4())} if method == "POST" else {}
        while True:
            try:
                answer = await who.ask(method, path, said, **keyed, **headers)
            except httpx.TransportError as lost:
                self.told[type(lost).__name__] += 1
            else:
                self.told[str(answer.status_code)] += 1
                if answer.status_code != 503:
                    assert answer.is_success or answer.status_code in TAKEN_BY_OTHERS, answer.text
                    return answer
            await asyncio.sleep(REST)

    def _start(self) -> str:
        return written(at("09:00", self._chance.randrange(5)) + timedelta(minutes=30 * self._chance.randrange(16)))
