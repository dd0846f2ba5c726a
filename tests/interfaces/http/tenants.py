"""Two organizations, the people in and around them, and everything that belongs to the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import psycopg

from application.access import ANONYMOUS, Caller, Role
from domain.kernel import new_id
from tests.conftest import Database
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import OFFICE_HOURS, Api, service
from tests.support.builders import monday_after

CALLERS = {
    "anonymous": Role.ANONYMOUS,
    "customer": Role.CUSTOMER,  # whose appointment it is, and whose guest's record was claimed
    "stranger": Role.CUSTOMER,  # a customer of the other organization
    "owner": Role.PROVIDER,  # of the provider; of rank staff in its organization
    "chief": Role.PROVIDER,  # owner of the organization
    "manager": Role.PROVIDER,
    "staff": Role.PROVIDER,
    "foreign": Role.PROVIDER,  # owner of the other organization, and of its provider
    "loner": Role.PROVIDER,  # of no organization
    "former": Role.PROVIDER,  # was a manager
    "admin": Role.ADMIN,
    "auditor": Role.AUDITOR,
    "analyst": Role.ANALYST,
}
# Everything about how people come in, and what they may do: of what was denied, nothing must have changed it.
_RECORDED = """
    SELECT (SELECT max(notification_id) FROM log.stored_events),
           (SELECT string_agg((to_jsonb(s) - 'used_at' - 'expires_at')::text, ',' ORDER BY id) FROM auth.session s),
           (SELECT string_agg(concat(id, version, scopes), ',' ORDER BY id) FROM auth.api_key),
           (SELECT string_agg(t::text, ',' ORDER BY hash) FROM auth.ticket t),
           (SELECT string_agg(c::text, ',' ORDER BY account_id) FROM auth.credential c),
           (SELECT count(*) FROM work.job), (SELECT count(*) FROM auth.verification),
           (SELECT string_agg(w::text, ',' ORDER BY webhook_id) FROM work.webhook w),
           (SELECT count(*) FROM work.webhook_secret)"""


@dataclass
class Tenants:
    """`callers` by name; `names`: ids of what is in the first organization, as paths and bodies name them."""

    api: Api
    database: Database
    callers: dict[str, Caller]
    names: dict[str, str]
    monday: datetime
    watch: psycopg.Connection[tuple[Any, ...]]
    days: Iterator[int] = field(default_factory=lambda: count(1))

    def another_day(self) -> datetime:
        """A day on which the customer keeps nothing yet; each time the next one."""
        return self.monday + timedelta(days=next(self.days))

    def at(self, clock: str) -> str:
        """A time of the Monday ahead on which appointments are."""
        return f"{self.monday:%Y-%m-%d}T{clock}:00Z"

    async def made(self, path: str, said: Any, by: str = "admin", **headers: Any) -> dict[str, Any]:
        """What a POST that must succeed has made."""
        answer = await self.api.post(path, said, self.callers[by], **headers)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def a_provider(self, owner: str, organization_id: str, **more: Any) -> str:
        """With office hours."""
        said = {"name": "Ada", "timezone": "UTC", "organization_id": organization_id, **more}
        id: str = (await self.made("/v1/providers", said | {"owner_id": str(self.callers[owner].id)}))["id"]
        hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
        answer = await self.api.put(f"/v1/providers/{id}/schedule", hours, self.callers["admin"], if_match="*")
        assert answer.is_success, answer.text
        return id

    async def a_service(self, provider_id: str, **terms: Any) -> str:
        """Of which any number of people may come at once."""
        id: str = (await self.made("/v1/services", service(provider_id, capacity=1000, **terms)))["id"]
        return id

    async def an_organization(self, founder: str, /, **members: str) -> str:
        """`members`: name -> rank."""
        owner_id = str(self.callers[founder].id)
        id: str = (await self.made("/v1/organizations", {"name": "Ada's", "owner_id": owner_id}))["id"]
        for name, rank in members.items():
            await self.a_member(id, str(self.callers[name].id), rank)
        return id

    async def a_member(self, organization_id: str, account_id: str, rank: str = "staff") -> None:
        said = {"account_id": account_id, "rank": rank}
        await self.made(f"/v1/organizations/{organization_id}/members", said)

    async def an_appointment(self, customer: str = "customer", **more: Any) -> str:
        """At nine on the Monday, with the first organization's provider."""
        said = {
            "service_id": self.names["service_id"],
            "provider_id": self.names["provider_id"],
            "start": self.at("09:00"),
        }
        booked = await self.made("/v1/appointments", said | more, customer, idempotency_key=str(new_id()))
        id: str = booked["id"]
        return id

    async def a_waiting(self, customer: str = "customer", **more: Any) -> str:
        """Somebody who waits for the first organization's provider."""
        day = f"{self.another_day():%Y-%m-%d}"
        said = {"service_id": self.names["service_id"], "provider_id": self.names["provider_id"]}
        told = await self.made("/v1/waitlist", {**said, "dates": {"from": day, "to": day}, **more}, customer)
        return str(told["id"])

    async def a_guest(self, by: str = "owner", **more: Any) -> str:
        """Known to the members of the first organization."""
        said = {"name": "Guest", "organization_id": self.names["organization_id"], **more}
        id: str = (await self.made("/v1/customers", said, by))["id"]
        return id

    def recorded(self) -> tuple[Any, ...]:
        """All that a request which is refused must leave as it is."""
        row = self.watch.execute(_RECORDED).fetchone()
        assert row is not None
        return row


async def an_account_of(api: Api, role: Role, name: str = "") -> Caller:
    """Somebody new."""
    if role is Role.ANONYMOUS:
        return ANONYMOUS
    return await an_account(api, f"{name or new_id()}@example.org", role)


async def tenants(api: Api, database: Database) -> Tenants:
    """The first organization, with everything in it; and the second, of `foreign`."""
    callers = {name: await an_account_of(api, role, name) for name, role in CALLERS.items() if name != "customer"}
    watch = psycopg.connect(database.owner, autocommit=True)
    it = Tenants(api, database, callers, {}, monday_after(api.ports.store.now()), watch)
    ours = await it.an_organization("chief", manager="manager", staff="staff", owner="staff", former="manager")
    it.names["organization_id"] = ours
    claimed = await it.a_guest(email="customer@example.org")
    callers["customer"] = await an_account_of(api, Role.CUSTOMER, "customer")  # who thereby claims the guest
    await _fill(it, ours, claimed)
    theirs = await it.an_organization("foreign")
    other = await it.a_provider("foreign", theirs)
    await it.an_appointment("stranger", service_id=await it.a_service(other), provider_id=other)
    path = f"/v1/organizations/{ours}/members/{callers['former'].id}"
    assert (await api.delete(path, callers["admin"], if_match="*")).is_success
    return it


async def _fill(it: Tenants, ours: str, claimed: str) -> None:
    provider_id = await it.a_provider("owner", ours)
    it.names |= {
        "provider_id": provider_id,
        "service_id": await it.a_service(provider_id),
        "colleague_id": await it.a_provider("chief", ours),
        "customer_id": str(it.callers["customer"].id),
        "claimed_id": claimed,
        "guest_id": await it.a_guest(),
        "tag_id": (await it.made("/v1/tags", {"slug": "haircut"}))["id"],
        "account_id": str(it.callers["staff"].id),
        "date": "2030-12-24",
        "name": "not-found",
    }
    it.names["appointment_id"] = await it.an_appointment()
    it.names["claimed_appointment_id"] = await it.an_appointment("admin", customer_id=claimed)
    it.names["waiting_id"] = await it.a_waiting()
    off = {"start": "2030-08-01T00:00:00Z", "end": "2030-08-15T00:00:00Z"}
    it.names["time_off_id"] = (await it.made(f"/v1/providers/{provider_id}/time-off", off, "owner"))["id"]
