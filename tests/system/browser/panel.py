"""The panel of a town before Chromium: its cookies, and how people sign in."""

from __future__ import annotations

from html import escape
from typing import Any

import httpx
from playwright.async_api import Page

from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.town import Api, Town
from tests.support.signing import PASSWORD
from tests.system.browser.looking import HOST


class PanelClient:
    """Sends what Chromium asks, with the cookies that answers have set, which Chromium itself is never told."""

    def __init__(self, api: Api) -> None:
        self.browser = Browser(api)

    async def request(self, method: str, path: str, *, content: bytes = b"", headers: Any = None) -> httpx.Response:
        await self.browser.api.catch_up()
        sent = {**(headers or {}), **({"origin": HOST} if method == "POST" else {})}
        client = self.browser.api.client
        answer = await client.request(method, path, content=content, headers=self.browser._headers(sent))
        return _as_page(self.browser._kept(answer))


def _as_page(answer: httpx.Response) -> httpx.Response:
    """A redirect as a page that goes there at once: Playwright asks nobody where a redirect leads to."""
    if answer.status_code != 303:
        return answer
    text = f'<meta http-equiv="refresh" content="0; url={escape(answer.headers["location"])}">'
    return httpx.Response(200, html=text, request=answer.request)


async def sign_in(page: Page, town: Town) -> None:
    await page.goto(f"{HOST}/admin")
    await page.fill("#username", f"{town.admin.account}@example.org")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("h1", has_text="Today").wait_for()
