"""The calendar on a telephone: it opens on today, with somebody who has something to do, and fits the screen."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page

from tests.interfaces.http.town import Town
from tests.system.browser.looking import HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in
from tests.system.browser.test_admin_calendar import a_guest, event, open_calendar

TODAY = ".ec-body .ec-day.ec-today"


async def is_in_sight(page: Page, thing: Locator) -> bool:
    """Whether all of its width is within the part of the calendar that shows, and that within the window."""
    frame, box = await page.locator(".ec-main").bounding_box(), await thing.bounding_box()
    assert frame is not None
    assert box is not None
    within = frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    return within and frame["y"] + frame["height"] <= TELEPHONE["height"]


@pytest.mark.parametrize("view", ["day", "week"])
async def test_it_opens_on_today_and_fits_the_screen(town: Town, panel: Onlooker, view: str) -> None:
    async with panel.opened(TELEPHONE) as (page, said):
        await sign_in(page, town)
        await page.goto(f"{HOST}/admin/calendar?view={view}")
        await page.locator(TODAY).first.wait_for()
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await is_in_sight(page, page.locator(TODAY).first)
        await page.locator("#following").click()
        await page.wait_for_url("**date=**")
        await page.locator("#now").click()
        await page.locator(TODAY).first.wait_for()
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await is_in_sight(page, page.locator(TODAY).first), "also after another week"
        assert not said


async def test_it_shows_the_first_who_has_something_to_do_until_another_is_chosen(town: Town, panel: Onlooker) -> None:
    idle = (await town.api.post("/v1/providers", {"name": "Aaron", "timezone": "UTC"}, town.owner)).json()["id"]
    hours = {"timezone": "UTC", "weekly": [{"day": "monday", "from": "09:00", "to": "17:00"}]}
    await town.api.put(f"/v1/providers/{idle}/schedule", hours, town.owner, if_none_match="*")
    await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(TELEPHONE) as (page, said):
        await open_calendar(page, town)
        await event(page, "Grace Hopper").wait_for()
        choice = page.locator("#filter-provider")
        assert await choice.input_value() == town.provider_id
        await choice.select_option(idle)
        await event(page, "Grace Hopper").wait_for(state="detached")
        assert await choice.input_value() == idle
        assert not said
