"""Celery's lines keep to the form of all others."""

import logging

from celery.apps import worker
from celery.worker.consumer.consumer import CONNECTION_ERROR
from structlog.testing import capture_logs

from interfaces.worker.celery_logs import CONSUMER, adopt_celery_logs


def test_an_unreachable_broker_is_a_warning_with_constant_text_and_no_address(caplog) -> None:
    adopt_celery_logs()
    adopt_celery_logs()
    with capture_logs() as lines, caplog.at_level(logging.DEBUG):
        logging.getLogger(CONSUMER).error(
            CONNECTION_ERROR, "redis://:secret@localhost:1//", ConnectionRefusedError("refused"), "later"
        )
        logging.getLogger(CONSUMER).warning("another line")
    assert lines == [
        {
            "event": "broker unreachable, jobs wait; reconnecting",
            "outage": "broker",
            "error": "ConnectionRefusedError",
            "log_level": "warning",
        }
    ]
    assert caplog.messages == ["another line"]


def test_shutdown_messages_are_not_printed_as_raw_text(capfd) -> None:
    adopt_celery_logs()
    worker.safe_say("worker: Warm shutdown (MainProcess)")
    assert capfd.readouterr() == ("", "")
