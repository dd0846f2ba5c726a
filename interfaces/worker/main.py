"""Composition root of worker, beat and Flower: the Celery app, and what its tasks work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from os import getpid
from socket import gethostname
from typing import Any
from uuid import UUID

from celery import Celery, signals
from celery.schedules import crontab
from kombu import Exchange, Queue
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import create_async_engine

from application.jobs.job import Means
from application.webhooks.delivery import DeliveryServices
from infrastructure.database.roles import alchemy
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.mailer import postman_of
from infrastructure.mail.message_builder import MessageBuilder
from infrastructure.settings import Settings
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.signing_secrets import SigningSecrets
from interfaces.worker.redis_requeue import patch_requeue
from interfaces.worker.runtime import WorkerRuntime, WorkerServices
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.availability.waitlist_line import WaitlistLine
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots

TICK = 1  # seconds between sweeps
TIDY = crontab(minute="17")  # each hour, however often a beat is started
QUEUES = ("sweep", "jobs", "urgent", "mail", "webhooks")
"""Taken in turns. Urgent are mails that lose their worth while they wait: not behind a flood of others."""
_QUEUE_OF: Mapping[str, str] = {
    "notify": "mail",
    "remind": "urgent",
    "offer": "urgent",
    "deliver": "webhooks",
}
_KEYS_OLD = "SELECT log.prune_keys(interval '2 days')"


def celery_of(settings: Settings) -> Celery:
    """The app, with its three tasks. Nothing is connected yet: worker processes are forked from this one."""
    patch_requeue()
    if not settings.broker:  # Celery would look for one on this machine, for ever
        raise SystemExit("BROKER_URL is not set, nor REDIS_URL: workers need one of them.")
    app = Celery("daybook", broker=settings.broker, set_as_current=False)
    app.conf.update(_configuration(settings))
    hands = WorkerRuntime(partial(_tools, settings))

    @app.task(name="sweep", queue="sweep")
    def sweep() -> None:
        for job in hands.sweep():
            app.send_task("run", [str(job.key), str(job.lease)], queue=_QUEUE_OF.get(job.kind, "jobs"))

    @app.task(name="run")
    def run(key: str, lease: str) -> None:
        hands.run(UUID(key), UUID(lease))

    @app.task(name="tidy", queue="sweep")
    def tidy() -> None:
        hands.tidy()

    def close(**_: Any) -> None:
        hands.close()

    signals.worker_process_shutdown.connect(close, weak=False)
    return app


def run_worker(settings: Settings, concurrency: int, queues: Sequence[str] = QUEUES) -> int:
    """Work until SIGTERM; what is in hand is finished first. The exit code."""
    worker = celery_of(settings).Worker(
        hostname=f"worker-{getpid()}@{gethostname()}",  # several on one machine are several
        concurrency=concurrency,
        queues=",".join(queues),
        loglevel=settings.log_level,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_beat(settings: Settings) -> None:
    """Ask for a sweep each second until SIGTERM. It remembers nothing, and several do no harm."""
    beat = celery_of(settings).Beat(
        scheduler="celery.beat.Scheduler", loglevel=settings.log_level, quiet=True, max_interval=TICK
    )
    beat.run()


def run_flower(settings: Settings, address: str, port: int) -> None:
    """Show workers and tasks, to who knows FLOWER_BASIC_AUTH; nothing can be changed there."""
    auth = settings.flower_basic_auth
    if auth is None:
        raise SystemExit("Flower needs FLOWER_BASIC_AUTH, as user:password.")
    arguments = [
        f"--address={address}",
        f"--port={port}",
        f"--basic-auth={auth.get_secret_value()}",
        "--read-only",
    ]
    celery_of(settings).start(["flower", *arguments])


def _configuration(settings: Settings) -> Mapping[str, Any]:
    """Tasks are acknowledged when done, and never wait in a worker; none has a time of its own (ETA)."""
    redis = settings.broker.startswith("redis")
    return {
        "beat_schedule": {
            "sweep": {"task": "sweep", "schedule": TICK},
            "tidy": {"task": "tidy", "schedule": TIDY},
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _over_redis(settings) if redis else {"confirm_publish": True},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
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
        # Done to the end: a message that comes again meanwhile shows a lease that is spent.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }


def _over_redis(settings: Settings) -> Mapping[str, Any]:
    """What a dead worker had in hand is back within seconds of the timeout."""
    return {
        "global_keyprefix": settings.redis_prefix,
        "visibility_timeout": settings.broker_visibility_timeout,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


async def _line(dsn: str, settings: Settings, stack: AsyncExitStack) -> WaitlistLine:
    """Who waits, and what is free: read models, without a cache."""
    engine = create_async_engine(alchemy(dsn), pool_size=2, pool_pre_ping=True)
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
    return WaitlistLine(reads, Availability(AvailabilityLoader(pool), reads))


@asynccontextmanager
async def _tools(settings: Settings) -> AsyncIterator[WorkerServices]:
    database = settings.database
    assert database is not None
    async with AsyncExitStack() as stack:
        store = postgres_store(database.dsn, settings.masters, pool_size=2, patience=settings.db_pool_timeout)
        assert isinstance(store.journal, PostgresJournal)
        stack.push_async_callback(store.journal.close)
        await store.journal.open()
        rows = await stack.enter_async_context(RowPool(database.dsn, size=2, patience=settings.db_pool_timeout))
        jobs = JobQueue(rows)
        mail = postman_of(settings, rows, store.keyring)
        line = await _line(database.dsn, settings, stack)
        letters = MessageBuilder(settings.public_url, settings.mail_from)
        channels = [EmailChannel(letters, mail, settings.public_url)]

        async def tidy() -> None:
            await jobs.forget()
            await rows.all(_KEYS_OLD)

        subscriptions = DeliveryProgress(rows, store.journal)
        post = await stack.enter_async_context(WebhookSender(settings.webhook_networks))
        courier = DeliveryServices(store, subscriptions, SigningSecrets(rows, store.keyring), post)
        redis = settings.redis_url.get_secret_value() if settings.redis_url else None
        limits = RateLimits(await store.keyring.secret("limits"), redis, settings.redis_prefix)
        stack.push_async_callback(limits.close)
        means = Means(
            store,
            mail,
            channels=channels,
            quiet=settings.quiet,
            line=line,
            courier=courier,
            limits=limits,
        )
        yield WorkerServices(jobs, means, tidy, subscriptions.wake)
