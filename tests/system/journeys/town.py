"""People who book over HTTP, and remember every answer that promised something."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from time import monotonic
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from domain.log_position import position_of
from tests.support.builders import monday_after
from tests.support.checker import Acknowledged
from tests.support.instances import Instance

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = [{"day": day, "from": "00:00", "to": "24:00"} for day in WEEK]
OFFICE_HOURS = [{"day": day, "from": "09:00", "to": "17:00"} for day in WEEK]
PATIENCE = 180.0  # seconds
RENEWED = 300.0  # seconds, after which somebody takes another token: half of the life of one


def at(clock: str, day: int = 0) -> datetime:
    """This time of day in UTC, so many days after a Monday ahead."""
    hours, minutes = map(int, clock.split(":"))
    return monday_after(datetime.now(UTC)) + timedelta(days=day, hours=hours, minutes=minutes)


def written(instant: datetime) -> str:
    """As the API writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def read(told: str) -> datetime:
    """What the API wrote."""
    return datetime.fromisoformat(told)


class Person:
    """Somebody with an account and a role, or nobody in particular."""

    def __init__(self, town: Town, role: str | None, account: UUID) -> None:
        self.account = account
        self._town = town
        self._role = role
        self._token, self._renew_at = "", 0.0

    async def get(self, path: str, *, api: str | None = None, seen: int | None = None) -> httpx.Response:
        """`seen`: a position that the answer must reflect, asked again while readers are behind it.

        `api`: another process's address.
        """
        headers = {} if seen is None else {"daybook-position": str(seen)}
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask("GET", path, None, api=api, **headers)
                if answer.status_code != 503 or problem(answer) != BEHIND:
                    return answer

    async def ask(
        self, method: str, path: str, said: Any = None, *, api: str | None = None, **headers: str
    ) -> httpx.Response:
        """One request; underscores in the names of headers stand for hyphens."""
        told = {name.replace("_", "-"): value for name, value in headers.items()} | self._identity()
        answer = await self._town.http.request(method, f"{api or self._town.next_api()}{path}", json=said, headers=told)
        if method != "GET" and answer.is_success:
            self._town.acknowledged.append(_promise(self.account, answer))
        return answer

    def _identity(self) -> dict[str, str]:
        """The header of a token that is still valid, however long the test lasts."""
        if self._role is None:
            return {}
        if monotonic() > self._renew_at:
            self._token = self._town.instance.token(self._role, self.account)
            self._renew_at = monotonic() + RENEWED
        return {"authorization": f"Bearer {self._token}"}

    async def book(
        self,
        shop: Shop,
        start: datetime,
        *,
        key: str | None = None,
        service: str | None = None,
        api: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Book the shop's service, or another, at the start; with its provider unless `provider_id=None`."""
        body = {"service_id": service or shop.service_id, "provider_id": shop.provider_id} | more
        said = {name: value for name, value in body.items() if value is not None}
        return await self.ask(
            "POST", "/v1/appointments", {**said, "start": written(start)}, api=api,
            idempotency_key=key or str(uuid4()),
        )  # fmt: skip

    async def hold(self, shop: Shop, start: datetime, *, api: str | None = None) -> httpx.Response:
        """Keep the start with the shop's provider, as long as its service says."""
        said = {"service_id": shop.service_id, "provider_id": shop.provider_id, "start": written(start)}
        return await self.ask("POST", "/v1/holds", said, api=api, idempotency_key=str(uuid4()))

    async def change(
        self, appointment: dict[str, Any], verb: str, said: Any = None, *, api: str | None = None
    ) -> httpx.Response:
        """`reschedule`, `cancel` and the like, on the version in hand."""
        path = f"/v1/appointments/{appointment['id']}/{verb}"
        return await self.ask("POST", path, said or {}, api=api, if_match=f'"{appointment["version"]}"')


@dataclass(frozen=True)
class Shop:
    """A provider, one service, and whoever works there."""

    town: Town
    owner: Person
    provider_id: str
    service_id: str

    async def offer(self, **terms: Any) -> str:
        """Another service of the provider; its id."""
        return str((await self.offered(**terms))["id"])

    async def offered(self, **terms: Any) -> dict[str, Any]:
        """As `offer`, all of it."""
        body = {"name": "Haircut", "provider_id": self.provider_id, "duration": 30, "currency": "EUR"} | terms
        if "provider_ids" in body:
            del body["provider_id"]
        return good(await self.owner.ask("POST", "/v1/services", body), 201)

    async def schedule(self, weekly: Any, *, api: str | None = None) -> httpx.Response:
        """Replace the weekly hours, whatever they were."""
        body = {"timezone": "UTC", "weekly": weekly}
        path = f"/v1/providers/{self.provider_id}/schedule"
        return await self.owner.ask("PUT", path, body, api=api, if_match="*")

    async def starts(
        self,
        day: int = 0,
        *,
        service: str | None = None,
        provider: str | None = None,
        seen: int | None = None,
        api: str | None = None,
    ) -> dict[str, Any]:
        """What is offered on a day after the Monday: start -> seats left; `position`."""
        date = at("00:00", day).date()
        answer = await self.town.stranger.get(
            f"/v1/availability?service_id={service or self.service_id}"
            f"&provider_id={provider or self.provider_id}&from={date}&to={date}&tz=UTC",
            seen=seen,
            api=api,
        )
        told = good(answer)
        starts = {read(each["start"]): each["seats_left"] for each in told["starts"]}
        return {"starts": starts, "position": position_of(told["position"])}


@dataclass
class Town:
    """Everybody who talks to an instance, and what they were promised. `apis`: addresses, asked in turn."""

    instance: Instance
    apis: Sequence[str] = ()
    acknowledged: list[Acknowledged] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._turn = cycle(self.apis or [self.instance.api])
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self.http = httpx.AsyncClient(timeout=PATIENCE, limits=limits)
        self.stranger = Person(self, None, UUID(int=0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, when: TracebackType | None
    ) -> None:
        await self.http.aclose()

    def next_api(self) -> str:
        """The processes take turns."""
        return next(self._turn)

    def somebody(self, role: str = "customer") -> Person:
        """Somebody with a new account."""
        account = uuid4()
        return Person(self, role, account)

    async def a_shop(self, *, hours: Any = ALL_DAY, **terms: Any) -> Shop:
        """A provider with weekly hours in UTC, and a service: half an hour unless said."""
        owner = self.somebody("provider")
        provider_id = await self.a_provider(owner, hours)
        shop = Shop(self, owner, provider_id, "")
        return Shop(self, owner, provider_id, await shop.offer(**terms))

    async def an_organization(self, owner: Person, *provider_ids: str) -> str:
        """One of the owner's, to which these providers of the owner belong from now on; its id."""
        id = str(good(await owner.ask("POST", "/v1/organizations", {"name": "Ada's"}), 201)["id"])
        for provider_id in provider_ids:
            path = f"/v1/providers/{provider_id}"
            good(await owner.ask("PATCH", path, {"organization_id": id}, if_match="*"))
        return id

    async def a_provider(self, owner: Person, hours: Any = ALL_DAY) -> str:
        """A provider of the owner's; its id."""
        made = good(await owner.ask("POST", "/v1/providers", {"name": "Ada", "timezone": "UTC"}), 201)
        shop = Shop(self, owner, made["id"], "")
        good(await shop.schedule(hours))
        return shop.provider_id


def good(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    told: dict[str, Any] = answer.json() if answer.content else {}
    return told


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and kind of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def position(answer: httpx.Response) -> int:
    """What the answer reflects."""
    found = position_of(answer.headers["daybook-position"])
    assert found is not None
    return found


TAKEN = 409, "slot-taken"
BEHIND = 503, "behind"


def _promise(account: UUID, answer: httpx.Response) -> Acknowledged:
    told = answer.json() if answer.content else {}
    streamed = answer.request.url.path.split("/")[2] in {"appointments", "holds", "providers", "services"}
    own = streamed and "schedule" not in answer.request.url.path and "time-off" not in answer.request.url.path
    return Acknowledged(
        account,
        answer.request.headers.get("idempotency-key"),
        position(answer),
        UUID(told["id"]) if own and "id" in told else None,
        told["version"] if own and "version" in told else None,
    )
