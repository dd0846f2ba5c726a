"""The overview of the system in Chromium: the bars of a rebuild and of a verification of the ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.conftest import Database
from tests.interfaces.http.operations.test_ledger_verification import worker, works
from tests.interfaces.http.town import Town
from tests.projections.rebuild.held import a_history, held_rebuild
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in
from tests.system.browser.test_admin_today import serious

SIX_SECONDS = 6_000  # ms: the page refreshes itself each five seconds


async def shown_percent(page: Page) -> float:
    return float(await page.evaluate("document.getElementById('rebuild-bar').position"))


@pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
async def test_the_bar_of_a_rebuild_of_the_command_line_is_watched(
    town: Town, panel: Onlooker, database: Database, tmp_path: Path, size: Any
) -> None:
    await a_history(database, 3)
    async with panel.opened(size, dark=size == TELEPHONE) as (page, said):
        await page.clock.install()
        await sign_in(page, town)
        await page.goto(f"{HOST}/admin/system")
        bar = page.locator("#rebuild-bar")
        assert not await bar.count()
        async with held_rebuild(database, tmp_path) as rebuild:
            await page.clock.fast_forward(SIX_SECONDS)
            await bar.wait_for()
            before = await shown_percent(page)
            faults = await serious(page, "system")
            await rebuild.step()
            await page.clock.fast_forward(SIX_SECONDS)
            await page.get_by_text(f"Position 0.{rebuild.position} of 0.").wait_for()
            assert 0 <= before < await shown_percent(page) < 1
            await rebuild.finish()
        await page.clock.fast_forward(SIX_SECONDS)
        await page.get_by_text("Read models, generation 2").wait_for()
        assert not await bar.count()
        assert not said + faults


@pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
async def test_a_verification_is_started_and_watched(
    town: Town, panel: Onlooker, database: Database, size: Any
) -> None:
    walker = worker(town.api, database)
    async with panel.opened(size, dark=size == TELEPHONE) as (page, said):
        await page.clock.install()
        await sign_in(page, town)
        await page.goto(f"{HOST}/admin/system")
        await page.get_by_role("button", name="Verify the whole ledger").click()
        await page.get_by_text("The verification has started.").wait_for()
        bar = page.locator("#verification-bar")
        assert await bar.evaluate("bar => bar.position") == 0
        faults = await serious(page, "verification")
        assert await works(town.api, walker, steps=2) == 2
        await page.clock.fast_forward(SIX_SECONDS)
        await page.locator("label", has_text=re.compile(r"^\s*[1-9]\d* of")).wait_for()
        assert 0 < await bar.evaluate("bar => bar.position") < 1
        await works(town.api, walker)
        await page.clock.fast_forward(SIX_SECONDS)
        await page.get_by_text("Intact").wait_for()
        assert await bar.evaluate("bar => bar.position") == 1
        assert not said + faults
