"""The calendar of the admin panel in Chromium: drag, refusals, a stale tab, a walk-in, keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import CDPSession, Locator, Page

from tests.interfaces.http.town import Town
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in

AN_HOUR = 80  # pixels
SIZES = pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])


async def a_guest(town: Town, name: str, clock: str, **more: Any) -> dict[str, Any]:
    """An appointment of a guest with this name."""
    guest = (await town.api.post("/v1/customers", {"name": name}, town.owner)).json()["id"]
    return await town.booked(clock, by=town.owner, customer_id=guest, **more)


async def shown(town: Town, booked: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    return told


def event(page: Page, name: str) -> Locator:
    return page.locator("article.ec-event:not(.ec-preview):not(.ec-ghost)", has_text=name)


async def open_calendar(page: Page, town: Town, day: str = "", *, signs_in: bool = True) -> None:
    if signs_in:
        await sign_in(page, town)
    await page.goto(f"{HOST}/admin/calendar?date={day or town.day()}")
    await page.locator(".ec-time-grid .ec-body").wait_for()


async def drag(page: Page, name: str, by: int) -> None:
    """With the mouse, so many pixels down."""
    await event(page, name).scroll_into_view_if_needed()
    box = await event(page, name).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + by / 2, steps=4)
    await page.mouse.move(x, y + by, steps=4)
    await page.mouse.up()


async def drag_by_finger(page: Page, name: str, by: int) -> None:
    """A long press, then so many pixels down."""
    await event(page, name).scroll_into_view_if_needed()
    box = await event(page, name).bounding_box()
    assert box is not None
    finger: CDPSession = await page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + 8

    async def touch(kind: str, *points: dict[str, float]) -> None:
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    await touch("touchStart", {"x": x, "y": y})
    await page.locator(".ec-event.ec-preview").wait_for()  # the long press is over
    for part in range(1, 9):
        await touch("touchMove", {"x": x, "y": y + by * part / 8})
    await touch("touchEnd")


@SIZES
async def test_dragging_moves_an_appointment(town: Town, panel: Onlooker, size: Any) -> None:
    booked = await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(size) as (page, said):
        await open_calendar(page, town)
        await (drag if size is DESK else drag_by_finger)(page, "Grace Hopper", AN_HOUR)
        dialog = page.get_by_role("dialog", name="Move: Grace Hopper")
        assert await dialog.get_by_label("Start").input_value() == f"{town.day()}T10:00"
        await page.keyboard.press("Enter")
        await page.get_by_role("status", name="").filter(has_text="Moved.").wait_for()
        await event(page, "Grace Hopper").filter(has_text="10:00").wait_for()
        assert not said
    assert (await shown(town, booked))["start"] == town.at("10:00")


@SIZES
async def test_an_impossible_drop_is_undone_and_names_the_rule(town: Town, panel: Onlooker, size: Any) -> None:
    booked = await a_guest(town, "Grace Hopper", "09:00")
    await a_guest(town, "Ada Byron", "10:00")
    async with panel.opened(size) as (page, said):
        await open_calendar(page, town)
        await (drag if size is DESK else drag_by_finger)(page, "Grace Hopper", AN_HOUR)
        dialog = page.get_by_role("dialog", name="Move: Grace Hopper")
        await dialog.get_by_label("Words to the customer").fill("Your barber is late")
        await dialog.get_by_role("button", name="Move").click()
        await dialog.get_by_role("alert").get_by_text("This time is not free.").wait_for()
        assert "09:00" in await event(page, "Grace Hopper").inner_text()
        await dialog.get_by_label("Start").fill(f"{town.day()}T11:10")
        await dialog.get_by_role("button", name="Move").click()
        await dialog.get_by_text("Appointments of this service do not start at this minute.").wait_for()
        assert await dialog.get_by_label("Set a rule aside").input_value() == "grid"
        await dialog.get_by_label("Why").fill("Between two others")
        await dialog.get_by_role("button", name="Move").click()
        await event(page, "Grace Hopper").filter(has_text="11:10").wait_for()
        assert not said
    moved = await shown(town, booked)
    assert (moved["start"], moved["overridden"]) == (town.at("11:10"), ["grid"])
    assert moved["rescheduled"]["reason"] == "Your barber is late", "what was typed is kept over refusals"


async def test_a_stale_drop_says_who_did_what_and_keeps_what_was_typed(town: Town, panel: Onlooker) -> None:
    booked = await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(DESK) as (page, said):
        await open_calendar(page, town)
        path, start = f"/v1/appointments/{booked['id']}/reschedule", {"start": town.at("14:00")}
        assert (await town.api.post(path, start, town.owner, if_match=booked["version"])).status_code == 200
        await drag(page, "Grace Hopper", AN_HOUR)
        dialog = page.get_by_role("dialog", name="Move: Grace Hopper")
        await dialog.get_by_label("Words to the customer").fill("As we said")
        await dialog.get_by_role("button", name="Move").click()
        told = dialog.get_by_role("alert")
        await told.get_by_text("Somebody changed it since you opened this page.").wait_for()
        assert "another person \N{EN DASH} moved it" in await told.inner_text()
        await event(page, "Grace Hopper").filter(has_text="14:00").wait_for()
        assert (await shown(town, booked))["start"] == town.at("14:00")
        assert await dialog.get_by_label("Words to the customer").input_value() == "As we said"
        await dialog.get_by_role("button", name="Move").click()  # which is a new decision
        await event(page, "Grace Hopper").filter(has_text="10:00").wait_for()
        assert not said


@SIZES
async def test_a_click_on_a_free_time_books_a_walk_in(town: Town, panel: Onlooker, size: Any) -> None:
    async with panel.opened(size) as (page, said):
        await open_calendar(page, town)
        await a_click_at(page, "11:00")
        dialog = page.get_by_role("dialog", name="Book")
        assert await dialog.get_by_label("Start").input_value() == f"{town.day()}T11:00"
        await dialog.get_by_role("combobox", name="Customer").fill("Rosa Parks")
        await dialog.get_by_text("Nobody found.").wait_for()
        assert await dialog.get_by_label("Name", exact=True).input_value() == "Rosa Parks"
        await dialog.get_by_label("Phone").fill("+49 30 123456")
        await dialog.get_by_role("button", name="Book").click()
        await event(page, "Rosa Parks").filter(has_text="11:00").wait_for()

        await a_click_at(page, "13:00")
        customer = dialog.get_by_role("combobox", name="Customer")
        await customer.fill("rosa")
        await dialog.get_by_role("option", name="Rosa Parks").wait_for()
        await customer.press("Enter")
        await dialog.get_by_role("button", name="Book").click()
        await event(page, "Rosa Parks").filter(has_text="13:00").wait_for()
        assert not said
    found = (await town.api.get("/v1/customers?q=rosa", town.admin)).json()["items"]
    assert [(each["name"], each["phone"]) for each in found] == [("Rosa Parks", "+49 30 123456")]


async def a_click_at(page: Page, clock: str) -> None:
    """On the grid, a little below the line of a full hour."""
    line = page.locator(".ec-body .ec-sidebar time", has_text=clock)
    await line.scroll_into_view_if_needed()
    at, column = await line.bounding_box(), await page.locator(".ec-body .ec-day").first.bounding_box()
    assert at is not None
    assert column is not None
    await page.mouse.click(column["x"] + column["width"] / 2, at["y"] + at["height"] / 2 + 6)


async def test_keys_move_through_days_and_reach_everything(town: Town, panel: Onlooker) -> None:
    booked = await a_guest(town, "Grace Hopper", "09:00")
    async with panel.opened(DESK) as (page, said):
        await open_calendar(page, town)
        await page.keyboard.press("ArrowRight")
        await page.wait_for_url(re.compile(f"date={town.day(1)}"))
        await page.keyboard.press("t")
        await page.wait_for_url(lambda url: "date=" not in url)
        await page.go_back()
        await page.keyboard.press("ArrowLeft")
        await page.wait_for_url(re.compile(f"date={town.day()}"))
        await event(page, "Grace Hopper").focus()
        await page.keyboard.press("Enter")
        await page.locator("#details-move").focus()
        await page.keyboard.press("Enter")
        await page.locator("#move-start").fill(f"{town.day()}T12:00")
        await page.keyboard.press("Enter")
        await event(page, "Grace Hopper").filter(has_text="12:00").wait_for()
        await page.keyboard.press("b")
        assert await page.get_by_role("dialog", name="Book").is_visible()
        await page.keyboard.press("Escape")
        assert await page.locator("dialog[open]").count() == 0
        assert not said
    assert (await shown(town, booked))["start"] == town.at("12:00")
