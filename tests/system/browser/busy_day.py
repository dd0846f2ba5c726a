"""A day in a salon, through the API: people who are here, who come, who ask for a time, and who wait for one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from application.access import Role
from domain.kernel import new_id
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.settings import Settings
from tests.support.instances import Instance, within
from tests.support.signing import PASSWORD

RULES = {"rules": ["hours", "grid", "notice"], "reason": "At the desk"}
HERE = ("Grace Hopper", "Alan Turing")
NEXT = ("Ada Byron", "Hedy Lamarr", "Rosa Parks", "Katherine Johnson")
STAFF = ("Mia Berg", "Noah Lind", "Ida Krause")
WEEK = [{"day": day, "from": "08:00", "to": "20:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
TAG = "salon"
ADMIN = "elena@example.org"


def text_of(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class BusyDay:
    """What was made; the ids are those of the first provider, and of what is worth a picture."""

    client: httpx.Client
    customers_token: str
    customer_id: str
    provider_ids: list[str] = field(default_factory=list)
    organization_id: str = ""
    service_id: str = ""
    asked_id: str = ""
    appointment_id: str = ""
    guest_id: str = ""
    offered_id: str = ""

    @property
    def provider_id(self) -> str:
        return self.provider_ids[0]

    def ask(self, method: str, path: str, said: Any = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            sent |= {"idempotency-key": str(new_id())}
        answer = self.client.request(method, path, json=said, headers=sent)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def salon(self) -> None:
        """Three people who cut hair every day, and two services, one of which is confirmed by staff."""
        self.organization_id = self.ask("POST", "/v1/organizations", {"name": "Salon Linde"})["id"]
        for name in STAFF:
            said = {"name": name, "timezone": "Europe/Berlin", "tags": [TAG], "organization_id": self.organization_id}
            id = self.ask("POST", "/v1/providers", said)["id"]
            self.provider_ids.append(id)
            schedule = {"timezone": "Europe/Berlin", "weekly": WEEK}
            self.ask("PUT", f"/v1/providers/{id}/schedule", schedule, if_match="*")
        self.service_id = self._service("Cut and colour", duration=60, price=6500)
        self.asked_id = self._service("Bridal hair", duration=90, price=18000, approval=True)

    def _service(self, name: str, **terms: Any) -> str:
        owner = {"organization_id": self.organization_id, "provider_ids": self.provider_ids}
        said = {"name": name, "currency": "EUR", "tags": [TAG], **owner, **terms}
        return str(self.ask("POST", "/v1/services", said)["id"])

    def guest(self, name: str) -> str:
        said = {"name": name, "email": f"{name.split(maxsplit=1)[0].lower()}@example.org", "phone": "+49 30 555 0100"}
        return str(self.ask("POST", "/v1/customers", said | {"organization_id": self.organization_id})["id"])

    def book(self, name: str, provider: int, start: datetime, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.ask(
            "POST",
            "/v1/appointments",
            {
                "service_id": self.service_id,
                "provider_id": self.provider_ids[provider],
                "customer_id": self.guest(name),
                "start": text_of(start),
                "override": RULES,
                **more,
            },
        )
        return told

    def fill(self) -> None:
        """Something for each box of Today."""
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        soon, tomorrow = now + timedelta(minutes=5), now.replace(hour=9, minute=0) + timedelta(days=1)
        for number, name in enumerate(HERE):
            here = self.book(name, number, soon)
            self.ask("POST", f"/v1/appointments/{here['id']}/check-in", {}, if_match="*")
        for number, name in enumerate(NEXT):
            start = soon + timedelta(minutes=30 * number + 60)
            self.book(name, number % 3, start, note="By the window" if number == 0 else "")
        for number, name in enumerate(("Lise Meitner", "Emmy Noether", "Vera Rubin", "Chien-Shiung Wu")):
            self.book(name, number % 3, tomorrow + timedelta(minutes=75 * number))
        self._requested(tomorrow)
        self._with_a_history(tomorrow)
        self._waiting(tomorrow)

    def _requested(self, day: datetime) -> None:
        """By a customer: what staff book is confirmed at once."""
        said = {
            "service_id": self.asked_id,
            "provider_id": self.provider_ids[2],
        }
        said["start"] = text_of(day + timedelta(days=5, hours=1))
        sent = {"authorization": f"Bearer {self.customers_token}", "idempotency-key": str(new_id())}
        asked = self.client.post("/v1/appointments", json=said, headers=sent)
        assert asked.status_code == 201, asked.text

    def _with_a_history(self, day: datetime) -> None:
        """An appointment that was moved, of a guest of whom staff know something; then its provider is away."""
        booked = self.book("Marie Curie", 0, day + timedelta(days=1), note="Brings a friend", override=None)
        self.appointment_id, self.guest_id = booked["id"], booked["customer_id"]
        path = f"/v1/appointments/{self.appointment_id}"
        self.ask("PATCH", path, {"staff_note": "Allergic to lavender"}, if_match="*")
        moved = {"start": text_of(day + timedelta(days=1, hours=2)), "reason": "The train is late"}
        self.ask("POST", f"{path}/reschedule", moved, if_match="*")
        self.ask("PATCH", f"/v1/customers/{self.guest_id}", {"staff_note": "Prefers mornings"}, if_match="*")
        consent = {"purpose": "newsletter", "text": "I want to hear of free times."}
        self.ask("POST", f"/v1/customers/{self.guest_id}/consents", consent)
        off = {"start": text_of(day + timedelta(days=1, hours=1)), "end": text_of(day + timedelta(days=1, hours=5))}
        self.ask("POST", f"/v1/providers/{self.provider_id}/time-off", off | {"reason": "Training"})
        within(60, lambda: self.ask("GET", f"/v1/appointments?orphaned=true&provider_id={self.provider_id}")["items"])

    def _waiting(self, day: datetime) -> None:
        """Two who wait, one of whom has an offer."""
        dates = {"from": f"{day:%Y-%m-%d}", "to": f"{day + timedelta(days=9):%Y-%m-%d}"}
        for name in ("Mary Jackson", "Dorothy Vaughan"):
            said = {"service_id": self.service_id, "customer_id": self.guest(name), "dates": dates}
            entry = self.ask("POST", "/v1/waitlist", said)
        start = {"start": text_of(day + timedelta(days=3)), "provider_id": self.provider_ids[1]}
        self.offered_id = entry["id"]
        self.ask("POST", f"/v1/waitlist/{self.offered_id}/offer", start, if_match="*")


def busy_day(instance: Instance) -> BusyDay:
    """Made by an admin of the instance, whose last writes the next requests see."""
    admin, customer = new_id(), new_id()
    asyncio.run(_accounts(instance, admin, customer))
    headers = {"authorization": f"Bearer {instance.token(Role.ADMIN, admin)}"}
    client = httpx.Client(base_url=instance.api, headers=headers, timeout=60)
    day = BusyDay(client, instance.token(Role.CUSTOMER, customer), str(customer))
    day.salon()
    day.fill()
    return day


async def _accounts(instance: Instance, admin: UUID, customer: UUID) -> None:
    known = {name.lower(): value for name, value in instance.environment().items()}
    settings = Settings(**{name: known[name] for name in Settings.model_fields if name in known})  # type: ignore[arg-type]
    async with registrar_of(settings) as registrar:
        elena = NewAccount(admin, Role.ADMIN, ADMIN, "Elena Roth")
        sofia = NewAccount(customer, Role.CUSTOMER, "sofia@example.org", "Sofia Kovalevskaya")
        await registrar.make([elena, sofia], PASSWORD)
