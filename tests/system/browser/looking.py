"""Pages as headless Chromium shows them: on a desk and on a telephone, light and dark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, ViewportSize, async_playwright

HOST = "https://daybook.test"
DESK, TELEPHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)
LOOKS = {"desk": (DESK, False), "telephone": (TELEPHONE, False), "dark": (TELEPHONE, True)}
SERIOUS = {"serious", "critical"}
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class ShownClient:
    """Sends requests as the client inside does, and keeps each page that is answered, once."""

    inside: httpx.AsyncClient
    pages: dict[str, httpx.Response] = field(default_factory=dict)

    async def request(self, method: str, path: str, **said: Any) -> httpx.Response:
        answer = await self.inside.request(method, path, **said)
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.pages.setdefault(re.sub(r"[?&](t|at)=[^\"&\s]*|value=\"[^\"]*\"", "", answer.text), answer)
        return answer


@dataclass(frozen=True)
class Onlooker:
    """What a browser finds wrong with pages. `folder`: where screenshots go, if anywhere."""

    browser: Browser
    client: httpx.AsyncClient
    folder: Path | None

    async def faults(self, name: str, answer: httpx.Response) -> list[str]:
        """Of a page that was answered: whatever is serious, in each look."""
        return [
            f"{name} ({look}): {fault}"
            for look, (size, dark) in LOOKS.items()
            for fault in await self._faults(f"{name}-{look}", answer, size, dark=dark)
        ]

    async def _faults(self, name: str, answer: httpx.Response, size: ViewportSize, *, dark: bool) -> list[str]:
        async with self.opened(size, dark=dark, answers={answer.request.url.raw_path.decode(): answer}) as (page, said):
            await page.goto(HOST + answer.request.url.raw_path.decode())
            found = await Axe().run(page)
            faults = [
                f"{each['id']}: {[node['html'] for node in each['nodes']]}"
                for each in found.response["violations"]
                if each["impact"] in SERIOUS
            ]
            if too_wide := await page.evaluate(_OVERFLOW):
                faults.append(f"{too_wide} pixels wider than the window")
            if self.folder is not None:
                await page.screenshot(path=self.folder / f"{name}.png", full_page=True)
            return faults + said

    @asynccontextmanager
    async def opened(
        self,
        size: ViewportSize,
        *,
        dark: bool = False,
        answers: dict[str, httpx.Response] | None = None,
        timezone: str | None = None,
    ) -> AsyncIterator[tuple[Page, list[str]]]:
        """A page whose requests this app answers, and what was said about it: errors, and requests to other hosts.

        `timezone`: of the browser.
        """
        said: list[str] = []
        look: Any = {
            "color_scheme": "dark" if dark else "light",
            "timezone_id": timezone,
            "has_touch": size == TELEPHONE,
        }
        context = await self.browser.new_context(viewport=size, **look)

        async def answered(route: Route) -> None:
            asked, url = route.request, urlsplit(route.request.url)
            if not asked.url.startswith(HOST):
                said.append(f"asks {asked.url}")
                await route.abort()
                return
            path = f"{url.path}?{url.query}" if url.query else url.path
            answer = (answers or {}).get(path) if asked.method == "GET" else None
            if answer is None:
                content = asked.post_data_buffer or b""
                headers = {"content-type": asked.headers.get("content-type", "text/plain")}
                answer = await self.client.request(asked.method, path, content=content, headers=headers)
            await route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

        await context.route("**/*", answered)
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text) if _is_fault(message.text, message.type) else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            yield page, said
        finally:
            await context.close()


def _is_fault(text: str, kind: str) -> bool:
    # That a page has a status of refusal is what Chromium says of each such page, and no fault.
    return kind == "error" and not text.startswith("Failed to load resource: the server responded with a status of 4")


def title(test: str, number: int) -> str:
    """The name of a page's screenshot, from the test that opened it."""
    short = re.sub(r"[^A-Za-z0-9]+", "-", test).strip("-")
    return f"{short[:90]}-{sha256(test.encode()).hexdigest()[:4]}-{number}"


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            await browser.close()
