"""Celery's own lines as log events of Daybook: constant text, values as fields, and a level that fits."""

import logging

import structlog
from celery.apps import worker as celery_worker

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


def adopt_celery_logs() -> None:
    """Route Celery's lines through the log set-up. It would print its shutdown messages as raw text."""
    logger = logging.getLogger(CONSUMER)
    if not any(isinstance(each, BrokerOutages) for each in logger.filters):
        logger.addFilter(BrokerOutages())
    celery_worker.safe_say = lambda *_: None  # type: ignore[attr-defined]
