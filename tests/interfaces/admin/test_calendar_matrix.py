"""Who sees, moves and books what in the calendar: asked by everybody about the first organization."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from domain.kernel import new_id
from interfaces.admin.cookies import form_token
from tests.interfaces.admin.people import People
from tests.interfaces.admin.test_panel_matrix import STATUS, TABLE
from tests.interfaces.http.asked import asked
from tests.interfaces.http.tenants import CALLERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOVE, BOOK = "POST /admin/calendar/{id:uuid}/move", "POST /admin/calendar/book"
OURS = ("owner", "chief", "manager", "staff")
OTHERS = ("foreign", "loner", "former")


async def sent(people: People, caller: str, path: str, **form: Any) -> httpx.Response:
    browser = people.browsers[caller]
    token = form_token(browser.cookies.get("daybook", ""))
    return await browser.post(path, {"csrf": token, "key": str(new_id()), **form})


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_moves_appointments_as_the_table_says(people: People, caller: str) -> None:
    request = await asked(people.it, "reschedule_appointment", caller)
    assert request.whose is not None
    before = await appointment(people, request.whose)
    form = {"start": request.said["start"][:16], "provider_id": people.it.names["provider_id"]}
    answer = await sent(people, caller, f"/admin/calendar/{request.whose}/move", version=before["version"], **form)
    expected = TABLE[MOVE][caller]
    assert answer.status_code == (200 if expected == "+" else STATUS[expected]), answer.text
    assert ((await appointment(people, request.whose))["start"] != before["start"]) is (expected == "+")


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_books_as_the_table_says(people: People, caller: str) -> None:
    request = await asked(people.it, "book_appointment", caller)
    names = people.it.names
    form = {
        "start": f"{people.it.another_day():%Y-%m-%d}T09:00",
        "provider_id": names["provider_id"],
        "service_id": request.said["service_id"],
        "guest_name": f"Guest of {caller}",
    }
    expected, before = TABLE[BOOK][caller], people.it.recorded()
    answer = await sent(people, caller, "/admin/calendar/book", **form)
    assert answer.status_code == (200 if expected == "+" else STATUS[expected]), answer.text
    assert (people.it.recorded() != before) is (expected == "+")


@pytest.mark.parametrize("caller", [*OURS, *OTHERS, "admin", "auditor"])
async def test_nobody_sees_rows_of_others(people: People, caller: str) -> None:
    names, browser = people.it.names, people.browsers[caller]
    path = f"/admin/calendar/data?date={people.it.monday:%Y-%m-%d}"
    data = (await browser.get(path)).json()
    sees = caller not in OTHERS
    assert (names["provider_id"] in {each["id"] for each in data["columns"]}) is sees
    assert any(each["provider_id"] == names["provider_id"] for each in data["appointments"]) is sees
    assert any(each["provider_id"] == names["provider_id"] for each in data["shades"]) is sees
    assert {each["provider_id"] for each in data["appointments"]} <= {each["id"] for each in data["columns"]}
    asked_for = await browser.get(f"{path}&provider_id={names['provider_id']}")
    assert asked_for.status_code == (200 if sees else 404)
    assert (await browser.get(f"/admin/calendar?provider_id={names['provider_id']}")).status_code == (
        200 if sees else 404
    )
    guests = (await browser.get("/admin/calendar/customers?q=guest")).json()["items"]
    assert (names["guest_id"] in {each["id"] for each in guests}) is sees


@pytest.mark.parametrize("caller", ["foreign", "loner", "former"])
async def test_an_appointment_cannot_be_moved_to_a_provider_of_others(people: People, caller: str) -> None:
    """Nor, by somebody of the organization, to one that is not theirs."""
    mine = await people.browsers["foreign"].get(f"/admin/calendar/data?date={people.it.monday:%Y-%m-%d}")
    (theirs,) = [each["id"] for each in mine.json()["columns"]]
    request = await asked(people.it, "reschedule_appointment", "owner")
    assert request.whose is not None
    path, before = f"/admin/calendar/{request.whose}/move", await appointment(people, request.whose)
    form = {"start": request.said["start"][:16], "version": before["version"]}
    assert (await sent(people, caller, path, provider_id=theirs, **form)).status_code == 404
    assert (await sent(people, "owner", path, provider_id=theirs, **form)).status_code == 404
    assert (await appointment(people, request.whose))["version"] == before["version"]


async def appointment(people: People, id: str) -> dict[str, Any]:
    told: dict[str, Any] = (await people.it.api.get(f"/v1/appointments/{id}", people.it.callers["admin"])).json()
    return told
