"""People who book, move and cancel on few calendars, and ask again with the same key until answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.system.journeys.town import TAKEN, Person, Shop, Town, at, problem, written

DAYS = 2
MOST = 4  # appointments that one person keeps
COMMANDS = 500  # of one person, who is followed by another
PAUSE = 0.05  # seconds before asking again
STALE = 412, "stale"
REFUSALS = {TAKEN, STALE, (409, "off-grid"), (409, "outside-hours")}  # by others, by buffers, by time off


class Crowd:
    """So many people in a town. `told`: how often each kind of answer came; `booked`: ids in 201 answers.

    `rest`: seconds that each waits between an answer and the next command.
    """

    def __init__(self, town: Town, chance: Random, *, rest: float = 0) -> None:
        self._town = town
        self._rest = rest
        self._chance = chance
        self._stop = asyncio.Event()
        self._served = asyncio.Condition()
        self.served_at = monotonic()
        self.told: Counter[str] = Counter()
        self.booked: set[UUID] = set()

    @asynccontextmanager
    async def out(self, people: int) -> AsyncIterator[None]:
        """They go about their business until the end of the block, when everybody awaits the last answer."""
        shops = [await self._town.a_shop(step=15), await self._town.a_shop(step=30, buffer_after=10)]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(people):
                tasks.create_task(self._go_on(shops, self._own_chance()))
            for shop in shops:
                tasks.create_task(self._close_and_open(shop, self._own_chance()))
            yield
            self._stop.set()

    async def more(self, answers: int, within: float) -> None:
        """Until so many more commands were acknowledged; raises TimeoutError."""
        goal = len(self._town.acknowledged) + answers
        async with asyncio.timeout(within), self._served:
            await self._served.wait_for(lambda: len(self._town.acknowledged) >= goal)

    async def _go_on(self, shops: list[Shop], chance: Random) -> None:
        """One customer after the other: an account may write a limited number of bytes in a day."""
        while not self._stop.is_set():
            person = self._town.somebody()
            for held in await self._live(person, shops, chance):
                path = f"/v1/appointments/{held['id']}/cancel"
                await self._insist(person, "POST", path, {}, if_match=f'"{held["version"]}"')

    async def _live(self, person: Person, shops: list[Shop], chance: Random) -> list[dict[str, Any]]:
        """The appointments that they have at the end."""
        mine: dict[str, dict[str, Any]] = {}
        for _ in range(COMMANDS):
            if self._stop.is_set():
                return []
            what = chance.random()
            if not mine or (len(mine) < MOST and what < 0.5):
                said = {
                    "service_id": (shop := chance.choice(shops)).service_id,
                    "provider_id": shop.provider_id,
                }
                body = said | {"start": written(_start(chance))}
                answer = await self._insist(person, "POST", "/v1/appointments", body)
            else:
                held = mine[chance.choice(sorted(mine))]
                verb, body = ("cancel", {}) if what < 0.8 else ("reschedule", {"start": written(_start(chance))})
                path = f"/v1/appointments/{held['id']}/{verb}"
                answer = await self._insist(person, "POST", path, body, if_match=f'"{held["version"]}"')
            if answer.is_success:
                self._keep(mine, answer)
            elif problem(answer) == STALE:  # time off has left it outside the hours, which is recorded
                mine[held["id"]] = await self._read(person, held["id"])
            await asyncio.sleep(self._rest)
        return list(mine.values())

    async def _read(self, person: Person, id: str) -> dict[str, Any]:
        """The appointment as it is now, however often one has to ask."""
        while True:
            with suppress(httpx.TransportError):
                answer = await person.get(f"/v1/appointments/{id}")
                if answer.is_success:
                    told: dict[str, Any] = answer.json()
                    return told
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(PAUSE)

    def _keep(self, mine: dict[str, dict[str, Any]], answer: httpx.Response) -> None:
        told = answer.json()
        if answer.status_code == 201:
            self.booked.add(UUID(told["id"]))
        if told["status"] == "cancelled":
            del mine[told["id"]]
        else:
            mine[told["id"]] = told

    async def _close_and_open(self, shop: Shop, chance: Random) -> None:
        """The owner is away for a while, now and then."""
        place = f"/v1/providers/{shop.provider_id}/time-off"
        while not self._stop.is_set():
            start = _start(chance)
            body = {"start": written(start), "end": written(start + timedelta(hours=8))}
            off = await self._insist(shop.owner, "POST", place, body, if_match="*")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), chance.uniform(0, 1))
            if off.is_success:
                path = f"{place}/{off.json()['id']}"
                await self._insist(shop.owner, "DELETE", path, None, if_match="*")

    async def _insist(self, person: Person, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
        """The answer, however often one has to ask: to one key there is but one. DELETE needs none."""
        keyed = {"idempotency_key": str(uuid4())} if method == "POST" else {}
        while True:
            try:
                answer = await person.ask(method, path, body, **keyed, **headers)
            except httpx.TransportError as lost:
                self.told[type(lost).__name__] += 1
            else:
                if answer.status_code != 503:
                    await self._note(answer)
                    return answer
                self.told["503"] += 1
            await asyncio.sleep(PAUSE)

    async def _note(self, answer: httpx.Response) -> None:
        self.told["replayed"] += answer.headers.get("idempotency-replayed") == "true"
        self.told[str(answer.status_code)] += 1
        # Asked again, since the first answer got lost.
        gone = answer.request.method == "DELETE" and answer.status_code == 404
        assert answer.is_success or gone or problem(answer) in REFUSALS, answer.text
        self.served_at = monotonic()
        async with self._served:
            self._served.notify_all()

    def _own_chance(self) -> Random:
        return Random(self._chance.random())


def _start(chance: Random) -> datetime:
    return at("00:00") + timedelta(minutes=15 * chance.randrange(DAYS * 24 * 4))
