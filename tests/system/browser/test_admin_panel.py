"""The admin panel in Chromium: find, cancel with a reason, a stale tab; every page on a desk, a telephone and dark."""

from __future__ import annotations

import re
from typing import Any

import pytest

from interfaces.admin.routes import MENU
from tests.interfaces.admin.browser import Browser, with_account
from tests.interfaces.http.town import Town
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in

SECTIONS = [section for _, sections in MENU for section in sections]


@pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
async def test_sign_in_find_cancel_with_a_reason_and_a_stale_tab(town: Town, panel: Onlooker, size: Any) -> None:
    grace = (await town.api.post("/v1/customers", {"name": "Grace Hopper"}, town.owner)).json()["id"]
    other = (await town.api.post("/v1/customers", {"name": "Ada Byron"}, town.owner)).json()["id"]
    booked = await town.booked("09:00", by=town.owner, customer_id=grace)
    await town.booked("10:00", by=town.owner, customer_id=other)
    async with panel.opened(size) as (page, said), panel.opened(size) as (stale, said_there):
        await sign_in(page, town)
        await page.goto(f"{HOST}/admin/appointments")
        await page.fill("#filter-person", "hopper")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("person=hopper"))
        rows = page.locator("tbody tr")
        assert await rows.count() == 1
        assert "Grace Hopper" in await rows.inner_text()
        await rows.locator("a.open").click()
        await page.get_by_role("heading", name="Grace Hopper").wait_for()

        await stale.goto(f"{HOST}/admin/appointments/{booked['id']}")
        for tab, words in ((stale, "I typed this before I knew"), (page, "She is ill")):
            await tab.locator("#cancel_appointment summary").click()
            await tab.select_option("#cancel_appointment select", "customer_prevented")
            await tab.fill("#cancel_appointment textarea", words)
        await page.locator("#cancel_appointment button").click()
        await page.get_by_role("status").wait_for()
        assert "She is ill" in await page.inner_text("main")
        await stale.locator("#cancel_appointment button").click()
        await stale.get_by_role("alert").first.wait_for()
        told = await stale.inner_text("main")
        assert "you \N{EN DASH} cancelled it" in told
        assert await stale.input_value("textarea") == "I typed this before I knew"
        assert not said + said_there
    shown = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
    assert (shown["cancelled"]["reason"], shown["cancelled"]["reason_code"]) == ("She is ill", "customer_prevented")


async def test_a_provider_is_made_by_keyboard_alone(town: Town, panel: Onlooker) -> None:
    async with panel.opened(DESK) as (page, said):
        await sign_in(page, town)
        await page.goto(f"{HOST}/admin/providers/create-provider")
        await page.focus("#create-provider-name")
        for words in ("Mia Berg", "Europe/Berlin"):
            await page.keyboard.type(words)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert "Mia Berg" in await page.inner_text("h1")
        assert not said


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_nothing_serious_is_wrong_with_any_page(town: Town, panel: Onlooker, language: str) -> None:
    """By axe, and by the console; nothing is wider than the window."""
    guest = (await town.api.post("/v1/customers", {"name": "Grace Hopper"}, town.owner)).json()["id"]
    await town.booked("09:00", by=town.owner, customer_id=guest)
    await with_account(town.api, town.customer)
    client: Any = panel.client
    browser: Browser = client.browser
    browser.cookies["daybook-language"] = language
    await browser.sign_in(f"{town.admin.account}@example.org")
    paths = [
        "/admin/sign-in",
        "/admin/today",
        f"/admin/calendar?date={town.day()}",
        "/admin/system",
        "/admin/nowhere",
        f"/admin/customers/{guest}/change-customer",
        f"/admin/accounts/{town.customer.account}/see-as",
    ]
    for section in SECTIONS if language == "en" else SECTIONS[:1]:  # the same templates, with longer words
        paths.append(section.path)
        paths += [f"{section.path}/{section.create.path}"] if section.create else []
        card = re.search(rf'class="open" href="({section.path}/[^"]+)"', (await browser.get(section.path)).text)
        paths += [card[1]] if card else []
    faults = []
    for number, path in enumerate(paths):
        faults += await panel.faults(f"panel-{language}-{number}", await browser.get(path))
    assert not faults, "\n".join(faults)
