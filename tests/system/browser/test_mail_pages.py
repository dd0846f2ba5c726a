"""The pages behind the links of mails, in Chromium: readable, narrow and dark, by keyboard, without script."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.interfaces.http.catalog import test_invitation as invitations
from tests.interfaces.http.catalog.test_invitation import path  # noqa: F401  a fixture
from tests.interfaces.http.pages import test_pages as pages
from tests.interfaces.http.pages.mailed import mailed_links
from tests.interfaces.http.pages.test_pages import for_guest, status
from tests.interfaces.http.sign_in import register
from tests.interfaces.http.town import Api, Town
from tests.system.browser.looking import HOST, TELEPHONE, Onlooker


async def tabbed_to(page: Page, wanted: str) -> None:
    """The element with this selector has the focus, by the Tab key alone."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", wanted):
            return
    raise AssertionError(f"the Tab key does not reach {wanted}")


async def test_a_guest_cancels_with_the_keyboard_alone(town: Town, onlooker: Onlooker) -> None:
    id, link = await for_guest(town)
    await town.api.catch_up()
    async with onlooker.opened(TELEPHONE) as (page, said):
        await page.goto(HOST + link)
        for wanted in ("summary", 'form[action$="/cancel"] button'):
            await tabbed_to(page, wanted)
            await page.keyboard.press("Enter")
        await page.get_by_role("status").wait_for()
        assert not said
    assert (await status(town, id))["status"] == "cancelled"


async def test_an_address_is_confirmed_by_a_click(api: Api, onlooker: Onlooker) -> None:
    await register(api)
    (link,) = await mailed_links(api)
    async with onlooker.opened(TELEPHONE) as (page, said):
        await page.goto(HOST + link)
        await page.get_by_role("button").click()
        await page.get_by_role("status").wait_for()
        assert not said


@pytest.mark.usefixtures("looked_at")
class TestEveryPage(pages.TestEveryLink):
    """Of each kind of link, in each language."""


@pytest.mark.usefixtures("looked_at")
class TestPagesOfGuests(pages.TestAGuest):
    """Of appointments and mails."""


@pytest.mark.usefixtures("looked_at")
class TestPagesThatRefuse(pages.TestTooLate):
    """With the reason."""


@pytest.mark.usefixtures("looked_at")
class TestVoidLinks(pages.TestALink):
    """With the way on."""


@pytest.mark.usefixtures("looked_at")
class TestInvitationPages(invitations.TestPage):
    """With and without an account."""
