"""The hours of a provider in Chromium: paint a week, preview it, settle an orphan; a month of dates; keys alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.interfaces.http.town import Town
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in
from tests.system.browser.test_admin_calendar import a_guest, shown

SIZES = pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])


async def open_hours(page: Page, town: Town, query: str = "") -> None:
    await sign_in(page, town)
    await page.goto(f"{HOST}/admin/providers/{town.provider_id}/hours{query}")
    await page.locator("#week").wait_for()


async def paint(page: Page, day: str, since: int, until: int) -> None:
    """With the mouse, from one half hour of a day to another."""
    box = await page.locator(f'[data-day="{day}"] .paint').bounding_box()
    assert box is not None
    places = [box["x"] + box["width"] * (half + 0.5) / 48 for half in (since, until)]
    await page.mouse.move(places[0], box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(places[1], box["y"] + 10, steps=5)
    await page.mouse.up()


@SIZES
async def test_paint_the_week_preview_it_and_settle_an_orphan(town: Town, panel: Onlooker, size: Any) -> None:
    morning, late = await a_guest(town, "Grace Hopper", "09:00"), await a_guest(town, "Ada Byron", "16:00")
    async with panel.opened(size) as (page, said):
        await open_hours(page, town)
        monday = page.get_by_label("Monday", exact=True)
        await page.locator('[data-day="mon"]').scroll_into_view_if_needed()
        assert await monday.input_value() == "09:00-17:00"
        await paint(page, "mon", 18, 25)  # open: closes what is painted
        assert await monday.input_value() == "13:00-17:00"
        await paint(page, "mon", 36, 39)
        assert await monday.input_value() == "13:00-17:00, 18:00-20:00"
        await paint(page, "mon", 32, 33)
        assert await monday.input_value() == "13:00-16:00, 17:00-17:00, 18:00-20:00".replace("17:00-17:00, ", "")
        await page.locator("#week").get_by_role("button", name="Preview").click()
        await page.get_by_role("heading", name="Appointments outside the hours: 2").wait_for()
        assert (await shown(town, morning))["orphaned"] is None
        await page.get_by_label("For all").select_option(label="Ask to choose another time")
        await page.get_by_label("For this one: Grace Hopper").select_option(label="Keep")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("The hours are saved.").wait_for()
        await town.api.people.work()
        assert (await shown(town, morning))["overridden"] == ["hours"]
        assert (await shown(town, late))["orphaned"]["choice"] == "rebook"
        await page.reload()
        await page.get_by_role("link", name="Decide").click()
        await page.locator("a.open").click()
        await page.get_by_role("heading", name="Ada Byron").wait_for()
        await page.locator("#keep_appointment summary").click()
        await page.locator("#keep_appointment").get_by_role("button").click()
        await page.get_by_text("Kept.").wait_for()
        assert (await shown(town, late))["orphaned"] is None
    assert said == []


async def test_a_date_is_closed_by_keys_alone(town: Town, panel: Onlooker) -> None:
    async with panel.opened(DESK) as (page, said):
        await open_hours(page, town, f"?month={town.day()[:7]}")
        await page.locator(f'a[href*="date={town.day()}"]').focus()
        await page.keyboard.press("Enter")
        closed = page.locator('input[name="how"][value="closed"]')
        await closed.wait_for()
        await page.wait_for_load_state("load")  # until then the browser takes the focus to the fragment
        await closed.focus()
        await page.keyboard.press("Space")
        assert await closed.is_checked()
        await page.locator("#date button").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Save").focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("The hours are saved.").wait_for()
        told = (await town.api.get(f"/v1/providers/{town.provider_id}/schedule", town.owner)).json()
        assert told["overrides"] == [{"date": town.day(), "hours": []}]
    assert said == []


async def test_nothing_serious_is_wrong_with_the_pages(town: Town, panel: Onlooker) -> None:
    await a_guest(town, "Grace Hopper", "09:00")
    off = {"start": town.at("00:00", 3), "end": town.at("00:00", 5), "reason": "A fair"}
    await town.api.post(f"/v1/providers/{town.provider_id}/time-off", off, town.owner, if_match="*")
    day = f"/v1/providers/{town.provider_id}/schedule/overrides/{town.day(1)}"
    await town.api.put(day, {"hours": [{"from": "10:00", "to": "12:00"}]}, town.owner, if_match="*")
    faults = []
    async with panel.opened(DESK) as (page, _):
        await open_hours(page, town)
    path = f"/admin/providers/{town.provider_id}/hours"
    for name, asked in (
        ("hours", f"{path}?month={town.day()[:7]}&date={town.day(1)}"),
        ("provider", path.removesuffix("/hours")),
    ):
        faults += await panel.faults(name, await panel.client.request("GET", asked))
    async with panel.opened(TELEPHONE) as (page, said):
        await page.goto(f"{HOST}{path}")
        await page.get_by_label("Monday", exact=True).fill("")
        await page.locator("#week").get_by_role("button", name="Preview").click()
        await page.get_by_role("heading", name="Appointments outside the hours: 1").wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        if panel.folder is not None:
            await page.screenshot(path=panel.folder / "hours-preview-telephone.png", full_page=True)
            await page.set_viewport_size(DESK)
            await page.screenshot(path=panel.folder / "hours-preview-desk.png", full_page=True)
    assert faults + said == []
