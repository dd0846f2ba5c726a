"""Composition root of worker, beat and Flower: the Celery app and the services of its tasks."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from math import ceil
from os import getpid, getppid
from socket import gethostname
from typing import Any

from celery import Celery, signals
from celery.schedules import crontab
from kombu import Exchange, Queue
from psycopg_pool import AsyncConnectionPool

from application.booking.closing_jobs import booking_handlers
from application.booking.waitlist_matching import WaitlistServices, waitlist_handlers
from application.identity.account_mail import AccountMailServices, account_handlers
from application.jobs.dispatch import KINDS
from application.jobs.job import Job, JobHandlers
from application.notifications.notice_jobs import NoticeServices, notice_handlers
from application.people.erasure import ErasureServices, erasure_handlers
from application.webhooks.delivery import DeliveryServices, webhook_handlers
from infrastructure.database.engines import named_engine
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.one_time_tokens import OneTimeTokens
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.walker import AT_ONCE, JobWalker
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.mailer import postman_of
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import ObligationsReader
from infrastructure.settings import Settings
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.signing_secrets import SigningSecrets
from interfaces.http.framework.middleware import request_id
from interfaces.worker.celery_logs import adopt_celery_logs
from interfaces.worker.redis_requeue import patch_requeue
from interfaces.worker.runtime import WorkerRuntime, WorkerServices
from interfaces.worker.wakeups import BOUND, send
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.availability.waitlist_line import WaitlistLine
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots

TICK = 1  # seconds between sweeps
TIDY = crontab(minute="17")  # each hour, even if beat restarts often
QUEUES = ("sweep", *KINDS)
"""The queues of the broker. A worker takes messages of its queues in turns."""
_QUEUE_OF = {kind: queue for queue, kinds in KINDS.items() for kind in kinds}
FLOWER_BOUNDS = "--max-tasks=1000", "--max-workers=100", "--purge-offline-workers=300"
_KEYS_OLD = "SELECT log.prune_keys(interval '2 days')"


def celery_of(settings: Settings) -> Celery:
    """The Celery app with its three tasks. It opens no connections: worker processes are forked from this one."""
    patch_requeue()
    adopt_celery_logs()
    if not settings.broker:  # Celery would try the local machine for ever
        raise SystemExit("BROKER_URL is not set, nor REDIS_URL: workers need one of them.")
    app = Celery("daybook", broker=settings.broker, set_as_current=False)
    app.conf.update(_configuration(settings))
    _register_tasks(app, WorkerRuntime(partial(_services, settings)))
    return app


def _register_tasks(app: Celery, runtime: WorkerRuntime) -> None:
    worker = getpid()

    @app.task(name="sweep", queue="sweep")
    def sweep() -> None:
        for queue, due in runtime.sweep().items():
            for _ in range(min(BOUND, ceil(due / AT_ONCE))):
                send(app, queue)

    @app.task(name="walk")
    def walk(queue: str) -> None:
        if runtime.walk(queue):
            send(app, queue)

    @app.task(name="tidy", queue="sweep")
    def tidy() -> None:
        runtime.tidy()

    def close(**_: Any) -> None:
        if getppid() == worker:  # else the worker was killed: the leases lapse, and another worker does its jobs
            runtime.close()

    signals.worker_process_shutdown.connect(close, weak=False)


def run_worker(settings: Settings, concurrency: int, queues: Sequence[str] = QUEUES) -> int:
    """Run until SIGTERM, and finish running jobs. Returns the exit code. Exits with 2 for an unknown queue."""
    for queue in queues:
        if queue not in QUEUES:
            sys.stderr.write(f'Unknown queue "{queue}". Queues: {", ".join(QUEUES)}.\n')
            raise SystemExit(2)
    worker = celery_of(settings).Worker(
        hostname=f"worker-{getpid()}@{gethostname()}",  # several workers on one machine need different names
        concurrency=concurrency,
        queues=",".join(queues),
        loglevel=settings.log_level,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_beat(settings: Settings) -> None:
    """Ask for a sweep each second until SIGTERM. Beat stores nothing, and several beats do no harm."""
    beat = celery_of(settings).Beat(
        scheduler="interfaces.worker.wakeups:BoundedScheduler",
        loglevel=settings.log_level,
        quiet=True,
        max_interval=TICK,
    )
    beat.run()


def run_flower(settings: Settings, address: str, port: int) -> None:
    """Serve Flower, which shows workers and tasks read-only. It asks for the password of FLOWER_BASIC_AUTH."""
    auth = settings.flower_basic_auth
    if auth is None:
        raise SystemExit("Flower needs FLOWER_BASIC_AUTH, as user:password.")
    arguments = [
        f"--address={address}",
        f"--port={port}",
        f"--basic-auth={auth.get_secret_value()}",
        "--read-only",
        *FLOWER_BOUNDS,
    ]
    celery_of(settings).start(["flower", *arguments])


def _configuration(settings: Settings) -> Mapping[str, Any]:
    """Celery's settings. A message is a wake-up without a time of its own (ETA); the next sweep replaces a lost one."""
    redis = settings.broker.startswith("redis")
    return {
        "beat_schedule": {
            "sweep": {"task": "sweep", "schedule": TICK},
            "tidy": {"task": "tidy", "schedule": TIDY},
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _over_redis(settings) if redis else {"confirm_publish": True},
        "task_ignore_result": True,
        "task_default_queue": "jobs",
        "task_queues": [Queue(name, Exchange(name), name) for name in QUEUES],
        "task_send_sent_event": True,
        "timezone": "UTC",
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_soft_shutdown_timeout": 10.0,
    }


def _over_redis(settings: Settings) -> Mapping[str, Any]:
    """Options that let connections notice a lost Redis."""
    return {
        "global_keyprefix": settings.redis_prefix,
        "visibility_timeout": settings.broker_visibility_timeout,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


async def _reads(dsn: str, settings: Settings, stack: AsyncExitStack) -> tuple[Snapshots, WaitlistLine]:
    """The read models, and the waitlist line, which computes free starts without a cache."""
    engine = named_engine(dsn, "daybook-worker-reads", pool_size=2, pool_pre_ping=True)
    stack.push_async_callback(engine.dispose)
    pool = AsyncConnectionPool(
        dsn,
        min_size=0,
        max_size=2,
        timeout=settings.db_pool_timeout,
        open=False,
        kwargs={"autocommit": True, "application_name": "daybook-waitlist"},
    )
    stack.push_async_callback(pool.close)
    await pool.open()
    reads = Snapshots(engine, await stack.enter_async_context(Positions(engine)))
    return reads, WaitlistLine(reads, Availability(AvailabilityLoader(pool), reads))


@asynccontextmanager
async def _services(settings: Settings) -> AsyncIterator[WorkerServices]:
    database = settings.database
    assert database is not None
    async with RowPool(database.dsn, size=4, patience=settings.db_pool_timeout) as rows, AsyncExitStack() as stack:
        stack.enter_context(ProcessRegistry(database.dsn, "worker"))
        store = postgres_store(database.dsn, settings.masters, pool_size=2, patience=settings.db_pool_timeout)
        assert isinstance(store.journal, PostgresJournal)
        stack.push_async_callback(store.journal.close)
        await store.journal.open()
        queue = JobQueue(rows, store.keyring)
        progress = DeliveryProgress(rows, store.journal)
        handlers = await _handlers(settings, store, rows, progress, stack)

        async def tidy() -> None:
            await queue.forget()
            await rows.all(_KEYS_OLD)

        async def due() -> Mapping[str, int]:
            found = await queue.due(_QUEUE_OF, BOUND * AT_ONCE)
            return {name: sum(found[kind] for kind in kinds) for name, kinds in KINDS.items()}

        walkers = {name: _walker(queue, handlers, kinds) for name, kinds in KINDS.items()}
        for walker in walkers.values():
            stack.push_async_callback(walker.close)
        yield WorkerServices(Enrolment(rows), walkers, due, progress.wake, tidy)


def _walker(queue: JobQueue, handlers: JobHandlers, kinds: Sequence[str]) -> JobWalker:
    def about(job: Job) -> None:
        request_id.set(job.correlation)

    return JobWalker(queue, {kind: handlers[kind] for kind in kinds}, about=about)


async def _handlers(
    settings: Settings, store: EventStore, rows: RowPool, progress: DeliveryProgress, stack: AsyncExitStack
) -> JobHandlers:
    """The handlers of all kinds of jobs."""
    assert settings.database is not None
    mail = postman_of(settings, rows, store.keyring)
    reads, line = await _reads(settings.database.dsn, settings, stack)
    redis = settings.redis_url.get_secret_value() if settings.redis_url else None
    limits = RateLimits(await store.keyring.secret("limits"), redis, settings.redis_prefix)
    stack.push_async_callback(limits.close)
    letters = MessageBuilder(settings.public_url, settings.mail_from)
    channels = [EmailChannel(letters, mail, settings.public_url)]
    post = await stack.enter_async_context(WebhookSender(settings.webhook_networks))
    codes = Verifications(rows, store.keyring), OneTimeTokens(rows)
    erased = AccountData(rows), ErasedPersonsFile(settings.forgotten_file)
    return {
        **booking_handlers(store),
        **waitlist_handlers(WaitlistServices(store, line)),
        **notice_handlers(NoticeServices(store, channels=channels, quiet=settings.quiet, limits=limits)),
        **webhook_handlers(DeliveryServices(store, progress, SigningSecrets(rows, store.keyring), post)),
        **account_handlers(AccountMailServices(store, mail, *codes)),
        **erasure_handlers(ErasureServices(store, ObligationsReader(reads), *erased)),
    }
