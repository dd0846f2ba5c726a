"""A stranger gets in, books, looks and leaves, on what `daybook up` starts."""

import asyncio
import time
from uuid import uuid4

import httpx

from tests.support.instances import Instance, eventually
from tests.support.waiting import PATIENCE
from tests.system.journeys.mailbox import mailed
from tests.system.journeys.town import OFFICE_HOURS, Town, at, good, position, written

PASSWORD = "a ship in port is safe"


async def test_a_stranger_registers_verifies_signs_in_books_looks_and_signs_out(shared: Instance, town: Town) -> None:
    owner = town.somebody("provider")
    made = await owner.ask("POST", "/v1/providers", {"name": "Dr. People", "timezone": "UTC"})
    provider = good(made, 201)
    hours = {"timezone": "UTC", "weekly": OFFICE_HOURS}
    good(await owner.ask("PUT", f"/v1/providers/{provider['id']}/schedule", hours, if_match='"1"'))
    body = {"name": "Check-up", "provider_id": provider["id"], "duration": 30, "currency": "EUR"}
    service = good(await owner.ask("POST", "/v1/services", body), 201)

    email = f"stranger-{uuid4().hex[:8]}@example.org"
    async with httpx.AsyncClient(base_url=shared.api, timeout=PATIENCE) as web:
        who = {"email": email, "password": PASSWORD, "name": "A. Stranger"}
        assert (await web.post("/v1/auth/register", json=who)).status_code == 202
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        assert (await web.post("/v1/auth/token", data=form)).status_code in {400, 401}, "not yet proven"
        proven = await web.post("/v1/auth/email/verify", json={"token": await mailed(web, email)})
        account_id = good(proven)["account_id"]

        signed_in = good(await web.post("/v1/auth/token", data=form))
        web.headers["authorization"] = f"Bearer {signed_in['access_token']}"
        me = good(await web.get("/v1/me", headers={"daybook-position": str(position(proven))}))
        assert (me["id"], me["email"], me["role"]) == (account_id, email, "customer")

        said = {"service_id": service["id"], "provider_id": provider["id"], "start": written(at("09:00"))}
        booked = await web.post("/v1/appointments", json=said, headers={"idempotency-key": uuid4().hex})
        appointment = good(booked, 201)
        assert appointment["customer_id"] == account_id
        listed = await web.get("/v1/appointments", headers={"daybook-position": str(position(booked))})
        (shown,) = good(listed)["items"]
        assert shown.items() >= appointment.items()

        assert (await web.post("/v1/auth/logout")).status_code in {200, 204}

        async def shut() -> bool:
            return (await web.get("/v1/me")).status_code == 401

        await eventually(shut)
        again = await web.post("/v1/auth/refresh", json={"refresh_token": signed_in["refresh_token"]})
        assert again.status_code in {400, 401}


async def test_the_demo_accounts_sign_in(shared: Instance) -> None:
    async with httpx.AsyncClient(base_url=shared.api, timeout=PATIENCE) as web:
        for role in ("admin", "provider", "customer", "auditor", "analyst"):
            form = {"username": f"{role}@daybook.example", "password": shared.demo_password or ""}
            told = good(await web.post("/v1/auth/token", data={"grant_type": "password", **form}))
            me = await web.get("/v1/me", headers={"authorization": f"Bearer {told['access_token']}"})
            assert good(me)["role"] == role


async def test_a_disabled_account_is_out_of_both_processes_within_a_second(town: Town, apis: tuple[str, str]) -> None:
    async with httpx.AsyncClient(base_url=apis[0], timeout=PATIENCE) as web:
        account_id, form = await somebody_new(web)
        signed_in = good(await web.post("/v1/auth/token", data=form))
        web.headers["authorization"] = f"Bearer {signed_in['access_token']}"

        async def statuses() -> list[int]:
            return [(await web.get(f"{api}/v1/auth/sessions")).status_code for api in apis]

        assert await statuses() == [200, 200]
        good(await town.somebody("admin").ask("DELETE", f"/v1/users/{account_id}", if_match="*"), 204)
        await asyncio.sleep(1)
        assert await statuses() == [401, 401]
        assert (await web.post("/v1/auth/token", data=form)).status_code == 401


async def test_both_processes_count_wrong_passwords_together(apis: tuple[str, str]) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as web:
        said = {"grant_type": "password", "username": f"{uuid4().hex}@example.org", "password": "x" * 15}
        began = time.time()
        answers = [await web.post(f"{apis[n % 2]}/v1/auth/token", data=said) for n in range(11)]
    statuses = [answer.status_code for answer in answers]
    minutes = int(time.time() // 60) - int(began // 60) + 1  # which the window begins anew
    assert 5 <= statuses.count(401) <= 5 * minutes
    assert statuses.count(429) == 11 - statuses.count(401) > 0


async def somebody_new(web: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """An account that has proven its address, and what it signs in with."""
    email = f"somebody-{uuid4().hex[:8]}@example.org"
    who = {"email": email, "password": PASSWORD, "name": "Some Body"}
    assert (await web.post("/v1/auth/register", json=who)).status_code == 202
    proven = await web.post("/v1/auth/email/verify", json={"token": await mailed(web, email)})
    return good(proven)["account_id"], {"grant_type": "password", "username": email, "password": PASSWORD}
