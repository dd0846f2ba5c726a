"""The panel over a town on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from tests.interfaces.admin.browser import Browser, a_session, add_panel, with_account
from tests.interfaces.http.conftest import opened
from tests.interfaces.http.town import Api, Town, a_town


@pytest.fixture
async def api(database, servers, tmp_path) -> AsyncIterator[Api]:
    async with opened(database, servers.redis_url, tmp_path) as api:
        yield add_panel(api)


@pytest.fixture
async def town(api: Api) -> Town:
    town = await a_town(api)
    for caller in (town.owner, town.admin):
        await with_account(api, caller)
    return town


@pytest.fixture
async def admin(town: Town) -> Browser:
    """The town's admin, signed in."""
    return await a_session(town.api, town.admin.account)


@pytest.fixture
async def owner(town: Town) -> Browser:
    """The owner of the town's provider, signed in."""
    return await a_session(town.api, town.owner.account)
