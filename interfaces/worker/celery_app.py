"""The Celery app without its tasks, which beat and Flower need: they load none of the services, and stay small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from celery import Celery
from celery.schedules import crontab
from kombu import Exchange, Queue

from application.jobs.dispatch import KINDS
from interfaces.worker.celery_logs import adopt_celery_logs

TICK = 1  # seconds between sweeps
VERIFY = crontab(hour="3", minute="23")  # each night, UTC
TIDY = crontab(minute="17")  # each hour, even if beat restarts often
SWEEPS = "sweep"
"""The queue of beat's messages. Beat knows no tasks, so that each message names its queue."""
QUEUES = (SWEEPS, *KINDS)
"""The queues of the broker. A worker takes messages of its queues in turns."""
FLOWER_BOUNDS = "--max-tasks=1000", "--max-workers=100", "--purge-offline-workers=300"


class BrokerSettings(Protocol):
    """The settings that lead to the broker."""

    @property
    def broker(self) -> str: ...
    @property
    def broker_visibility_timeout(self) -> int: ...
    @property
    def redis_prefix(self) -> str: ...
    @property
    def log_level(self) -> str: ...


def broker_app(settings: BrokerSettings) -> Celery:
    """The Celery app of the broker. Exits without one."""
    adopt_celery_logs()
    if not settings.broker:  # Celery would try the local machine for ever
        raise SystemExit("BROKER_URL is not set, nor REDIS_URL: workers need one of them.")
    app = Celery("daybook", broker=settings.broker, set_as_current=False)
    app.conf.update(_configuration(settings))
    return app


def workers_of_queues(settings: BrokerSettings, patience: float = 3.0) -> Mapping[str, int]:
    """The number of workers that take each queue, as they answer through the broker within so many seconds."""
    app = broker_app(settings)
    answers = app.control.inspect(timeout=patience).active_queues() or {}
    taken = Counter(queue["name"] for queues in answers.values() for queue in queues)
    return {queue: taken[queue] for queue in QUEUES}


def run_beat(settings: BrokerSettings) -> None:
    """Ask for a sweep each second until SIGTERM. Beat stores nothing, and several beats do no harm."""
    beat = broker_app(settings).Beat(
        scheduler="interfaces.worker.wakeups:BoundedScheduler",
        loglevel=settings.log_level,
        quiet=True,
        max_interval=TICK,
    )
    beat.run()


def run_flower(settings: BrokerSettings, password: str | None, address: str, port: int) -> None:
    """Serve Flower, which shows workers and tasks read-only. It asks for the `password`, as user:password."""
    if password is None:
        raise SystemExit("Flower needs FLOWER_BASIC_AUTH, as user:password.")
    arguments = [
        f"--address={address}",
        f"--port={port}",
        f"--basic-auth={password}",
        "--read-only",
        *FLOWER_BOUNDS,
    ]
    broker_app(settings).start(["flower", *arguments])


def _configuration(settings: BrokerSettings) -> Mapping[str, Any]:
    """Celery's settings. A message is a wake-up without a time of its own (ETA); the next sweep replaces a lost one."""
    redis = settings.broker.startswith("redis")
    return {
        "beat_schedule": {
            "sweep": {"task": "sweep", "schedule": TICK, "options": {"queue": SWEEPS}},
            "tidy": {"task": "tidy", "schedule": TIDY, "options": {"queue": SWEEPS}},
            "verify": {"task": "verify", "schedule": VERIFY, "options": {"queue": SWEEPS}},
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


def _over_redis(settings: BrokerSettings) -> Mapping[str, Any]:
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
