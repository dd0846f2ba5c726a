"""The panel over a town on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interfaces.admin.browser import Browser, a_session, add_panel, with_account
from tests.interfaces.admin.people import People
from tests.interfaces.http.conftest import lift_limits, opened
from tests.interfaces.http.tenants import tenants
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(servers, new_database, tmp_path_factory) -> AsyncIterator[People]:
    database = new_database()
    with pytest.MonkeyPatch.context() as patch:
        lift_limits(patch)
        async with opened(database, servers.redis_url, tmp_path_factory.mktemp("panel")) as api:
            it = await tenants(add_panel(api), database)
            known = {name: caller for name, caller in it.callers.items() if caller.id is not None}
            browsers = {name: await a_session(api, caller.account) for name, caller in known.items()}
            with it.watch:
                yield People(it, {**browsers, "anonymous": Browser(api)})
