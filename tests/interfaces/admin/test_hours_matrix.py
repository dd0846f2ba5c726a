"""Who sees and changes hours in the panel: asked by everybody about a provider of the first organization."""

from __future__ import annotations

import pytest

from interfaces.admin.cookies import form_token
from tests.interfaces.admin.browser import hidden
from tests.interfaces.admin.people import People
from tests.interfaces.admin.test_panel_matrix import STATUS, TABLE
from tests.interfaces.http.tenants import CALLERS

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/admin/providers/{id:uuid}/hours"


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_sees_previews_and_saves_as_the_table_says(people: People, caller: str) -> None:
    browser, path = people.browsers[caller], PAGE.replace("{id:uuid}", people.it.names["provider_id"])
    assert (await browser.get(path)).status_code == STATUS[TABLE[f"GET {PAGE}"][caller]]
    day = f"{people.it.another_day():%Y-%m-%d}"
    form = {"csrf": form_token(browser.cookies.get("daybook", "")), "what": "date", "date": day, "how": "closed"}
    before = people.it.recorded()
    previewed = await browser.post(f"{path}/preview", form)
    assert previewed.status_code == STATUS[TABLE[f"POST {PAGE}/preview"][caller]]
    assert people.it.recorded() == before
    may = TABLE[f"POST {PAGE}/save"][caller] == "+"
    fields = hidden(previewed.text, f"{path}/save") if may else {**form, "version": "1"}
    saved = await browser.post(f"{path}/save", fields)
    assert saved.status_code == (303 if may else STATUS[TABLE[f"POST {PAGE}/save"][caller]]), saved.text
    assert (people.it.recorded() != before) is may
