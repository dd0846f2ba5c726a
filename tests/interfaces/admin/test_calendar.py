"""What the calendar answers to its script, and what it is sent."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import psycopg
import pytest

from domain.kernel import new_id
from interfaces.admin.cookies import form_token
from tests.conftest import Database
from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.town import Town


async def data(browser: Browser, town: Town, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in {"date": town.day(), **query}.items())
    answer = await browser.get(f"/admin/calendar/data?{asked}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def sent(browser: Browser, path: str, **form: Any) -> httpx.Response:
    token = form_token(browser.cookies["daybook"])
    return await browser.post(f"/admin/calendar/{path}", {"csrf": token, "key": str(new_id()), **form})


def shades(told: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    """Their times of day."""
    return [(each["start"][11:], each["end"][11:]) for each in told["shades"] if each["kind"] == kind]


async def test_a_day_has_columns_closed_hours_and_buffers(town: Town, owner: Browser) -> None:
    service = await town.a_service(buffer_before=10, buffer_after=20)
    await town.booked("11:00", by=town.customer, service_id=service["id"])
    off = {"start": town.at("15:00"), "end": town.at("16:00")}
    assert (await town.api.post(f"/v1/providers/{town.provider_id}/time-off", off, town.owner)).status_code == 201
    told = await data(owner, town)
    (column,) = told["columns"]
    assert (column["id"], column["name"], column["zone"]) == (town.provider_id, "Ada", "UTC")
    assert shades(told, "closed") == [("00:00", "09:00"), ("15:00", "16:00"), ("17:00", "00:00")]
    assert shades(told, "occupied") == [("10:50", "11:50")]
    (row,) = told["appointments"]
    assert (row["start"][11:], row["end"][11:], row["clock"]) == ("11:00", "11:30", "11:00\N{EN DASH}11:30")
    assert told["hours"] == [540, 1020]


async def test_holidays_and_overrides_close_and_open_days(town: Town, owner: Browser) -> None:
    id = await town.an_organization(town.provider_id)
    holiday = await town.api.put(
        f"/v1/organizations/{id}/holidays/{town.day()}", {"name": "Feast"}, town.owner, if_match="*"
    )
    assert holiday.is_success, holiday.text
    assert shades(await data(owner, town), "closed") == [("00:00", "00:00")]
    path, hours = (
        f"/v1/providers/{town.provider_id}/schedule/overrides/{town.day()}",
        [{"from": "20:00", "to": "02:00"}],
    )
    assert (await town.api.put(path, {"hours": hours}, town.owner, if_match="*")).is_success
    assert shades(await data(owner, town), "closed") == [("00:00", "20:00")]
    week = await data(owner, town, view="week")
    assert week["days"] == [town.day(each) for each in range(7)]
    assert ("02:00", "09:00") in shades(week, "closed"), "the tail past midnight is of the next day's column"


async def test_filters_narrow_columns_and_appointments(town: Town, owner: Browser) -> None:
    said = {"name": "Bea", "timezone": "UTC", "tags": ["barber"]}
    bea = (await town.api.post("/v1/providers", said, town.owner)).json()["id"]
    await town.booked("09:00")
    other = await town.a_service()
    names = lambda told: [each["name"] for each in told["columns"]]  # noqa: E731  said four times
    assert names(await data(owner, town)) == ["Ada", "Bea"]
    assert names(await data(owner, town, tag="barber")) == ["Bea"]
    assert names(await data(owner, town, provider_id=bea)) == ["Bea"]
    of_other = await data(owner, town, service_id=other["id"])
    assert (names(of_other), of_other["appointments"]) == (["Ada"], [])
    assert shades(of_other, "occupied") == [("09:00", "09:30")], "what is taken is not shown as free"
    assert len((await data(owner, town, service_id=town.service_id))["appointments"]) == 1


@pytest.mark.parametrize(
    "query", ["date=tomorrow", "date=2027-02-30", "date=0001-01-01", "date=9999-12-31", "view=year", "provider_id=1"]
)
async def test_an_address_that_makes_no_sense_is_refused(owner: Browser, query: str) -> None:
    for path in ("/admin/calendar", "/admin/calendar/data"):
        answer = await owner.get(f"{path}?{query}")
        assert answer.status_code in {404, 422}, answer.text
    assert {"problem", "detail", "errors", "rule"} <= answer.json().keys()


async def test_forms_of_others_and_cookies_alone_change_nothing(town: Town, owner: Browser, admin: Browser) -> None:
    booked = await town.booked("09:00")
    form = {"start": town.at("10:00")[:16], "provider_id": town.provider_id, "version": booked["version"]}
    path = f"/admin/calendar/{booked['id']}/move"
    for token in ("", form_token(admin.cookies["daybook"])):
        assert (await owner.post(path, {**form, "csrf": token})).status_code == 403
    token = form_token(owner.cookies["daybook"])
    assert (await owner.post(path, {**form, "csrf": token}, origin="http://elsewhere.test")).status_code == 403
    assert (await owner.post("/admin/calendar/book", {"csrf": ""})).status_code == 403
    assert (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()["start"] == town.at("09:00")


async def test_a_refusal_names_its_rule_and_a_stale_version_says_who_did_what(
    town: Town, owner: Browser, admin: Browser
) -> None:
    booked = await town.booked("09:00")
    place = {"provider_id": town.provider_id, "version": booked["version"]}
    path = f"{booked['id']}/move"
    for clock, rule in (("20:00", "hours"), ("09:10", "grid")):
        refused = await sent(owner, path, start=town.at(clock)[:16], **place)
        assert (refused.status_code, refused.json()["rule"]) == (409, rule)
    moved = await sent(admin, path, start=town.at("10:00")[:16], **place)
    assert moved.status_code == 200, moved.text
    late = await sent(owner, path, start=town.at("11:00")[:16], **place)
    await town.api.catch_up()
    late = await sent(owner, path, start=town.at("11:00")[:16], **place)
    assert (late.status_code, late.json()["version"]) == (412, booked["version"] + 1)
    assert [(each["who"], each["what"]) for each in late.json()["meanwhile"]] == [("another person", "moved it")]


async def test_a_move_that_is_sent_twice_is_done_once(town: Town, owner: Browser) -> None:
    booked = await town.booked("09:00")
    form = {
        "start": town.at("10:00")[:16],
        "provider_id": town.provider_id,
        "version": booked["version"],
        "key": "k" * 20,
    }
    answers = [await sent(owner, f"{booked['id']}/move", **form) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json()["position"] == answers[1].json()["position"]


async def test_a_guest_is_not_entered_twice_when_the_booking_is_refused(town: Town, owner: Browser) -> None:
    await town.booked("09:00")
    form = {"provider_id": town.provider_id, "service_id": town.service_id, "guest_name": "Rosa"}
    refused = await sent(owner, "book", start=town.at("09:00")[:16], **form)
    assert refused.status_code == 409
    id = refused.json()["customer_id"]
    done = await sent(owner, "book", start=town.at("10:00")[:16], customer_id=id, **form)
    assert done.status_code == 200, done.text
    found = (await town.api.get("/v1/customers?q=rosa", town.owner)).json()["items"]
    assert [each["id"] for each in found] == [id]


async def test_a_walk_in_begins_at_the_next_full_minute(town: Town, owner: Browser) -> None:
    form = {"provider_id": town.provider_id, "service_id": town.service_id, "guest_name": "Rosa", "walk_in": "on"}
    before = town.api.ports.store.now()
    done = await sent(owner, "book", rules="hours", **form)
    assert done.status_code == 200, done.text
    await town.api.catch_up()
    (row,) = (await town.api.get("/v1/appointments", town.owner)).json()["items"]
    assert before.strftime("%Y-%m-%dT%H:%M") <= row["start"][:16]
    assert row["overridden"] == ["hours", "notice", "grid"]


async def test_the_page_has_no_inline_script_and_names_do_not_become_markup(town: Town, owner: Browser) -> None:
    name = '</script><script>alert("x")</script>'
    guest = (await town.api.post("/v1/customers", {"name": name}, town.owner)).json()["id"]
    await town.booked("09:00", by=town.owner, customer_id=guest)
    page = (await owner.get(f"/admin/calendar?date={town.day()}")).text
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert all('type="application/json"' in attributes or not body for attributes, body in scripts)
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    (told,) = [body for attributes, body in scripts if "calendar-data" in attributes]
    assert [each["customer"] for each in json.loads(told)["appointments"]] == [name]


async def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    town: Town, owner: Browser, database: Database
) -> None:
    sooner = "UPDATE auth.session SET used_at = used_at - interval '20 min', expires_at = now() + interval '10 min'"
    left = "SELECT expires_at > now() + interval '11 min' FROM auth.session"
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(sooner)
        for path in ("/admin/today?auto=1", "/admin/calendar/data?auto=1"):
            assert (await owner.get(path)).status_code == 200
            assert connection.execute(left).fetchone() == (False,)
        assert (await owner.get("/admin/calendar/data")).status_code == 200
        assert connection.execute(left).fetchone() == (True,)
