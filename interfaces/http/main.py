"""Composition root of the API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import infrastructure
from infrastructure.database import alchemy
from infrastructure.encoding import Codec
from infrastructure.eventstore import EventStore
from infrastructure.ledgerview import LedgerView
from infrastructure.postgres import PostgresJournal, postgres_store
from infrastructure.settings import Database, Environment, Settings
from infrastructure.signing import Opened, TokenKeys, opened_signing
from interfaces.http.app import build
from interfaces.http.cursor import Cursors
from interfaces.http.deps import Check, Ports
from interfaces.http.network import Networks
from projections.availability import Availability
from projections.cache import Cache
from projections.look import Looks
from projections.position import Positions
from projections.read import Reads
from projections.versions import connect

_VERSION = text("SELECT version_num FROM log.schema_version")
_MIGRATIONS = ScriptDirectory(str(Path(infrastructure.__file__).parent / "migrations"))
_LAG = text("""
    SELECT max(h.head - b.position) AS behind, bool_or(b.stopped_at IS NOT NULL) AS stopped
    FROM read.live JOIN read.bookmark b USING (generation),
         (SELECT coalesce(max(notification_id), 0) AS head FROM log.stored_events) h""")


def create_app(settings: Settings) -> FastAPI:
    """The API on the servers of the settings, which it reaches from start-up to shut-down."""
    return build(life=partial(_life, settings))


@asynccontextmanager
async def _life(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        app.state.ports = await _open(settings, stack)
        yield
        app.state.ports.draining = True


async def _open(settings: Settings, stack: AsyncExitStack) -> Ports:
    database, secret = settings.database, settings.secret_key.get_secret_value()
    assert database is not None
    store = postgres_store(
        database.dsn, settings.masters, pool_size=settings.db_pool_size, patience=settings.db_pool_timeout
    )
    assert isinstance(store.journal, PostgresJournal)
    stack.push_async_callback(store.journal.close)
    await store.journal.open()
    engine = _engine(database, settings)
    stack.push_async_callback(engine.dispose)
    opened = await stack.enter_async_context(_signing(settings, database, store))
    reads = Reads(engine, await stack.enter_async_context(Positions(engine)))
    cache, useful = await _cache(settings, stack)
    return Ports(
        store=store,
        reads=reads,
        availability=Availability(await _looks(database, settings, stack), reads, cache),
        tokens=opened.tokens,
        cursors=Cursors(secret),
        codec=Codec(settings.masters),
        ledger=LedgerView(database.dsn, settings.db_pool_timeout),
        vital={"database": partial(_reached, engine), "migrations": partial(_migrated, engine)},
        useful={"lag": partial(_followed, engine), **useful},
        signing=opened.signing,
        holders=opened.holders,
        limits=opened.limits,
        denials=opened.denials,
        networks=Networks(settings.proxies),
    )


def _signing(
    settings: Settings, database: Database, store: EventStore
) -> AbstractAsyncContextManager[Opened]:
    previous, redis = settings.secret_key_previous, settings.redis_url
    keys = TokenKeys(
        settings.secret_key.get_secret_value(),
        previous.get_secret_value() if previous else None,
        strict=settings.environment is Environment.PROD,
    )
    return opened_signing(
        database.dsn,
        store,
        _Unasked(),
        keys,
        redis_url=redis.get_secret_value() if redis else None,
        redis_prefix=settings.redis_prefix,
        pool_size=settings.db_pool_size,
        patience=settings.db_pool_timeout,
    )


class _Unasked:
    """application.ports.Errands, until somebody carries them out."""

    async def ask(self, kind: str, said: Mapping[str, Any]) -> None:
        """See the port."""


def _engine(database: Database, settings: Settings) -> AsyncEngine:
    return create_async_engine(
        alchemy(database.dsn),
        pool_size=settings.db_pool_size,
        pool_timeout=settings.db_pool_timeout,
        pool_pre_ping=True,
    )


async def _looks(database: Database, settings: Settings, stack: AsyncExitStack) -> Looks:
    pool = AsyncConnectionPool(
        database.dsn,
        min_size=1,
        max_size=settings.db_pool_size,
        timeout=settings.db_pool_timeout,
        open=False,
        kwargs={"autocommit": True, "application_name": "daybook-availability"},
    )
    stack.push_async_callback(pool.close)
    await pool.open(wait=True)
    return Looks(pool)


async def _cache(settings: Settings, stack: AsyncExitStack) -> tuple[Cache | None, Mapping[str, Check]]:
    if settings.redis_url is None:
        return None, {}
    redis = connect(settings.redis_url.get_secret_value())
    stack.push_async_callback(redis.aclose)

    async def pinged() -> Mapping[str, Any]:
        await redis.ping()
        return {}

    return await stack.enter_async_context(Cache(redis, settings.redis_prefix)), {"redis": pinged}


async def _reached(engine: AsyncEngine) -> Mapping[str, Any]:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return {}


async def _migrated(engine: AsyncEngine) -> Mapping[str, Any]:
    """The schema's version; one unknown here is newer, as in the midst of a rolling upgrade."""
    async with engine.connect() as connection:
        there: str = (await connection.execute(_VERSION)).scalar_one()
    known = {script.revision for script in _MIGRATIONS.walk_revisions()}
    if there in known and there != _MIGRATIONS.get_current_head():
        raise RuntimeError("The database is older than this program.")
    return {"version": there}


async def _followed(engine: AsyncEngine) -> Mapping[str, Any]:
    """How many events the last reader has yet to read; raises if one has stopped."""
    async with engine.connect() as connection:
        behind, stopped = (await connection.execute(_LAG)).one()
    if stopped:
        raise RuntimeError("A reader has stopped.")
    return {"positions": behind}
