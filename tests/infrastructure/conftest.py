"""The log as tests open it: in memory and on PostgreSQL."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from infrastructure.database.roles import create_role
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import Journal
from infrastructure.event_log.memory_journal import MemoryJournal
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.identity.services import IdentityServices
from infrastructure.local.programs import free_port
from infrastructure.local.servers import LocalServers
from tests.conftest import Database
from tests.infrastructure.webhooks.office import Office, an_office
from tests.support.instances import servers_folder
from tests.support.sealed import MASTERS
from tests.support.signing import a_signing
from tests.support.waiting import PATIENCE

Open = Callable[..., Awaitable[EventStore]]


@pytest.fixture
def own_server() -> Iterator[LocalServers]:
    """A durable server of this test's own, with the application's login, on a port that stays."""
    home = Path(tempfile.mkdtemp(prefix="daybook-log-", dir=servers_folder()))
    home.chmod(0o755)  # PostgreSQL's account must get in
    with LocalServers(home, valkey=False, port=free_port()) as server:
        create_role(server.superuser_dsn(), "daybook_test", "daybook_test")
        yield server
    shutil.rmtree(home)


@pytest.fixture
async def open_store() -> AsyncIterator[Open]:
    """Opens stores on an address, as many as wanted, as if each were a process of its own."""
    async with AsyncExitStack() as stack:

        async def open_store(dsn: str, **options: Any) -> EventStore:
            store = postgres_store(dsn, MASTERS, **options)
            assert isinstance(store.journal, PostgresJournal)
            await store.journal.open()
            stack.push_async_callback(store.journal.close)
            return store

        yield open_store


@pytest.fixture(params=["memory", "postgres"])
def where(request: pytest.FixtureRequest) -> str | None:
    """The address of the application's database; None for memory."""
    return None if request.param == "memory" else request.getfixturevalue("database").application


@pytest.fixture
async def journal(where: str | None) -> AsyncIterator[Journal]:
    if where is None:
        yield MemoryJournal()
        return
    journal = PostgresJournal(where)
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
async def two_stores(where: str | None, open_store: Open) -> tuple[EventStore, EventStore]:
    """Two processes on one log, each with a cache of its own."""
    if where is None:
        journal = MemoryJournal()
        return EventStore(journal, MASTERS), EventStore(journal, MASTERS)
    return await open_store(where, deadline=PATIENCE), await open_store(where, deadline=PATIENCE)


@pytest.fixture
async def opened(database: Database, open_store: Open) -> AsyncIterator[IdentityServices]:
    """What signing in needs, as a process of its own would have it."""
    store = await open_store(database.application)
    async with a_signing(database.application, store) as opened:
        yield opened


@pytest.fixture
async def office(database: Database, open_store: Open) -> AsyncIterator[Office]:
    """Webhooks of a provider, and what delivers them."""
    async with an_office(database, await open_store(database.application)) as office:
        yield office
