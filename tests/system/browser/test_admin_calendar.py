"""The calendar of the admin panel in Chromium."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.interfaces.http.town import Town
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.test_admin_panel import panel, sign_in  # noqa: F401

async def test_try(town: Town, panel: Onlooker) -> None:
    guest = (await town.api.post("/v1/customers", {"name": "Grace Hopper"}, town.owner)).json()["id"]
    await town.booked("09:00", by=town.owner, customer_id=guest)
    for n,(size,dark) in enumerate([(DESK,False),(DESK,True),(TELEPHONE,False),(TELEPHONE,True)]):
        async with panel.opened(size, dark=dark) as (page, said):
            await page.goto(f"{HOST}/admin")
            if n==0:
                await sign_in(page, town)
            await page.goto(f"{HOST}/admin/calendar?date={town.day()}")
            await page.wait_for_timeout(800)
            await page.screenshot(path=f"/tmp/cal-{n}.png")
            await page.goto(f"{HOST}/admin/today")
            await page.wait_for_timeout(300)
            await page.screenshot(path=f"/tmp/today-{n}.png")
            print(said)
