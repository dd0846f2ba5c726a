"""Composition root of the worker: the tasks of the Celery app, and their services."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from math import ceil
from os import getpid, getppid
from socket import gethostname
from typing import Any

from celery import Celery, signals
from prometheus_client import Gauge
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from application.audit.ledger_verification import verification_handlers
from application.booking.closing_jobs import booking_handlers
from application.booking.ending_jobs import ending_handlers
from application.booking.waitlist_matching import WaitlistServices, waitlist_handlers
from application.ending import EndingServices
from application.identity.account_mail import AccountMailServices, account_handlers
from application.jobs.dispatch import KINDS
from application.jobs.job import JobHandlers
from application.notifications.agenda import AgendaServices, agenda_handlers
from application.notifications.invitation_mail import InvitationServices, invitation_handlers
from application.notifications.links import KEY as LINKS
from application.notifications.links import Links
from application.notifications.mail import Mailer
from application.notifications.notice_jobs import NoticeServices, notice_handlers
from application.notifications.quiet_hours import QuietHours
from application.notifications.waitlist_notice import waitlist_notice_handlers
from application.orphans.hours_check import HoursCheckServices, hours_check_handlers
from application.people.erasure import ErasureServices, erasure_handlers
from application.webhooks.delivery import DeliveryServices, webhook_handlers
from infrastructure.agendas import AgendaReadModel
from infrastructure.database.analyst_sessions import end_analysts
from infrastructure.database.engines import named_engine, replace_closed
from infrastructure.database.pool_waits import INDEX_PLANS
from infrastructure.database.row_pool import RowPool
from infrastructure.database.timeouts import limited
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.postgres_journal import PostgresJournal, postgres_store
from infrastructure.identity.email_verifications import Verifications
from infrastructure.identity.one_time_tokens import OneTimeTokens
from infrastructure.identity.rate_limits import RateLimits
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.jobs.enrolment import Enrolment
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.jobs.walker import AT_ONCE, JobWalker
from infrastructure.ledger.nightly import report_verification
from infrastructure.ledger.verification_steps import LedgerVerifications
from infrastructure.mail.calendar_host import calendar_host
from infrastructure.mail.email_channel import EmailChannel
from infrastructure.mail.mailer import SentMails, messages_of, postman_of
from infrastructure.observability.logger import flush_log
from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.privacy.account_erasure import AccountData, ErasedPersonsFile
from infrastructure.privacy.obligations import AheadReader, ObligationsReader
from infrastructure.settings import Settings
from infrastructure.upcoming import UpcomingReader
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.signing_secrets import SigningSecrets
from interfaces.request_id import work_for
from interfaces.worker.celery_app import QUEUES, SWEEPS, broker_app
from interfaces.worker.monitors import watch_tasks
from interfaces.worker.redis_requeue import patch_requeue
from interfaces.worker.runtime import WorkerRuntime, WorkerServices
from interfaces.worker.wakeups import BOUND, send
from projections.availability.loader import AvailabilityLoader
from projections.availability.queries import Availability
from projections.availability.waitlist_line import WaitlistLine
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots

_QUEUE_OF = {kind: queue for queue, kinds in KINDS.items() for kind in kinds}
TAKEN = Gauge("daybook_worker_queues", "Workers that take messages of a queue", ["queue"], multiprocess_mode="livesum")
_KEYS_OLD = "SELECT log.prune_keys(interval '2 days')"


def celery_of(settings: Settings) -> Celery:
    """The Celery app with its four tasks. It opens no connections: worker processes are forked from this one."""
    patch_requeue()
    app = broker_app(settings)
    assert settings.database is not None
    _register_tasks(app, WorkerRuntime(partial(_services, settings)))
    _register_verification(app, settings.database.dsn)
    if settings.sentry_dsn is not None:
        from infrastructure.observability.sentry import Monitors

        watch_tasks(Monitors().check_in)
    return app


def _register_verification(app: Celery, dsn: str) -> None:
    @app.task(name="verify", queue=SWEEPS)
    def verify() -> None:
        asyncio.run(report_verification(dsn))


def _register_tasks(app: Celery, runtime: WorkerRuntime) -> None:
    worker = getpid()

    @app.task(name="sweep", queue=SWEEPS)
    def sweep() -> None:
        for queue, due in runtime.sweep().items():
            for _ in range(min(BOUND, ceil(due / AT_ONCE))):
                send(app, queue)

    @app.task(name="walk")
    def walk(queue: str) -> None:
        if runtime.walk(queue):
            send(app, queue)

    @app.task(name="tidy", queue=SWEEPS)
    def tidy() -> None:
        runtime.tidy()

    def close(**_: Any) -> None:
        if getppid() == worker:  # else the worker was killed: the leases lapse, and another worker does its jobs
            runtime.close()
            flush_log()

    signals.worker_process_shutdown.connect(close, weak=False)


def run_worker(settings: Settings, concurrency: int, queues: Sequence[str] = QUEUES) -> int:
    """Run until SIGTERM, and finish running jobs. Returns the exit code. Exits with 2 for an unknown queue."""
    for queue in queues:
        if queue not in QUEUES:
            sys.stderr.write(f'Unknown queue "{queue}". Queues: {", ".join(QUEUES)}.\n')
            raise SystemExit(2)
    for queue in queues:
        TAKEN.labels(queue).set(1)
    worker = celery_of(settings).Worker(
        hostname=f"worker-{getpid()}@{gethostname()}",  # several workers on one machine need different names
        concurrency=concurrency,
        queues=",".join(queues),
        loglevel=settings.log_level,
        quiet=True,
    )
    gc.collect()
    gc.freeze()  # the processes that Celery forks share this memory as long as no collection touches it
    worker.start()
    return int(worker.exitcode or 0)


async def _reads(dsn: str, settings: Settings, stack: AsyncExitStack) -> tuple[Snapshots, WaitlistLine]:
    """The read models, and the waitlist line, which computes free starts without a cache."""
    patience = settings.db_pool_timeout
    engine = named_engine(dsn, "daybook-worker-reads", patience=patience, pool_size=2)
    replace_closed(engine)
    stack.push_async_callback(engine.dispose)
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        dsn,
        min_size=0,
        max_size=2,
        timeout=patience,
        open=False,
        connection_class=limited(patience),
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
    async with _rows(settings) as rows, AsyncExitStack() as stack:
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
        yield WorkerServices(Enrolment(rows), walkers, due, progress.wake, tidy, partial(end_analysts, rows))


def _rows(settings: Settings) -> RowPool:
    assert settings.database is not None
    return RowPool(settings.database.dsn, size=4, patience=settings.db_pool_timeout, session=INDEX_PLANS)


def _walker(queue: JobQueue, handlers: JobHandlers, kinds: Sequence[str]) -> JobWalker:
    return JobWalker(queue, {kind: handlers[kind] for kind in kinds}, about=work_for)


async def _notices(
    settings: Settings, store: EventStore, rows: RowPool, mail: Mailer, links: Links, stack: AsyncExitStack
) -> NoticeServices:
    """What the notices to people need."""
    redis = settings.redis_url.get_secret_value() if settings.redis_url else None
    limits = RateLimits(await store.keyring.secret("limits"), redis, settings.redis_prefix)
    stack.push_async_callback(limits.close)
    channel = EmailChannel(messages_of(settings), mail, links, await calendar_host(rows, settings.public_url))
    jobs = JobEnqueuer(rows, store.keyring)
    quiet = QuietHours.read(settings.quiet_hours)
    return NoticeServices(store, channels=[channel], quiet=quiet, limits=limits, jobs=jobs)


async def _handlers(
    settings: Settings, store: EventStore, rows: RowPool, progress: DeliveryProgress, stack: AsyncExitStack
) -> JobHandlers:
    """The handlers of all kinds of jobs."""
    assert settings.database is not None
    mail = postman_of(settings, rows, store.keyring)
    reads, line = await _reads(settings.database.dsn, settings, stack)
    links = Links(settings.public_url, await store.keyring.secret(LINKS))
    notices = await _notices(settings, store, rows, mail, links, stack)
    post = await stack.enter_async_context(WebhookSender(settings.webhook_networks))
    codes = Verifications(rows, store.keyring), OneTimeTokens(rows)
    erased = AccountData(rows), ErasedPersonsFile(settings.forgotten_file)
    return {
        **booking_handlers(store),
        **waitlist_handlers(WaitlistServices(store, line)),
        **notice_handlers(notices),
        **waitlist_notice_handlers(notices),
        **webhook_handlers(DeliveryServices(store, progress, SigningSecrets(rows, store.keyring), post)),
        **agenda_handlers(AgendaServices(store, AgendaReadModel(reads), mail, SentMails(rows, store.keyring), links)),
        **account_handlers(AccountMailServices(store, mail, *codes)),
        **invitation_handlers(InvitationServices(store, mail, links)),
        **erasure_handlers(ErasureServices(store, ObligationsReader(reads), *erased)),
        **ending_handlers(EndingServices(store, AheadReader(reads))),
        **hours_check_handlers(HoursCheckServices(store, UpcomingReader(reads))),
        **verification_handlers(LedgerVerifications(rows, settings.database.dsn)),
    }
