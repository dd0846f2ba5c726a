"""Overload and outage are told apart: connections in use, a silent database, an event loop that is late."""

import asyncio
import time

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout
from sqlalchemy import text
from sqlalchemy.exc import OperationalError as EngineError
from sqlalchemy.exc import TimeoutError as EngineTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from application.event_log import Overloaded
from infrastructure.database.engines import named_engine
from infrastructure.database.pool_waits import SILENCE, WAITS, MeasuredEnginePool, MeasuredPool
from infrastructure.database.timeouts import limited, severed_after
from tests.conftest import Database

BUSY = "Daybook has more requests than it can answer now"


def _pool(database: Database, timeout: float) -> MeasuredPool:
    return MeasuredPool(database.application, min_size=1, max_size=1, timeout=timeout, open=False)


def _engine(database: Database, timeout: float) -> AsyncEngine:
    options = {"poolclass": MeasuredEnginePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": timeout}
    return create_async_engine(database.url, **options)


async def test_connections_in_use_are_overload(database: Database) -> None:
    async with _pool(database, 0.5) as pool, _pool(database, 5) as other, pool.connection():
        waiting = asyncio.create_task(pool.getconn())
        await asyncio.sleep(0.1)
        async with other.connection() as connection:
            await connection.execute("SELECT 1")
        with pytest.raises(Overloaded, match=BUSY):
            await waiting
    assert WAITS.longest() >= 0.5


async def test_connections_of_an_engine_in_use_are_overload(database: Database) -> None:
    engine = _engine(database, 0.5)
    async with _pool(database, 5) as other, engine.connect():
        waiting = asyncio.create_task(_connected(engine))
        await asyncio.sleep(0.1)
        async with other.connection() as connection:
            await connection.execute("SELECT 1")
        with pytest.raises(Overloaded, match=BUSY):
            await waiting
    await engine.dispose()


async def test_a_database_that_answers_nobody_is_an_outage(database: Database) -> None:
    engine = _engine(database, SILENCE + 1)
    async with _pool(database, SILENCE + 1) as pool:
        hanging = [asyncio.create_task(_sleep(pool)), asyncio.create_task(_sleep_by(engine))]
        await asyncio.sleep(0.3)
        asyncio.get_running_loop().call_later(SILENCE + 0.5, lambda: silent.append(WAITS.is_silent()))
        silent: list[bool] = []
        ended = await asyncio.gather(pool.getconn(), _connected(engine), return_exceptions=True)
        assert [type(each) for each in ended] == [PoolTimeout, EngineTimeout]
        assert silent == [True]
        await asyncio.gather(*hanging)
    await engine.dispose()


async def _sleep(pool: MeasuredPool) -> None:
    async with pool.connection() as connection:
        await connection.execute(f"SELECT pg_sleep({SILENCE + 3})".encode())


async def _sleep_by(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text(f"SELECT pg_sleep({SILENCE + 3})"))


async def _connected(engine: AsyncEngine) -> None:
    async with engine.connect():
        pass


async def test_time_in_which_the_event_loop_is_late_does_not_count(database: Database) -> None:
    async with await AsyncConnection.connect(database.application, autocommit=True) as connection:
        with severed_after(connection, 0.4):
            await connection.execute("SELECT 1")
            time.sleep(1.0)  # noqa: ASYNC251  a machine without time for this process
            await asyncio.sleep(0.05)
            await connection.execute("SELECT 1")


@pytest.mark.fault(18)
async def test_a_silent_database_has_its_time_and_no_more(database: Database) -> None:
    async with await AsyncConnection.connect(database.application, autocommit=True) as connection:
        with pytest.raises(psycopg.OperationalError):
            await _limited(connection, "SELECT pg_sleep(60)", 0.4)


@pytest.mark.fault(18)
async def test_a_silent_database_has_its_time_and_no_more_of_an_engine_and_of_a_pool(database: Database) -> None:
    engine = named_engine(database.application, "daybook-test", patience=0.4)
    pool = MeasuredPool(database.application, min_size=1, open=False, connection_class=limited(0.4))
    async with pool:
        ended = await asyncio.gather(_sleep(pool), _sleep_by(engine), return_exceptions=True)
        assert [type(each) for each in ended] == [psycopg.OperationalError, EngineError]
        async with engine.connect() as connection, pool.connection():
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


async def _limited(connection: AsyncConnection, statement: str, seconds: float) -> None:
    with severed_after(connection, seconds):
        await connection.execute(statement.encode())
