"""Reports in Chromium: a period is chosen by keyboard, a file is downloaded, and no look has a serious fault."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.analysis.metrics import GROUPS
from tests.conftest import Database
from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.reporting.business import STEPS
from tests.interfaces.http.town import Town
from tests.projections.analysis.life import Life
from tests.projections.conftest import recorded
from tests.support.waiting import PATIENCE
from tests.system.browser.looking import DESK, HOST, TELEPHONE, Onlooker
from tests.system.browser.panel import sign_in

REPORTS = f"{HOST}/admin/reports?from=2030-03-11&to=2030-04-09"


@pytest.fixture
async def lively(town: Town, database: Database) -> Town:
    """A town in which a business has lived for some months."""
    journal, life = PostgresJournal(database.application, patience=PATIENCE), Life(1)
    await journal.open()
    for _ in range(STEPS):
        if pending := life.recorded():
            await recorded(journal, *pending)
        life.step()
    await journal.close()
    return town


@pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
async def test_a_period_is_chosen_by_keyboard_and_numbers_are_downloaded(
    lively: Town, panel: Onlooker, size: Any
) -> None:
    async with panel.opened(size) as (page, said):
        await sign_in(page, lively)
        await page.goto(REPORTS)
        card = page.locator("#report-no_show_rate")
        shown = await card.locator(".headline data").get_attribute("value")
        await page.fill("#report-from", "2030-03-25")
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("from=2030-03-25"))
        assert await card.locator(".headline data").get_attribute("value") != shown
        summary = card.locator("summary")
        await summary.focus()
        await page.keyboard.press("Enter")
        assert await card.locator("tbody tr").count() == 16
        assert await card.locator("svg .bar").count() == 16
        for name in ("Bookings", "Money"):
            await page.get_by_role("link", name=name, exact=True).click()
            await page.locator("h1", has_text="Reports").wait_for()
        assert "from=2030-03-25" in page.url
        href = await page.locator("#report-value a").get_attribute("href")
        answer = await panel.client.request("GET", str(href))
        assert answer.text.startswith("day,currency,")
        assert not said


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_nothing_serious_is_wrong_with_a_report(lively: Town, panel: Onlooker, group: str, language: str) -> None:
    client: Any = panel.client
    browser: Browser = client.browser
    browser.cookies["daybook-language"] = language
    await browser.sign_in(f"{lively.admin.account}@example.org")
    answer = await client.request("GET", f"{REPORTS.removeprefix(HOST)}&group={group}")
    assert not await panel.faults(f"reports-{group}-{language}", answer)
