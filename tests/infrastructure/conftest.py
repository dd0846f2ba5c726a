"""The log as tests open it: in memory and on PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from infrastructure.eventstore import EventStore
from infrastructure.journal import Journal
from infrastructure.memory import MemoryJournal, memory_store
from infrastructure.postgres import PostgresJournal, postgres_store

Open = Callable[..., Awaitable[EventStore]]


@pytest.fixture
async def open_store() -> AsyncIterator[Open]:
    """Opens stores on an address, as many as wanted, as if each were a process of its own."""
    async with AsyncExitStack() as stack:

        async def open_store(dsn: str, **options: Any) -> EventStore:
            store = postgres_store(dsn, **options)
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
        first = memory_store()
        return first, EventStore(first.journal)
    return await open_store(where), await open_store(where)


# TEMPORARY
@pytest.fixture(scope="session")
def new_database(servers):
    from itertools import count

    import psycopg

    from infrastructure.database import create_role, migrate
    from tests.conftest import Database
    def ex(s):
        with psycopg.connect(servers.superuser_dsn(), autocommit=True) as c: c.execute(s)
    create_role(servers.superuser_dsn(), "daybook", "daybook")
    ex("CREATE DATABASE tl")
    migrate(servers.superuser_dsn("tl"), "daybook")
    n = count(1)
    def clone():
        name = f"daybook_test_{next(n)}"
        ex(f"CREATE DATABASE {name} TEMPLATE tl")
        return Database(name, servers.superuser_dsn(name), f"postgresql://daybook:daybook@{servers.host}:{servers.port}/{name}")
    return clone
