"""The browser in New York, the provider in Berlin, on the days on which clocks change: Berlin's wall clock counts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.interfaces.http.town import WEEK, Town
from tests.system.browser.looking import DESK, HOST, Onlooker
from tests.system.browser.panel import sign_in
from tests.system.browser.test_admin_calendar import AN_HOUR, a_click_at, drag, event

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
FORWARD, BACK, FORWARD_THERE = "2027-03-28", "2027-10-31", "2027-03-14"


async def a_night_shift(town: Town) -> dict[str, str]:
    """A provider in Berlin who is open day and night, and a service of half an hour."""
    made = await town.api.post("/v1/providers", {"name": "Bea", "timezone": BERLIN}, town.owner)
    bea = made.json()["id"]
    weekly = [{"day": day, "from": "00:00", "to": "24:00"} for day in WEEK]
    await town.api.put(
        f"/v1/providers/{bea}/schedule", {"timezone": BERLIN, "weekly": weekly}, town.owner, if_match="*"
    )
    said = {"name": "Night", "duration": 30, "currency": "EUR", "provider_id": bea}
    night = (await town.api.post("/v1/services", said, town.owner)).json()["id"]
    return {"provider_id": bea, "service_id": night}


async def a_booking(town: Town, place: dict[str, str], name: str, start: str) -> dict[str, Any]:
    guest = (await town.api.post("/v1/customers", {"name": name}, town.owner)).json()["id"]
    return await town.booked(by=town.owner, customer_id=guest, **place, start=start)


async def open_day(page: Page, town: Town, place: dict[str, str], day: str) -> None:
    await sign_in(page, town)
    await page.goto(f"{HOST}/admin/calendar?date={day}&provider_id={place['provider_id']}")
    await page.locator(".ec-time-grid .ec-body").wait_for()


@pytest.mark.parametrize(
    ("day", "booked", "seen", "dropped", "moved", "clicked"),
    [
        (FORWARD, "00:30", "01:30", "03:30", "01:30", ("04:00", "02:00")),  # an hour of drag skips 02:00 to 03:00
        (BACK, "23:30", "01:30", "03:30", "02:30", ("04:00", "03:00")),
        (FORWARD_THERE, "00:30", "01:30", "03:30", "02:30", ("02:00", "01:00")),  # clocks change in New York alone
    ],
)
async def test_the_providers_wall_clock_is_shown_dragged_and_booked(
    town: Town, panel: Onlooker, day: str, booked: str, seen: str, dropped: str, moved: str, clicked: tuple[str, str]
) -> None:
    place = await a_night_shift(town)
    start = f"{day if booked < '12' else '2027-10-30'}T{booked}:00Z"
    grace = await a_booking(town, place, "Grace Hopper", start)
    async with panel.opened(DESK, timezone=NEW_YORK) as (page, said):
        await open_day(page, town, place, day)
        assert seen in await event(page, "Grace Hopper").inner_text()
        await drag(page, "Grace Hopper", 2 * AN_HOUR)
        assert await page.locator("#move-start").input_value() == f"{day}T{dropped}"
        await page.locator("#move-send").click()
        await event(page, "Grace Hopper").filter(has_text=dropped).wait_for()

        await a_click_at(page, clicked[0])
        assert await page.locator("#book-start").input_value() == f"{day}T{clicked[0]}"
        await page.get_by_role("combobox", name="Customer").fill("Rosa Parks")
        await page.get_by_text("Nobody found.").wait_for()
        await page.locator("#book-send").click()
        await event(page, "Rosa Parks").filter(has_text=clicked[0]).wait_for()
        assert not said
    starts = [each["start"] for each in await appointments(town, place)]
    assert starts == sorted([f"{day}T{moved}:00Z", f"{day}T{clicked[1]}:00Z"])
    assert (await town.api.get(f"/v1/appointments/{grace['id']}", town.owner)).json()["timezone"] == BERLIN


async def test_a_time_that_clocks_skip_is_shaded_and_becomes_the_end_of_the_gap(town: Town, panel: Onlooker) -> None:
    place = await a_night_shift(town)
    await a_booking(town, place, "Grace Hopper", f"{FORWARD}T00:30:00Z")
    async with panel.opened(DESK, timezone=NEW_YORK) as (page, said):
        await open_day(page, town, place, FORWARD)
        assert "the clocks skip 02:00 to 03:00" in await page.locator("#notices").inner_text()
        assert await page.locator(".ec-bg-event.shade-closed").count() == 1
        await drag(page, "Grace Hopper", AN_HOUR)
        assert await page.locator("#move-start").input_value() == f"{FORWARD}T02:30"
        await page.locator("#move-send").click()
        await event(page, "Grace Hopper").filter(has_text="03:00\N{EN DASH}03:30").wait_for()
        assert not said
    assert [each["start"] for each in await appointments(town, place)] == [f"{FORWARD}T01:00:00Z"]


async def test_of_a_time_that_happens_twice_each_is_named_and_a_move_keeps_its_own(town: Town, panel: Onlooker) -> None:
    place = await a_night_shift(town)
    for name, start in (("First", "00:30"), ("Second", "01:30")):
        await a_booking(town, place, name, f"{BACK}T{start}:00Z")
    async with panel.opened(DESK, timezone=NEW_YORK) as (page, said):
        await open_day(page, town, place, BACK)
        assert "02:30 (+02:00)" in await event(page, "First").inner_text()
        assert "02:30 (+01:00)" in await event(page, "Second").inner_text()
        await event(page, "Second").click()
        await page.locator("#details-move").click()
        await page.fill("#move-reason", "Only these words")
        await page.locator("#move-send").click()
        await page.locator("#move").wait_for(state="hidden")
        assert not said
    assert [each["start"][11:16] for each in await appointments(town, place)] == ["00:30", "01:30"]


async def appointments(town: Town, place: dict[str, str]) -> list[dict[str, Any]]:
    path = f"/v1/appointments?provider_id={place['provider_id']}"
    found: list[dict[str, Any]] = (await town.api.get(path, town.owner)).json()["items"]
    return found
