"""LISTEN on a PostgreSQL channel, with a poll each second in case a notification is lost."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.engine.cancellation import check_cancelled

POLL = 1.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between attempts to connect

logger = structlog.get_logger(__name__)


async def connect(engine: AsyncEngine, application: str) -> psycopg.AsyncConnection[Any]:
    """A connection to the engine's database outside its pool; a dead peer is noticed within seconds."""
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
    """The psycopg connection beneath SQLAlchemy's: statements with many values take half the time."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver


async def notifications(engine: AsyncEngine, channel: str, application: str) -> AsyncGenerator[str | None]:
    """The payloads of a channel, for ever; None means: query the state yourself.

    None comes after each (re)connection, since earlier notifications are lost, and each second.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            async with await connect(engine, application) as connection:
                await connection.execute(f"LISTEN {channel}")
                pause = FIRST_PAUSE
                while True:
                    yield None
                    async for notify in connection.notifies(timeout=POLL):
                        yield notify.payload
        except psycopg.OperationalError as lost:
            check_cancelled()
            logger.warning("not listening for notifications, retrying", outage=f"postgresql {channel}", error=str(lost))
        yield None
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
