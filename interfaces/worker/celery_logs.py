"""Celery's own lines as log events of Daybook: constant text, values as fields, and a level that fits."""

import logging

import psycopg
import structlog
from celery.apps import worker as celery_worker
from psycopg_pool import PoolTimeout

TASKS = "celery.app.trace"
OUTAGES = (psycopg.OperationalError, PoolTimeout, OSError)
CONSUMER = "celery.worker.consumer.consumer"
_UNREACHABLE = "consumer: Cannot connect to"
_log = structlog.get_logger("broker")


class BrokerOutages(logging.Filter):
    """Replaces Celery's multi-line error about an unreachable broker: the worker reconnects by itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith(_UNREACHABLE):
            return True
        cause = record.args[1] if isinstance(record.args, tuple) and len(record.args) > 1 else None
        _log.warning("broker unreachable, jobs wait; reconnecting", outage="broker", error=type(cause).__name__)
        return False


class TaskFailures(logging.Filter):
    """Replaces Celery's text about a task that failed, which holds the text of the exception, by a line of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        task = record.args.get("name") if isinstance(record.args, dict) else None
        if isinstance(getattr(error, "orig", error), OUTAGES):
            _log.warning(
                "task failed, database unavailable", outage="postgresql", task=task, error=type(error).__name__
            )
        else:
            _log.error("task crashed", outage=f"task {task}", task=task, exc_info=error)
        return False


def adopt_celery_logs() -> None:
    """Route Celery's lines through the log set-up. It would print its shutdown messages as raw text."""
    logger = logging.getLogger(CONSUMER)
    if not any(isinstance(each, BrokerOutages) for each in logger.filters):
        logger.addFilter(BrokerOutages())
    tasks = logging.getLogger(TASKS)
    if not any(isinstance(each, TaskFailures) for each in tasks.filters):
        tasks.addFilter(TaskFailures())
    celery_worker.safe_say = lambda *_: None  # type: ignore[attr-defined]
