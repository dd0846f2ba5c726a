"""Today and the calendar's dialogs in Chromium: one click, a page that refreshes itself, and what axe finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.town import Town
from tests.system.browser.looking import DESK, SERIOUS, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in
from tests.system.browser.test_admin_calendar import a_guest, event, open_calendar

SIZES = pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
HALF_A_MINUTE = 31_000  # ms, and a little more


async def soon(town: Town, minutes: int, name: str) -> dict[str, Any]:
    """An appointment so many minutes from now, whatever the hours."""
    start = town.api.ports.store.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    override = {"rules": ["hours", "grid"], "reason": "A test"}
    return await a_guest(town, name, "09:00", start=f"{start:%Y-%m-%dT%H:%M:%SZ}", override=override)


@SIZES
async def test_one_click_checks_in_and_today_shows_it(town: Town, panel: Onlooker, size: Any) -> None:
    booked = await soon(town, 40, "Grace Hopper")
    async with panel.opened(size) as (page, said):
        await sign_in(page, town)
        assert "Grace Hopper" in await page.inner_text("#today-next")
        await page.get_by_role("button", name="Check in: Grace Hopper").click()
        await page.locator("#today-here", has_text="Grace Hopper").wait_for()
        assert "Checked in." in await page.inner_text("[role=status] >> nth=0")
        assert not said
    told = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    assert told["status"] == "checked_in"


async def test_today_refreshes_itself_but_not_where_somebody_is(town: Town, panel: Onlooker) -> None:
    await soon(town, 40, "Grace Hopper")
    async with panel.opened(DESK) as (page, said):
        await page.clock.install()
        await sign_in(page, town)
        await page.get_by_text("This page refreshes itself").wait_for()  # so its script runs
        await page.get_by_role("button", name="Check in: Grace Hopper").focus()
        asks = await town.a_service(approval=True)
        await town.booked("12:00", service_id=asks["id"])
        await soon(town, 90, "Ada Byron")
        await page.clock.fast_forward(HALF_A_MINUTE)
        await page.locator("#today-requests", has_text="left to answer").wait_for()
        assert "Ada Byron" not in await page.inner_text("#today-next")
        await page.locator("h1").click()  # the focus leaves the box
        await page.clock.fast_forward(HALF_A_MINUTE)
        await page.locator("#today-next", has_text="Ada Byron").wait_for()
        assert not said


async def test_the_calendar_refreshes_itself_and_keeps_its_place_and_what_is_typed(town: Town, panel: Onlooker) -> None:
    await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(DESK) as (page, said):
        await page.clock.install()
        await open_calendar(page, town)
        await page.evaluate("document.querySelector('.ec-main').scrollTop = 140")
        await a_guest(town, "Ada Byron", "11:00")
        await page.clock.fast_forward(HALF_A_MINUTE)
        await event(page, "Ada Byron").wait_for()
        assert await page.evaluate("document.querySelector('.ec-main').scrollTop") == 140
        await page.keyboard.press("b")
        await page.fill("#book-note", "Wants the window seat")
        await a_guest(town, "Hedy Lamarr", "14:00")
        await page.clock.fast_forward(HALF_A_MINUTE)
        assert await page.input_value("#book-note") == "Wants the window seat"
        await page.keyboard.press("Escape")
        await page.clock.fast_forward(HALF_A_MINUTE)
        await event(page, "Hedy Lamarr").wait_for()
        assert not said


@SIZES
async def test_a_session_that_has_ended_loses_nothing_that_was_typed(town: Town, panel: Onlooker, size: Any) -> None:
    client: Any = panel.client
    browser: Browser = client.browser
    async with panel.opened(size) as (page, said):
        await open_calendar(page, town)
        await page.locator("#book-button").click()
        await page.get_by_role("combobox", name="Customer").fill("Rosa Parks")
        await page.get_by_text("Nobody found.").wait_for()
        await page.fill("#book-start", f"{town.day()}T11:00")
        browser.cookies.clear()
        await page.locator("#book-send").click()
        told = page.get_by_role("dialog", name="Book").get_by_role("alert")
        await told.get_by_role("link", name="Sign in in a new tab").wait_for()
        await browser.sign_in(f"{town.admin.account}@example.org")
        await page.locator("#book-send").click()  # the form is of the session before
        await told.get_by_text("This form does not belong to your session.").wait_for()
        await page.locator("#book-send").click()
        await event(page, "Rosa Parks").filter(has_text="11:00").wait_for()
        assert [each for each in said if "401" not in each and "403" not in each] == []


@pytest.mark.parametrize("language", ["en", "ru"])
@SIZES
async def test_nothing_serious_is_wrong_with_the_dialogs(town: Town, panel: Onlooker, size: Any, language: str) -> None:
    client: Any = panel.client
    browser: Browser = client.browser
    browser.cookies["daybook-language"] = language
    await browser.sign_in(f"{town.admin.account}@example.org")
    await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(size, dark=language == "ru") as (page, said):
        await open_calendar(page, town, signs_in=False)
        faults = await serious(page, "calendar")
        await event(page, "Grace Hopper").click()
        faults += await serious(page, "details")
        await page.locator("#details-move").click()
        await page.fill("#move-start", f"{town.day()}T20:00")
        await page.locator("#move-send").click()
        await page.locator("#move .alert").wait_for()
        faults += await serious(page, "a refused move")
        await page.locator("#move [data-close]").click()
        await page.locator("#book-button").click()
        await page.locator("#book-customer").fill("grace")
        await page.locator("#book-customers li").wait_for()
        faults += await serious(page, "booking")
        assert not faults + said


async def serious(page: Page, where: str) -> list[str]:
    found = await Axe().run(page)
    return [
        f"{where}: {each['id']} {[node['html'] for node in each['nodes']][:3]}"
        for each in found.response["violations"]
        if each["impact"] in SERIOUS
    ]
