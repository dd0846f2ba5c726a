"""The pool for rows beside the log: a connection that the server has closed is replaced, and none is asked for it."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from infrastructure.database.pool_waits import INDEX_PLANS
from infrastructure.database.row_pool import RowPool
from tests.conftest import Database
from tests.support.waiting import PATIENCE

NAME, SIZE = "daybook-auth", 3
_PID = "SELECT pg_backend_pid(), pg_sleep(0.05)"
_END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
_LAST = "SELECT query FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
async def rows(database: Database) -> AsyncIterator[RowPool]:
    async with RowPool(database.application, size=SIZE, patience=PATIENCE, session=INDEX_PLANS) as rows:
        yield rows


async def backends(rows: RowPool) -> set[int]:
    """The processes of the server behind the connections that are used at once."""
    found = await asyncio.gather(*(rows.all(_PID) for _ in range(SIZE)))
    return {row[0] for ((*row,),) in found}


async def of_server(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as server:
        return await (await server.execute(statement, [NAME])).fetchall()


async def test_after_the_server_has_closed_them_all_are_replaced(rows: RowPool, database: Database) -> None:
    before = await backends(rows)
    await of_server(database, _END)
    assert not before & await backends(rows)


async def test_a_connection_that_lives_is_kept_and_not_asked(rows: RowPool, database: Database) -> None:
    before = await backends(rows)
    assert await backends(rows) == before
    async with rows._pool.connection(), rows._pool.connection(), rows._pool.connection():
        assert set(await of_server(database, _LAST)) == {(_PID,)}, "taking a connection has sent nothing"


async def test_what_comes_on_an_idle_connection_is_no_end(rows: RowPool, database: Database) -> None:
    """The server may send something to a connection that asks nothing, such as a setting that was reloaded."""
    before = await backends(rows)
    await asyncio.gather(*(rows.all("LISTEN news") for _ in range(20)))
    for _ in range(20):
        await of_server(database, "SELECT pg_notify('news', %s)")
        assert await backends(rows) == before


async def test_its_sessions_have_the_options(rows: RowPool) -> None:
    assert await rows.all("SHOW plan_cache_mode") == [("force_generic_plan",)]
    assert await rows.all("SHOW enable_seqscan") == [("off",)]
    assert await rows.all("SHOW jit") == [("off",)]
