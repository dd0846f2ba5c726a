"""Connections that the server has closed are replaced before anybody uses them, and none is asked whether it lives."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from infrastructure.database.engines import named_engine, replace_closed
from tests.conftest import Database

NAME, SIZE = "daybook-test-engine", 3
_PID = text("SELECT pg_backend_pid()")
_END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
_LAST = "SELECT pid, query FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = named_engine(database.application, NAME, pool_size=SIZE, max_overflow=0)
    replace_closed(engine)
    yield engine
    await engine.dispose()


async def backends(engine: AsyncEngine) -> set[int]:
    """The processes of the server behind all connections of the pool, each of which is used at once."""
    connections: list[AsyncConnection] = [await engine.connect() for _ in range(SIZE)]
    found = {(await connection.execute(_PID)).scalar_one() for connection in connections}
    await asyncio.gather(*(connection.close() for connection in connections))
    return found


async def test_after_the_server_has_closed_them_all_are_replaced(engine: AsyncEngine, database: Database) -> None:
    before = await backends(engine)
    assert len(before) == SIZE
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as server:
        await server.execute(_END, [NAME])
    after = await backends(engine)
    assert len(after) == SIZE
    assert not before & after


async def test_those_that_live_are_kept_and_not_asked(engine: AsyncEngine, database: Database) -> None:
    before = await backends(engine)
    for _ in range(3):
        assert await backends(engine) == before
    async with engine.connect():
        async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as server:
            last = await (await server.execute(_LAST, [NAME])).fetchall()
        assert {query for _, query in last} == {"ROLLBACK"}, "taking a connection has sent nothing"
