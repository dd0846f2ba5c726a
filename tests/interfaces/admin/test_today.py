"""Today: who is here, who is late, what comes next, what waits; and one click that deals with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from domain.kernel import new_id
from tests.conftest import Database
from tests.interfaces.admin.browser import Browser, a_session, hidden, with_account
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.admin.test_panel_waitlist import a_waiting
from tests.interfaces.http.town import Town, service

PATH = "/admin/today"
_DEAD = """
    INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, dead_at, error)
    SELECT gen_random_uuid(), 'notify', gen_random_uuid(), 'booked', now(), now(), now(), 'No route to the server'"""
_BOX = re.compile(r'<section class="card today-box" id="today-(\w+)".*?</section>', re.DOTALL)


def boxes(page: str) -> Mapping[str, str]:
    """What people read in each box."""
    return {found[1]: text(f"<main>{found[0]}") for found in _BOX.finditer(page)}


async def soon(town: Town, minutes: int, name: str, **more: Any) -> dict[str, Any]:
    """An appointment of a guest so many minutes from now, whatever the hours; before now, when it was booked then."""
    guest = (await town.api.post("/v1/customers", {"name": name}, town.owner)).json()["id"]
    start = town.api.ports.store.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    said = {
        "service_id": town.service_id,
        "provider_id": town.provider_id,
        "customer_id": guest,
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "override": {"rules": ["hours", "grid"], "reason": "A test"},
    }
    made = await town.api.post("/v1/appointments", said | more, town.owner, idempotency_key=str(new_id()))
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


async def test_everything_is_in_its_box(town: Town, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    for minutes, name in ((30, "Here Already"), (60, "Late Comer"), (90, "Next One")):
        await soon(town, minutes, name)
    now = town.api.ports.store.now()
    monkeypatch.setattr(type(town.api.ports.store), "now", lambda _: now + timedelta(minutes=75))
    here = (await town.api.get("/v1/appointments", town.owner)).json()["items"][0]
    path = f"/v1/appointments/{here['id']}/check-in"
    assert (await town.api.post(path, {}, town.owner, if_match=here["version"])).status_code == 200
    said = service(town.provider_id, approval=True)
    asks = (await town.api.post("/v1/services", said, town.owner)).json()["id"]
    await town.booked("12:00", service_id=asks)
    shown = boxes((await owner.get(PATH)).text)
    assert "Here Already" in shown["here"]
    assert "Late Comer" in shown["late"]
    assert "min late" in shown["late"]
    assert "Next One" in shown["next"]
    assert "left to answer" in shown["requests"]
    assert "No offers stand." in shown["offers"]
    assert "failures" not in shown, "jobs are for admins and auditors"


async def test_one_click_checks_in_and_comes_back(town: Town, owner: Browser) -> None:
    booked = await soon(town, 30, "Grace Hopper")
    path = f"/admin/appointments/{booked['id']}/check-in-appointment"
    page = await owner.get(PATH)
    done = await owner.post(path, hidden(page.text, path))
    assert done.headers["location"].startswith(f"{PATH}?done=check_in_appointment&after=")
    after = await owner.get(done.headers["location"])
    assert "Checked in." in text(after.text)
    assert "Grace Hopper" in boxes(after.text)["here"]


async def test_a_form_that_asks_something_comes_back_too_and_leads_nowhere_else(town: Town, owner: Browser) -> None:
    asks = await town.a_service(approval=True)
    booked = await town.booked("12:00", service_id=asks["id"])
    path = f"/admin/appointments/{booked['id']}/decline-appointment"
    assert f'href="{path}?next={PATH}"' in (await owner.get(PATH)).text
    form = await owner.form(f"{path}?next={PATH}", path)
    assert form["next"] == PATH
    stale = await owner.post(path, {**form, "version": "99", "reason": "Ill"})
    assert (stale.status_code, hidden(stale.text, path)["next"]) == (412, PATH)
    elsewhere = await owner.post(path, {**form, "next": "https://elsewhere.test/"})
    assert elsewhere.headers["location"].startswith("/admin?")


async def test_those_who_may_retry_what_has_failed(admin: Browser, database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(_DEAD)
    page = (await admin.get(PATH)).text
    assert "No route to the server" in boxes(page)["failures"]
    path = re.search(r'action="(/admin/jobs/[^"]+/retry-job)"', page)
    assert path is not None
    assert (await admin.post(path[1], hidden(page, path[1]))).headers["location"].startswith(PATH)


async def test_empty_boxes_say_what_to_do_next(owner: Browser) -> None:
    shown = boxes((await owner.get(PATH)).text)
    assert "Check people in as they arrive." in shown["here"]
    assert "Click a free time in the calendar to book." in shown["next"]


async def test_nothing_of_others_is_on_the_page(town: Town, owner: Browser) -> None:
    await soon(town, 30, "Grace Hopper")
    assert "Grace Hopper" in (await owner.get(PATH)).text
    await with_account(town.api, town.stranger)
    stranger = await a_session(town.api, town.stranger.account)
    assert "Grace Hopper" not in (await stranger.get(PATH)).text
    assert (await owner.get("/admin")).headers["location"] == PATH


async def test_what_lies_outside_the_hours_is_settled_with_one_click(town: Town, owner: Browser) -> None:
    booked = await town.booked("12:00")
    path = f"/v1/providers/{town.provider_id}/schedule"
    closed = await town.api.put(path, {"timezone": "UTC", "weekly": []}, town.owner, if_match="*")
    assert closed.status_code == 200
    await town.api.people.work()
    page = (await owner.get(PATH)).text
    assert "Keep outside the hours" in boxes(page)["orphans"]
    keep = f"/admin/appointments/{booked['id']}/keep-appointment"
    after = await owner.get((await owner.post(keep, hidden(page, keep))).headers["location"])
    assert "No appointment lies outside the opening hours." in boxes(after.text)["orphans"]


async def test_an_offer_is_accepted_for_the_customer_with_one_click(town: Town, owner: Browser) -> None:
    entry = await a_waiting(town)
    offer = f"{entry}/make-offer"
    assert (await owner.post(offer, {**await owner.form(entry, offer), "start": town.at("10:30")})).status_code == 303
    page = (await owner.get(PATH)).text
    path = f"{entry}/accept-offer"
    assert "Accept for the customer" in boxes(page)["offers"]
    assert "make-offer" not in page, "it has an offer"
    done = await owner.post(path, hidden(page, path))
    assert done.headers["location"].startswith(f"{PATH}?done=accept_offer&after=")
    after = await owner.get(done.headers["location"])
    assert "Accepted for the customer: the appointment is booked." in text(after.text)
    assert "No offers stand." in boxes(after.text)["offers"]
    (booked,) = (await town.api.get("/v1/appointments", town.owner)).json()["items"]
    assert (booked["start"], booked["status"]) == (town.at("10:30"), "booked")
    again = await owner.post(path, {**hidden(page, path), "key": "another"})
    assert again.status_code in {409, 412}


async def test_after_an_offer_is_accepted_on_its_card_the_card_is_shown_again(town: Town, owner: Browser) -> None:
    entry = await a_waiting(town)
    for name, said in (("make-offer", {"start": town.at("10:30")}), ("accept-offer", {})):
        path = f"{entry}/{name}"
        done = await owner.post(path, {**await owner.form(entry, path), **said})
        assert done.status_code == 303, text(done.text)
        assert done.headers["location"].startswith(f"{entry}?done=")
    assert "Accepted for the customer" in text((await owner.get(done.headers["location"])).text)
