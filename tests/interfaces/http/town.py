"""People who talk to the API, and what they talk about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from application.access import ANONYMOUS, Caller, Role
from domain.kernel import new_id
from infrastructure.identity.access_tokens import AccessTokens
from interfaces.http.framework.ports import Ports
from tests.interfaces.http.accounts import People
from tests.support.builders import monday_after, somebody

SECRET = "a secret of the tests, long enough to sign with"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE_HOURS = [{"day": day, "from": "09:00", "to": "17:00"} for day in WEEK]


@dataclass
class Api:
    """Speaks HTTP for a caller. Keyword arguments are headers: `if_match=1`, `idempotency_key="k"`."""

    client: httpx.AsyncClient
    ports: Ports
    tokens: AccessTokens
    catch_up: Callable[[], Awaitable[None]]
    people: People = field(init=False)

    async def get(self, path: str, by: Caller = ANONYMOUS, **headers: Any) -> httpx.Response:
        await self.catch_up()
        return await self.ask("GET", path, by, **headers)

    async def post(self, path: str, said: Any, by: Caller = ANONYMOUS, **headers: Any) -> httpx.Response:
        return await self.ask("POST", path, by, said, **headers)

    async def put(self, path: str, said: Any, by: Caller = ANONYMOUS, **headers: Any) -> httpx.Response:
        return await self.ask("PUT", path, by, said, **headers)

    async def patch(self, path: str, said: Any, by: Caller = ANONYMOUS, **headers: Any) -> httpx.Response:
        return await self.ask("PATCH", path, by, said, **headers)

    async def delete(self, path: str, by: Caller = ANONYMOUS, **headers: Any) -> httpx.Response:
        return await self.ask("DELETE", path, by, **headers)

    async def ask(
        self, method: str, path: str, by: Caller = ANONYMOUS, said: Any = None, **headers: Any
    ) -> httpx.Response:
        """One request; `said` is JSON, or bytes as they are."""
        told = {name.replace("_", "-"): _written(name, value) for name, value in headers.items()}
        if by.id is not None:
            told.setdefault("authorization", f"Bearer {self.tokens.issue(by.id, by.role)}")
        if isinstance(said, bytes):
            told.setdefault("content-type", "application/json")
            return await self.client.request(method, path, content=said, headers=told)
        return await self.client.request(method, path, json=said, headers=told)


def _written(name: str, value: Any) -> Any:
    return f'"{value}"' if name in {"if_match", "if_none_match"} and isinstance(value, int) else value


@dataclass(frozen=True)
class Town:
    """`owner` has a provider, open 09:00-17:00 UTC every day, and a service of half an hour."""

    api: Api
    owner: Caller
    stranger: Caller
    customer: Caller
    admin: Caller
    provider_id: str
    service_id: str
    monday: datetime

    def at(self, clock: str, day: int = 0) -> str:
        """A time of day, so many days after a Monday ahead, as the API writes it."""
        hours, minutes = map(int, clock.split(":"))
        return (self.monday + timedelta(days=day, hours=hours, minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def day(self, day: int = 0) -> str:
        return self.at("00:00", day)[:10]

    def booking(self, clock: str = "09:00", day: int = 0, **more: Any) -> dict[str, Any]:
        """A body that books with the town's provider."""
        place = {"service_id": self.service_id, "provider_id": self.provider_id}
        return {**place, "start": self.at(clock, day), **more}

    async def booked(self, clock: str = "09:00", by: Caller | None = None, **more: Any) -> dict[str, Any]:
        """An appointment of the town's customer."""
        said = self.booking(clock, **more)
        answer = await self.api.post("/v1/appointments", said, by or self.customer, idempotency_key=str(new_id()))
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def an_organization(self, *provider_ids: str, **members: Caller) -> str:
        """One of the owner's, with these providers and members: `staff=`, `manager=`; its id."""
        made = await self.api.post("/v1/organizations", {"name": "Ada's"}, self.owner)
        id: str = made.json()["id"]
        for provider_id in provider_ids:
            path, said = f"/v1/providers/{provider_id}", {"organization_id": id}
            assert (await self.api.patch(path, said, self.owner, if_match="*")).status_code == 200
        for rank, member in members.items():
            said = {"account_id": str(member.id), "rank": rank}
            added = await self.api.post(f"/v1/organizations/{id}/members", said, self.owner)
            assert added.status_code == 201, added.text
        return id

    async def a_service(self, **terms: Any) -> dict[str, Any]:
        """Another service of the town's provider."""
        said = service(self.provider_id, **terms)
        answer = await self.api.post("/v1/services", said, self.owner)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told


def service(by: str, /, **terms: Any) -> dict[str, Any]:
    """A body that offers half an hour with a provider."""
    return {"name": "Haircut", "provider_id": by, "duration": 30, "currency": "EUR"} | terms


async def a_town(api: Api) -> Town:
    owner = somebody(Role.PROVIDER)
    made = await api.post("/v1/providers", {"name": "Ada", "timezone": "UTC"}, owner)
    provider_id = made.json()["id"]
    hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
    await api.put(f"/v1/providers/{provider_id}/schedule", hours, owner, if_match=1)
    offered = await api.post("/v1/services", service(provider_id), owner)
    people = somebody(Role.PROVIDER), somebody(), somebody(Role.ADMIN)
    monday = monday_after(api.ports.store.now())
    return Town(api, owner, *people, provider_id, offered.json()["id"], monday)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a problem, which must be well formed."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["detail"]
    if answer.status_code == 422:
        assert all({"pointer", "detail"} <= set(error) for error in told["errors"])
        assert told["errors"]
    return answer.status_code, told["type"].removeprefix("/problems/")


def pointers(answer: httpx.Response) -> list[str]:
    """What of the request does not fit."""
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]
