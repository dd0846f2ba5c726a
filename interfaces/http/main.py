"""Composition root of the API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import infrastructure
from application.jobs.deferred import Means, carry_out
from application.people.erasure import ErasureServices, erase_again
from infrastructure.database.address import DatabaseAddress
from infrastructure.database.roles import alchemy
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.services import IdentityOptions, IdentityServices, TokenKeys, open_identity_services
from infrastructure.jobs.deferred_runner import ErrandRunner
from infrastructure.jobs.deferred_tasks import Errands
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.ledger.reader import LedgerReader
from infrastructure.mail.mailer import SentMails, postman_of
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import ObligationsReader
from infrastructure.settings import Mode, Settings
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.signing_secrets import SigningSecrets
from interfaces.http.app import build
from interfaces.http.framework.client_address import Networks
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.cursors import Cursors
from interfaces.http.framework.request import Check, Ports, WebhookPorts
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import connect
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots
from projections.read_models.job_status import overdue

log = structlog.get_logger(__name__)
LATE = 60.0  # seconds
_LIVE = text("SELECT generation FROM read.live")
_VERSION = text("SELECT version_num FROM log.schema_version")
_MIGRATIONS = ScriptDirectory(str(Path(infrastructure.__file__).parent / "migrations"))
_LAG = text("""
    SELECT max(h.head - b.position) AS behind, bool_or(b.stopped_at IS NOT NULL) AS stopped
    FROM read.live JOIN read.bookmark b USING (generation),
         (SELECT coalesce(max(notification_id), 0) AS head FROM log.stored_events) h""")


def create_app(settings: Settings) -> FastAPI:
    """The API on the servers of the settings, which it reaches from start-up to shut-down."""
    return build(
        life=partial(_life, settings),
        mailbox=settings.dev_mailbox,
        https=settings.public_url.startswith("https://"),
        origins=Origins(settings.origins),
    )


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
    reads = Snapshots(engine, await stack.enter_async_context(Positions(engine)))
    cache, useful = await _cache(settings, stack)
    rows = await stack.enter_async_context(
        RowPool(database.dsn, size=settings.db_pool_size, patience=settings.db_pool_timeout)
    )
    errands, verifications = Errands(rows, store.keyring), Verifications(rows, store.keyring)
    opened = await stack.enter_async_context(_signing(settings, database, store, rows, errands))
    oblivion = ErasureServices(
        store,
        ObligationsReader(reads),
        AccountData(rows),
        ErasedPersonsFile(settings.forgotten_file),
        errands,
    )
    await erase_again(oblivion)
    mail = postman_of(settings, rows, store.keyring)
    means = Means(store, mail, verifications, opened.signing.tickets, oblivion)
    await stack.enter_async_context(ErrandRunner(errands, partial(carry_out, means)))
    return Ports(
        store=store,
        reads=reads,
        availability=Availability(await _looks(database, settings, stack), reads, cache),
        tokens=opened.tokens,
        cursors=Cursors(secret),
        codec=EventCodec(settings.masters),
        ledger=LedgerReader(database.dsn, settings.db_pool_timeout),
        vital={"database": partial(_reached, engine), "migrations": partial(_migrated, engine)},
        useful={"lag": partial(_followed, engine), "jobs": partial(_in_time, engine), **useful},
        passwords=opened.signing.passwords,
        credentials=opened.signing.credentials,
        sessions=opened.signing.sessions,
        verifications=verifications,
        errands=errands,
        mails=SentMails(rows, store.keyring),
        oblivion=oblivion,
        cooling_off=timedelta(days=settings.forgetting_days),
        signing=opened.signing,
        holders=opened.holders,
        limits=opened.limits,
        denials=opened.denials,
        networks=Networks(settings.proxies),
        hooks=WebhookPorts(
            DeliveryProgress(rows, store.journal),
            SigningSecrets(rows, store.keyring),
            plain=settings.mode is not Mode.PROD,
        ),
        retry_job=JobQueue(rows).retry,
    )


def _signing(
    settings: Settings, database: DatabaseAddress, store: EventStore, rows: RowPool, errands: Errands
) -> AbstractAsyncContextManager[IdentityServices]:
    previous, redis = settings.secret_key_previous, settings.redis_url
    keys = TokenKeys(
        settings.secret_key.get_secret_value(),
        previous.get_secret_value() if previous else None,
        algorithm=settings.algorithm,
        strict=settings.mode is Mode.PROD,
    )
    options = IdentityOptions(redis.get_secret_value() if redis else None, settings.redis_prefix)
    return open_identity_services(database.dsn, store, errands, keys, rows, options)


def _engine(database: DatabaseAddress, settings: Settings) -> AsyncEngine:
    return create_async_engine(
        alchemy(database.dsn),
        pool_size=settings.db_pool_size,
        pool_timeout=settings.db_pool_timeout,
        pool_pre_ping=True,
    )


async def _looks(database: DatabaseAddress, settings: Settings, stack: AsyncExitStack) -> AvailabilityLoader:
    pool = AsyncConnectionPool(
        database.dsn,
        min_size=1,
        max_size=settings.db_pool_size,
        timeout=settings.db_pool_timeout,
        open=False,
        kwargs={
            "autocommit": True,
            "application_name": "daybook-availability",
            # Planning takes four times as long as executing, and the plan does not depend on the values.
            "options": "-c plan_cache_mode=force_generic_plan",
        },
    )
    stack.push_async_callback(pool.close)
    await pool.open(wait=True)
    return AvailabilityLoader(pool)


async def _cache(settings: Settings, stack: AsyncExitStack) -> tuple[AvailabilityCache | None, Mapping[str, Check]]:
    if settings.redis_url is None:
        return None, {}
    redis = connect(settings.redis_url.get_secret_value())
    stack.push_async_callback(redis.aclose)

    async def pinged() -> Mapping[str, Any]:
        await redis.ping()
        return {}

    return await stack.enter_async_context(AvailabilityCache(redis, settings.redis_prefix)), {"redis": pinged}


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


async def _in_time(engine: AsyncEngine) -> Mapping[str, Any]:
    """How late the oldest job is that nobody does; raises if it is a minute."""
    async with engine.connect() as connection:
        late = await overdue(connection, (await connection.execute(_LIVE)).scalar_one())
    if late > LATE:
        raise RuntimeError("Nobody does what is due.")
    return {"late": max(0, round(late))}


async def _followed(engine: AsyncEngine) -> Mapping[str, Any]:
    """How many events the last reader has yet to read; raises if one has stopped."""
    async with engine.connect() as connection:
        behind, stopped = (await connection.execute(_LAG)).one()
    if stopped:
        raise RuntimeError("A reader has stopped.")
    return {"positions": behind}
