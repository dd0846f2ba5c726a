"""People and places to book: made by the application's own commands, and the requests that book them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from application.access import Role
from bench.tools.place import SECRET, Database
from domain.kernel import new_id
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.access_tokens import AccessTokens
from tests.support.builders import a_provider, a_service, monday_after, somebody
from tests.support.sealed import MASTERS

ALL_DAY = {str(day): [[0, 24 * 60]] for day in range(7)}
CUSTOMERS = 256
MIX: Mapping[str, Any] = {
    "note": "Second floor, please ring twice. I may be five minutes late; my daughter comes along; she is three.",
    "answers": {"Have you been here before?": "yes"},
}
"""What a booking usually says besides its time: a note of a hundred letters, and an answer."""
LENGTH = 30  # minutes


@dataclass(frozen=True)
class Shop:
    """A provider, and one service for each length asked for."""

    provider_id: UUID
    services: Sequence[UUID]


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[EventStore]:
    """The log, as a process of its own would have it."""
    store = postgres_store(database.application, MASTERS, patience=60.0, queue_size=100_000)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def build_shops(
    database: Database,
    count: int,
    lengths: Sequence[int] = (LENGTH,),
    *,
    hours: dict[str, list[list[int]]] = ALL_DAY,
    step: int = LENGTH,
) -> Sequence[Shop]:
    """So many shops. `lengths`: minutes of their services, which start every `step` minutes."""

    async def one(store: EventStore) -> Shop:
        owner = somebody(Role.PROVIDER)
        provider_id = await a_provider(store, owner, hours)
        return Shop(
            provider_id,
            [await a_service(store, owner, provider_id, duration=minutes, step=step) for minutes in lengths],
        )

    async def all_of_them() -> Sequence[Shop]:
        async with opened(database) as store:
            return await asyncio.gather(*(one(store) for _ in range(count)))

    return asyncio.run(all_of_them())


def build_team(database: Database, count: int) -> Sequence[Shop]:
    """So many providers, each with the one service of them all."""

    async def built() -> Sequence[Shop]:
        async with opened(database) as store:
            owner = somebody(Role.PROVIDER)
            providers = await asyncio.gather(*(a_provider(store, owner, ALL_DAY) for _ in range(count)))
            service = await a_service(store, owner, *providers, duration=LENGTH, step=LENGTH)
            return [Shop(each, [service]) for each in providers]

    return asyncio.run(built())


def first_monday() -> datetime:
    """From when on slots are booked: 00:00 UTC of a Monday ahead."""
    return monday_after(datetime.now(UTC))


def customers() -> Iterator[str]:
    """The tokens of CUSTOMERS people, one after the other, over and over."""
    return cycle([new_customer() for _ in range(CUSTOMERS)])


def new_customer(id: UUID | None = None) -> str:
    """A new token, of somebody new unless `id` says whose."""
    return AccessTokens(SECRET).issue(id or new_id(), Role.CUSTOMER, timedelta(hours=2))


def new_tokens() -> Iterator[str]:
    """A new token each of CUSTOMERS people."""
    return (new_customer(id) for id in cycle([new_id() for _ in range(CUSTOMERS)]))


class Bookings:
    """Requests that book: each a free slot of its own, of all shops on `days` days, in random order.

    `hours`: of the day, in which the slots start; `every`: the time from one to the next. `named`: whether the
    requests say which provider; else any of the service, so often as it has providers.
    """

    def __init__(
        self,
        shops: Sequence[Shop],
        days: int,
        *,
        hours: range = range(24),
        every: timedelta = timedelta(minutes=LENGTH),
        named: bool = True,
    ) -> None:
        self.shops = shops
        self._named = named
        starts = [first_monday() + n * every for n in range(timedelta(days) // every)]
        slots = [(shop, start) for shop in shops for start in starts if start.hour in hours]
        random.Random(4711).shuffle(slots)
        self._slots: Iterator[tuple[Shop, datetime]] = iter(slots)
        self._customers = customers()

    def take(self, count: int, said: Mapping[str, Any] | None = None, by: Iterator[str] | None = None) -> list[bytes]:
        """The next so many. `said`: also in the body; `by`: the tokens of those who book."""
        slots = list(islice(self._slots, count))
        assert len(slots) == count, "there are not enough slots"
        return [
            booking(token, shop.provider_id if self._named else None, shop.services[0], start, said)
            for token, (shop, start) in zip(by or self._customers, slots, strict=False)
        ]


def booking(
    token: str, provider_id: UUID | None, service_id: UUID, start: datetime, said: Mapping[str, Any] | None = None
) -> bytes:
    """The request that books, under a key of its own. `provider_id`: None for any."""
    body = {"service_id": str(service_id), "start": written(start), **(said or {})}
    if provider_id is not None:
        body["provider_id"] = str(provider_id)
    key = f"idempotency-key: {new_id()}\r\n"
    return request("POST", "/v1/appointments", json.dumps(body).encode(), token, key)


def written(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def request(method: str, path: str, body: bytes = b"", token: str | None = None, more: str = "") -> bytes:
    """A whole HTTP request as bytes."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\nuser-agent: bench\r\n"
    head += f"authorization: Bearer {token}\r\n" if token else ""
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}{more}\r\n".encode() + body
