"""Composition root of the projector role."""

import asyncio
import contextlib
import signal
from contextlib import AsyncExitStack

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infrastructure.database.engines import named_engine
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.settings import Settings
from projections.availability.earliest_refresher import EarliestRefresher
from projections.availability.invalidation import InvalidationPublisher, connect
from projections.engine.projector import Projector
from projections.rebuild.generations import shapes
from projections.registry import PROJECTIONS


async def run_projector(settings: Settings) -> None:
    """Update the read models until SIGTERM or SIGINT. An unfinished page of events is rolled back as a whole."""
    async with AsyncExitStack() as stack:
        projector = await _projector(settings, stack)
        work = asyncio.create_task(projector.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work


async def _projector(settings: Settings, stack: AsyncExitStack) -> Projector:
    assert settings.database is not None
    engine = named_engine(settings.database.dsn, "daybook-projector", pool_size=5)
    stack.push_async_callback(engine.dispose)
    publisher = None
    if settings.redis_url is not None:
        redis = connect(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        publisher = InvalidationPublisher(redis, settings.redis_prefix, engine)
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        settings.database.dsn,
        min_size=0,  # a projector on standby needs none
        max_size=1,
        open=False,
        kwargs={"autocommit": True, "application_name": "daybook-earliest"},
    )
    stack.push_async_callback(pool.close)
    await pool.open()
    codec, followers = EventCodec(settings.masters), [EarliestRefresher(pool)]
    return Projector(engine, PROJECTIONS, codec, publisher, followers, shapes())
