"""Headless Chromium beside the app: the one on PATH, or the one that CHROMIUM names."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.settings import inherited
from tests.conftest import Database
from tests.interfaces.admin.browser import add_panel, with_account, with_password
from tests.interfaces.http.conftest import opened
from tests.interfaces.http.town import Api, Town, a_town
from tests.system.browser.looking import HOST, Onlooker, ShownClient, chromium, title
from tests.system.browser.panel import PanelClient

NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="Keep a picture of each page in this folder.")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = inherited().get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on PATH, and CHROMIUM names none")
    return found


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path | None:
    folder: Path | None = request.config.getoption("--screenshots")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def api(database: Database, servers, tmp_path, chromium_path: str) -> AsyncIterator[Api]:
    """The app, whose pages `onlooker` looks at."""
    async with opened(database, servers.redis_url, tmp_path) as api:
        yield api


@pytest.fixture
async def onlooker(api: Api, chromium_path: str, screenshots: Path | None) -> AsyncIterator[Onlooker]:
    async with chromium(chromium_path) as browser:
        yield Onlooker(browser, api.client, screenshots)


@pytest.fixture
async def looked_at(request: pytest.FixtureRequest, api: Api, onlooker: Onlooker) -> AsyncIterator[None]:
    """Each page that the test opens is looked at, at its end."""
    shown = ShownClient(onlooker.client)
    api.client = shown
    yield
    faults = [
        fault
        for number, answer in enumerate(shown.pages.values(), 1)
        for fault in await onlooker.faults(title(request.node.name, number), answer)
    ]
    assert not faults, "\n".join(faults)


@pytest.fixture
async def town(api: Api) -> Town:
    return await a_town(api)


@pytest.fixture
async def panel(town: Town, onlooker: Onlooker) -> Onlooker:
    """A browser at the panel of the town, whose admin has a password."""
    add_panel(town.api, HOST)
    await with_account(town.api, town.admin)
    await with_password(town.api, town.admin.account)
    client: Any = PanelClient(town.api)
    return Onlooker(onlooker.browser, client, onlooker.folder)
