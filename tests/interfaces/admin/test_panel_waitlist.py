"""The card of an entry of the waitlist: a free time that fits is offered with two clicks."""

from typing import Any

from tests.interfaces.admin.browser import Browser
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.town import Town


async def a_waiting(town: Town, **more: Any) -> str:
    await town.api.post("/v1/customers", {"name": "Zoë Ågren"}, town.customer)
    said = {"service_id": town.service_id, "dates": {"from": town.day(), "to": town.day()}, **more}
    answer = await town.api.post("/v1/waitlist", said, town.customer)
    assert answer.status_code == 201, answer.text
    return f"/admin/waitlist/{answer.json()['id']}"


async def test_a_free_time_that_fits_is_offered(town: Town, owner: Browser) -> None:
    card = await a_waiting(town, hours=[{"from": "10:00", "to": "11:00"}])
    await town.booked("10:00")
    page = await owner.get(card)
    assert f'<option value="{town.at("10:30")}">' in page.text
    for taken_or_unwanted in ("10:00", "09:00", "11:00"):
        assert f'value="{town.at(taken_or_unwanted)}"' not in page.text
    path = f"{card}/make-offer"
    done = await owner.post(path, {**await owner.form(card, path), "start": town.at("10:30")})
    assert done.status_code == 303, text(done.text)
    shown = text((await owner.get(done.headers["location"])).text)
    assert "Offered. The customer is told" in shown
    assert "10:30 UTC" in shown.partition("Time on offer")[2]


async def test_who_was_second_is_told_that_the_time_is_taken_and_chooses_again(town: Town, owner: Browser) -> None:
    card = await a_waiting(town)
    path = f"{card}/make-offer"
    form = await owner.form(card, path)
    await town.booked("10:00")
    late = await owner.post(path, {**form, "start": town.at("10:00")})
    assert late.status_code == 409
    assert f'<option value="{town.at("10:30")}">' in late.text


async def test_where_nothing_fits_the_form_says_what_to_do(town: Town, owner: Browser) -> None:
    card = await a_waiting(town, hours=[{"from": "20:00", "to": "21:00"}])
    assert "No free time fits now." in text((await owner.get(card)).text)
