"""The app on PostgreSQL, and people who talk to it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.encoding import decode
from infrastructure.postgres import PostgresJournal, postgres_store
from infrastructure.tokens import Tokens
from interfaces.http.app import build
from interfaces.http.cursor import Cursors
from interfaces.http.deps import Ports
from projections.availability import Availability
from projections.look import Looks
from projections.position import Positions
from projections.projector import Projector
from projections.read import Reads
from projections.readers import READERS
from tests.http.town import Api, Town, a_town

SECRET = "a secret of the tests, long enough to sign with"


@pytest.fixture
async def api(database) -> AsyncIterator[Api]:
    """The app without Redis; its readers catch up before each GET."""
    store = postgres_store(database.application)
    assert isinstance(store.journal, PostgresJournal)
    engine = create_async_engine(database.url)
    pool = AsyncConnectionPool(database.application, min_size=1, open=False, kwargs={"autocommit": True})
    await store.journal.open()
    # Connected before it may be closed: a connection given up half-way keeps its database from being dropped.
    await store.journal.peek(None, {})
    async with pool, Positions(engine) as positions:
        await pool.wait()
        while not positions.known:
            await asyncio.sleep(0.01)
        reads = Reads(engine, positions)
        availability = Availability(Looks(pool), reads)
        ports = Ports(store, reads, availability, Tokens(SECRET), Cursors(SECRET), decode)
        app = build(ports)
        transport = httpx.ASGITransport(app)  # which raises what would be a 500
        async with httpx.AsyncClient(transport=transport, base_url="http://daybook.test") as client:
            yield Api(client, ports, Tokens(SECRET), Projector(engine, READERS, decode).catch_up)
    await store.journal.close()
    await engine.dispose()


@pytest.fixture
async def town(api: Api) -> Town:
    """A provider with office hours, a service, and the people around them."""
    return await a_town(api)
