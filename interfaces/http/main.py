"""Composition root of the API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from application.booking.ending_jobs import ending_handlers
from application.ending import EndingServices
from application.identity.account_mail import AccountMailServices, account_handlers
from application.notifications.links import KEY as LINKS
from application.notifications.links import Links
from application.orphans.hours_check import HoursCheckServices, hours_check_handlers
from application.people.erasure import ErasureServices, erase_again, erasure_handlers
from infrastructure.booking_queries import BookingReadModels
from infrastructure.database.address import DatabaseAddress
from infrastructure.database.analytics_pool import analytics_pool
from infrastructure.database.pool_waits import WAITS, MeasuredPool
from infrastructure.database.timeouts import limited
from infrastructure.event_log.event_codec import EventCodec
from infrastructure.event_log.event_store import EventStore
from infrastructure.feed.services import feed_services
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.services import IdentityOptions, IdentityServices, TokenKeys, open_identity_services
from infrastructure.jobs.background_walk import BackgroundWalk
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.walker import JobWalker
from infrastructure.ledger import past_log, request_works, view_log
from infrastructure.ledger.reader import LedgerReader
from infrastructure.ledger.verification_steps import LedgerVerifications
from infrastructure.mail.mailer import SentMails, postman_of
from infrastructure.observability.health_checks import DatabaseChecks
from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.observability.request_span import request_span
from infrastructure.opened_database import OpenedDatabase, opened_database
from infrastructure.pages.renderer import PageTemplates
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import AheadReader, ObligationsReader
from infrastructure.settings import Mode, Settings
from infrastructure.stopped_projections import StoppedProjections
from infrastructure.upcoming import UpcomingReader
from infrastructure.view_organizations import OrganizationsReader
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.signing_secrets import SigningSecrets
from infrastructure.webhooks.targets import WebhookTargets
from interfaces.http.app import RESERVED_PATHS, AppOptions, build
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.cursors import Cursors
from interfaces.http.framework.headers.client_address import Networks
from interfaces.http.framework.ports import (
    AbusePorts,
    Check,
    ErasurePorts,
    FeedPorts,
    HealthPorts,
    IdentityPorts,
    JobPorts,
    PagePorts,
    Ports,
    WebhookPorts,
)
from interfaces.http.operations.health import drain
from interfaces.http.server.admission import Admission
from interfaces.request_id import work_for
from projections.availability.cache import AvailabilityCache
from projections.availability.invalidation import connect
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.query.last_writes import LastWrites
from projections.reporting.figures import MetricFigures


def create_app(settings: Settings) -> FastAPI:
    """The API on the servers of the settings, which it reaches from start-up to shut-down."""
    dev = settings.mode is Mode.DEV
    options = AppOptions(
        mailbox=settings.dev_mailbox,
        https=settings.public_url.startswith("https://"),
        origins=Origins(settings.origins, local=dev),
        log_requests=dev and settings.log_level in ("DEBUG", "INFO"),
        links=_links(settings),
        span=request_span if settings.tracing_url else nullcontext,
        admission=Admission(settings.api_queue_delay, WAITS.longest, WAITS.is_silent, RESERVED_PATHS),
    )
    return build(life=partial(_life, settings), options=options)


def _links(settings: Settings) -> dict[str, str]:
    """What `GET /` links where developers look; nothing in PROD."""
    mailbox = "/dev/mailbox" if settings.dev_mailbox is not None else None
    admin = "/admin" if settings.admin else None
    links = {"admin": admin, "mailbox": mailbox, "flower": settings.flower_url, "metrics": settings.metrics_url}
    return {} if settings.mode is Mode.PROD else {title: link for title, link in links.items() if link}


@asynccontextmanager
async def _life(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        app.state.ports = await _ports(settings, stack)
        assert settings.database is not None
        stack.enter_context(ProcessRegistry(settings.database.dsn, "api"))
        yield
        drain(app)


async def _ports(settings: Settings, stack: AsyncExitStack) -> Ports:
    database = await opened_database(settings, stack)
    address, store, journal, rows, engine, reads, positions = database
    cache, writes, redis = await _cache(settings, stack)
    woken = asyncio.Event()
    store.on_enqueued = woken.set
    enqueuer, verifications = JobEnqueuer(rows, store.keyring, woken.set), Verifications(rows, store.keyring)
    identity = await stack.enter_async_context(_identity(settings, database, enqueuer))
    feed = feed_services(journal, reads, positions, identity.tokens, identity.holders)
    erasure = await _erasure(settings, database)
    mail = postman_of(settings, rows, store.keyring)
    services = AccountMailServices(store, mail, verifications, identity.signing.tickets)
    queue = JobQueue(rows, store.keyring)
    endings = EndingServices(store, AheadReader(reads))
    checks = hours_check_handlers(HoursCheckServices(store, UpcomingReader(reads)))
    ends = {**erasure_handlers(erasure.services), **ending_handlers(endings)}
    handlers = {**account_handlers(services), **ends, **checks}
    walker = JobWalker(queue, handlers, about=work_for)
    await stack.enter_async_context(BackgroundWalk(walker, woken, Enrolment(rows).enrol))
    return Ports(
        store=store,
        reads=reads,
        availability=Availability(await _availability(settings, address, stack), reads, cache),
        figures=MetricFigures(await stack.enter_async_context(analytics_pool(address.dsn)), reads, positions),
        booking=BookingReadModels(reads, journal.head),
        ahead=AheadReader(reads),
        upcoming=UpcomingReader(reads),
        cursors=Cursors(*settings.secret_keys),
        writes=writes,
        request_id_key=await store.keyring.secret("request ids"),
        codec=EventCodec(settings.masters),
        ledger=LedgerReader(address.dsn, settings.db_pool_timeout),
        verifications=LedgerVerifications(rows, address.dsn),
        past=past_log.PastLog(rows, settings.masters),
        views=view_log.ViewLog(rows, store.now, OrganizationsReader(reads).of),
        works=request_works.RequestWorks(rows),
        identity=IdentityPorts(identity.signing, identity.tokens, identity.holders, verifications),
        abuse=AbusePorts(identity.limits, identity.denials, Networks(settings.proxies)),
        erasure=erasure,
        webhooks=WebhookPorts(
            DeliveryProgress(rows, journal),
            SigningSecrets(rows, store.keyring),
            WebhookTargets(settings.webhook_networks),
            plain=settings.mode is not Mode.PROD,
        ),
        feed=FeedPorts(feed.messages, await stack.enter_async_context(feed.tail), settings.api_stream_seconds),
        jobs=JobPorts(queue.retry, enqueuer),
        stopped=StoppedProjections(rows),
        mails=SentMails(rows, store.keyring),
        pages=await _pages(settings, store),
        health=_health(engine, redis),
    )


def _identity(
    settings: Settings, database: OpenedDatabase, enqueuer: JobEnqueuer
) -> AbstractAsyncContextManager[IdentityServices]:
    redis = settings.redis_url
    keys = TokenKeys(*settings.secret_keys, algorithm=settings.algorithm, strict=settings.mode is Mode.PROD)
    return open_identity_services(
        database.address.dsn,
        database.store,
        enqueuer,
        keys,
        database.rows,
        IdentityOptions(
            redis.get_secret_value() if redis else None, settings.redis_prefix, breached=settings.breached_passwords
        ),
    )


async def _pages(settings: Settings, store: EventStore) -> PagePorts:
    links = Links(settings.public_url, await store.keyring.secret(LINKS))
    return PagePorts(PageTemplates(settings.public_url), links)


async def _erasure(settings: Settings, database: OpenedDatabase) -> ErasurePorts:
    """The ports of erasure. First erases again the persons that a restored backup has brought back."""
    services = ErasureServices(
        database.store,
        ObligationsReader(database.reads),
        AccountData(database.rows),
        ErasedPersonsFile(settings.forgotten_file),
    )
    await erase_again(services)
    return ErasurePorts(services, timedelta(days=settings.forgetting_days))


async def _availability(settings: Settings, address: DatabaseAddress, stack: AsyncExitStack) -> AvailabilityLoader:
    pool = MeasuredPool(
        address.dsn,
        min_size=1,
        max_size=settings.db_pool_size,
        timeout=settings.db_pool_timeout,
        open=False,
        connection_class=limited(settings.db_pool_timeout),
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


async def _cache(
    settings: Settings, stack: AsyncExitStack
) -> tuple[AvailabilityCache | None, LastWrites, Mapping[str, Check]]:
    """What goes through Redis, and its check."""
    if settings.redis_url is None:
        return None, LastWrites(), {}
    redis = connect(settings.redis_url.get_secret_value())
    stack.push_async_callback(redis.aclose)

    async def pinged() -> Mapping[str, Any]:
        await redis.ping()
        return {}

    writes = await stack.enter_async_context(LastWrites(redis, settings.redis_prefix))
    return await stack.enter_async_context(AvailabilityCache(redis, settings.redis_prefix)), writes, {"redis": pinged}


def _health(engine: AsyncEngine, redis: Mapping[str, Check]) -> HealthPorts:
    checks = DatabaseChecks(engine)
    return HealthPorts(
        vital={"database": checks.database, "migrations": checks.migrations, "read_models": checks.read_models},
        useful={"lag": checks.lag, "jobs": checks.jobs, "zones": checks.zones, **redis},
    )
