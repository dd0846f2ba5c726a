"""Pictures of every page of the panel, over a salon's busy day: `make screenshots`.

With `--kept`, the few that docs/admin/ shows: `python -m tests.system.browser.pictures docs/admin --kept`.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from infrastructure.settings import inherited
from interfaces.admin.routes import MENU
from tests.support.instances import Instance, a_folder
from tests.support.signing import PASSWORD
from tests.system.browser.busy_day import ADMIN, TAG, BusyDay, busy_day
from tests.system.browser.conftest import NAMES
from tests.system.browser.looking import DESK, TELEPHONE, chromium

LOOKS = {
    f"{size}-{shade}": (window, shade)
    for size, window in (("desk", DESK), ("telephone", TELEPHONE))
    for shade in ("light", "dark")
}
KEPT = (
    ("today", "desk-light"),
    ("calendar-day", "desk-light"),
    ("calendar-book", "desk-light"),
    ("hours", "desk-light"),
    ("appointment", "desk-light"),
    ("moment", "desk-light"),
    ("customer", "desk-light"),
    ("see-as", "desk-light"),
    ("system", "desk-dark"),
    ("today", "telephone-dark"),
    ("calendar-day", "telephone-light"),
    ("offer", "telephone-light"),
)
"""Those in docs/admin/."""
TALLEST, KEPT_HEIGHT = 3_000, 740  # pixels: of a long list the first rows say it all


class Photographer:
    """Takes pictures of one look into a folder. `tallest`: pixels, from the top."""

    def __init__(self, page: Page, url: str, folder: Path, look: str, tallest: int) -> None:
        self._page, self._url, self._folder, self._look, self._tallest = page, url, folder, look, tallest

    async def open(self, path: str) -> None:
        await self._page.goto(f"{self._url}{path}")
        await self._page.wait_for_load_state("networkidle")

    async def take(self, name: str, path: str = "") -> None:
        """Of the page at a path, by default of what is open."""
        if path:
            await self.open(path)
        tall = min(self._tallest, await self._page.evaluate("document.documentElement.scrollHeight"))
        wide = self._page.viewport_size["width"] if self._page.viewport_size else 0
        clip = {"x": 0, "y": 0, "width": wide, "height": tall}
        await self._page.screenshot(path=self._folder / f"{name}-{self._look}.png", full_page=True, clip=clip)

    async def sections(self) -> None:
        """List, first card and form of each section."""
        for section in [section for _, sections in MENU for section in sections]:
            await self.take(f"{section.name}", section.path)
            first = self._page.locator("a.open").first
            if section.card and await first.count():
                await first.click()
                await self._page.wait_for_load_state("networkidle")
                await self.take(f"{section.name}-card")
            if section.create is not None:
                await self.take(f"{section.name}-create", f"{section.path}/{section.create.path}")

    async def day(self, day: BusyDay) -> None:
        """Pages with something of the busy day."""
        provider, card = f"/admin/providers/{day.provider_id}", f"/admin/appointments/{day.appointment_id}"
        for name, path in {
            "today": "/admin/today",
            "calendar-day": f"/admin/calendar?tag={TAG}",
            "calendar-week": f"/admin/calendar?view=week&provider_id={day.provider_id}",
            "hours": f"{provider}/hours",
            "appointment": card,
            "customer": f"/admin/customers/{day.guest_id}",
            "cancel": f"{card}/cancel-appointment",
            "offer": f"/admin/waitlist/{day.offered_id}",
            "system": "/admin/system",
            "not-found": "/admin/nowhere",
        }.items():
            await self.take(name, path)
        await self.open(card)
        await self.take("moment", await self._page.locator(".timeline a").nth(1).get_attribute("href") or "")
        await self.open(f"/admin/calendar?tag={TAG}")
        await self._page.locator("#book-button").click()
        await self.take("calendar-book")
        await self.take("see-as", f"/admin/accounts/{day.customer_id}/see-as")


@asynccontextmanager
async def signed_in(
    browser: Browser, url: str, folder: Path, look: str, tallest: int = TALLEST
) -> AsyncIterator[Photographer]:
    """A window of this look, in which an admin is signed in."""
    window, shade = LOOKS[look]
    options: Any = {"viewport": window, "color_scheme": shade, "has_touch": window == TELEPHONE}
    context = await browser.new_context(**options)
    page = await context.new_page()
    photographer = Photographer(page, url, folder, look, tallest)
    await photographer.take("sign-in", "/admin")
    await page.fill("#username", ADMIN)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("h1", has_text="Today").wait_for()
    yield photographer
    await context.close()


@contextmanager
def salon() -> Iterator[tuple[str, BusyDay]]:
    """The address of a Daybook in the midst of a busy day."""
    with a_folder() as data, Instance.start(data, apis=1, workers=1) as instance:
        yield instance.api, busy_day(instance)


async def take_all(url: str, day: BusyDay, folder: Path) -> None:
    async with chromium(chromium_path()) as browser:
        for look in LOOKS:
            async with signed_in(browser, url, folder, look) as photographer:
                await photographer.day(day)
                await photographer.sections()


async def take_kept(url: str, day: BusyDay, folder: Path) -> None:
    """Pictures of the busy day."""
    async with chromium(chromium_path()) as browser:
        for look in sorted({look for _, look in KEPT}):
            async with signed_in(browser, url, folder, look, KEPT_HEIGHT) as photographer:
                await photographer.day(day)


def drop_others(folder: Path) -> None:
    """Those that are not KEPT."""
    kept = {f"{name}-{look}.png" for name, look in KEPT}
    for picture in folder.glob("*.png"):
        if picture.name not in kept:
            picture.unlink()


def chromium_path() -> str:
    path = inherited().get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert path, f"no Chromium: none of {', '.join(NAMES)} is on PATH, and CHROMIUM names none"
    return path


def main(folder: Path, take: Callable[[str, BusyDay, Path], Coroutine[None, None, None]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with salon() as (url, day):
        asyncio.run(take(url, day, folder))
    if take is take_kept:
        drop_others(folder)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), take_kept if "--kept" in sys.argv else take_all)
