"""The things that generated requests are about, and the people who send them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import httpx

from application.access import ANONYMOUS, Caller, Role
from infrastructure.identity.access_tokens import AccessTokens
from tests.interfaces.http.town import OFFICE_HOURS, SECRET, service
from tests.support.builders import monday_after, somebody

PEOPLE: Mapping[str, Caller] = {
    "anonymous": ANONYMOUS,
    "customer": somebody(),
    "owner": somebody(Role.PROVIDER),
    "manager": somebody(Role.PROVIDER),
    "staff": somebody(Role.PROVIDER),
    "stranger": somebody(Role.PROVIDER),
    "admin": somebody(Role.ADMIN),
    "auditor": somebody(Role.AUDITOR),
    "analyst": somebody(Role.ANALYST),
}
"""By the part that they play: the owner's organization has a manager and staff; `customer` books there."""


class ConformanceTown(NamedTuple):
    """`ids`: of things that exist, by the names of path parameters."""

    address: str
    ids: Mapping[str, str]


def headers_of(name: str) -> dict[str, str]:
    caller = PEOPLE[name]
    return (
        {} if caller.id is None else {"Authorization": f"Bearer {AccessTokens(SECRET).issue(caller.id, caller.role)}"}
    )


def settle(address: str) -> ConformanceTown:
    """Make one of each thing."""
    with httpx.Client(base_url=address, timeout=60) as web:
        ids: dict[str, str] = {}

        def made(name: str, by: str, path: str, said: object, method: str = "POST") -> str:
            sent = headers_of(by) | {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
            answer = web.request(method, path, json=said, headers=sent)
            assert answer.is_success, answer.text
            ids[name] = str(answer.json().get("id", ""))
            return ids[name]

        organization = made("organization_id", "owner", "/v1/organizations", {"name": "Ada's", "timezone": "UTC"})
        for rank in ("manager", "staff"):
            said = {"account_id": str(PEOPLE[rank].id), "rank": rank}
            made("account_id", "owner", f"/v1/organizations/{organization}/members", said)
        profile = {"name": "Ada", "timezone": "UTC", "organization_id": organization, "tags": []}
        provider = made("provider_id", "owner", "/v1/providers", profile)
        week = {"timezone": "UTC", "weekly": OFFICE_HOURS}
        made("schedule", "owner", f"/v1/providers/{provider}/schedule", week, "PUT")
        off = {"start": "2031-01-01T00:00:00Z", "end": "2031-01-02T00:00:00Z"}
        made("time_off_id", "owner", f"/v1/providers/{provider}/time-off", off)
        haircut = made("service_id", "owner", "/v1/services", service(provider))
        made("tag_id", "owner", "/v1/tags", {"slug": "haircut"})
        hook = {"url": "https://example.org/hook", "types": ["appointment.booked"], "provider_id": provider}
        made("webhook_id", "owner", "/v1/webhooks", hook)
        _book(made, haircut)
        return ConformanceTown(address, {name: id for name, id in ids.items() if name.endswith("_id")})


def _book(made: Callable[..., str], haircut: str) -> None:
    start = monday_after(datetime.now(UTC)) + timedelta(hours=9)
    wish = {"service_id": haircut, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    made("appointment_id", "customer", "/v1/appointments", wish)
    later = {"service_id": haircut, "start": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
    made("hold_id", "customer", "/v1/holds", later)
    day = f"{start:%Y-%m-%d}"
    made("waiting_id", "customer", "/v1/waitlist", {"service_id": haircut, "dates": {"from": day, "to": day}})
