"""What clients of a deployment do first: sign up by a mail, and open a salon."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from infrastructure.local.programs import wait_until
from tests.system.compose.deployment import PATIENCE, MailCatcher, code_of

PASSWORD = "a ship in port is safe"


def signed_up(web: httpx.Client, catcher: MailCatcher, role: str) -> dict[str, str]:
    """The header of somebody who has registered, proved the address by the code of a mail, and signed in."""
    email = f"{role}-{uuid4().hex[:8]}@example.org"
    told = {"email": email, "password": PASSWORD, "name": "Grace Hopper", "role": role}
    assert web.post("/v1/auth/register", json=told).status_code == 202
    verified = web.post("/v1/auth/email/verify", json={"code": code_of(catcher.to(email))})
    assert verified.is_success, verified.text
    return signed_in(web, email)


def signed_in(web: httpx.Client, email: str) -> dict[str, str]:
    """The header of somebody who has registered; its token lives for some minutes."""
    form = {"grant_type": "password", "username": email, "password": PASSWORD}
    return {"Authorization": f"Bearer {web.post('/v1/auth/token', data=form).json()['access_token']}", "email": email}


@dataclass(frozen=True)
class Salon:
    """A provider with one service, open around the clock."""

    provider: str
    service: str
    starts: list[str] = field(default_factory=list)


def open_salon(web: httpx.Client, owner: dict[str, str]) -> Salon:
    provider = web.post("/v1/providers", json={"name": "Ada", "timezone": "UTC"}, headers=owner)
    assert provider.status_code == 201, provider.text
    id = provider.json()["id"]
    position = {"Daybook-Position": provider.headers["daybook-position"]}
    schedule = _read(web, f"/v1/providers/{id}/schedule", headers=owner | position)
    week = [{"day": day, "from": "00:00", "to": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    put = web.put(
        f"/v1/providers/{id}/schedule",
        json={"timezone": "UTC", "weekly": week},
        headers=owner | {"If-Match": schedule.headers["etag"]},
    )
    assert put.is_success, put.text
    offered = {"name": "Haircut", "provider_id": id, "duration": 15, "price": 2500, "currency": "EUR"}
    service = web.post("/v1/services", json=offered, headers=owner)
    assert service.status_code == 201, service.text
    position = {"Daybook-Position": service.headers["daybook-position"]}
    first = datetime.now(UTC).date() + timedelta(days=2)
    asked = {"service_id": service.json()["id"], "from": str(first), "to": str(first + timedelta(days=20)), "tz": "UTC"}
    free = _read(web, "/v1/availability", params=asked, headers=position)
    return Salon(id, service.json()["id"], [each["start"] for each in free.json()["starts"]])


def once() -> dict[str, str]:
    """The header that a booking needs, so that it is not carried out twice."""
    return {"Idempotency-Key": str(uuid4())}


def _read(web: httpx.Client, path: str, **asked: Any) -> httpx.Response:
    """The answer, once the read model has reached the position of the request: until then, it is 503."""
    answers: list[httpx.Response] = []

    def reached() -> bool:
        answers.append(web.get(path, **asked))
        return answers[-1].status_code != 503

    assert wait_until(reached, PATIENCE), answers[-1].text
    assert answers[-1].is_success, answers[-1].text
    return answers[-1]


def remind_within_a_minute(web: httpx.Client, owner: dict[str, str], salon: Salon) -> None:
    """Change the service so that the reminder of its first free time is due in the minute that has begun."""
    minutes = (datetime.fromisoformat(salon.starts[0]) - datetime.now(UTC)) // timedelta(minutes=1)
    path = f"/v1/services/{salon.service}"
    etag = web.get(path, headers=owner).headers["etag"]
    changed = web.patch(path, json={"reminders": [minutes]}, headers=owner | {"If-Match": etag})
    assert changed.is_success, changed.text
