"""Being told at once, and looking for oneself each second whatever happens."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

POLL = 1.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between attempts to connect

log = logging.getLogger(__name__)


async def connect(engine: AsyncEngine, application: str) -> psycopg.AsyncConnection[Any]:
    """A connection of one's own to the engine's database; notices in seconds when the other end is gone."""
    url = engine.url  # in parts: rendered, a password with a space would not come through
    return await psycopg.AsyncConnection.connect(
        host=url.host,
        port=url.port,
        dbname=url.database,
        user=url.username,
        password=url.password,
        autocommit=True,
        application_name=application,
        connect_timeout=5,
        keepalives_idle=2,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5000,
    )


async def driver_of(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    """The connection beneath SQLAlchemy's, for what has many values: half the time is saved."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver


async def heard(engine: AsyncEngine, channel: str, application: str) -> AsyncGenerator[str | None]:
    """What is said on a channel, for ever; None means: look for yourself.

    That is so after each (re)connection, since what was said before it is lost, and each second.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            async with await connect(engine, application) as connection:
                await connection.execute(f"LISTEN {channel}")
                pause = FIRST_PAUSE
                while True:
                    yield None
                    async for notice in connection.notifies(timeout=POLL):
                        yield notice.payload
        except psycopg.OperationalError as lost:
            log.warning("not listening on %r, again in %.1f s: %s", channel, pause, lost)
        yield None
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
