"""Wake-ups in the broker: a bounded number in each queue, even if no worker takes them."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from prometheus_client import Counter

from interfaces.worker.monitors import ticked

_TICKS = Counter("daybook_beat_ticks", "Messages that beat sent, or held back because others wait", ["outcome"])
SENT, HELD_BACK = (_TICKS.labels(outcome) for outcome in ("sent", "held_back"))
BOUND = 4
"""The most wake-ups that wait in a queue. A process that takes one runs all due jobs, so more have no use."""


def waiting(app: Celery, queue: str) -> int:
    """The number of messages that wait in a queue of the broker.

    Declares the queue with Celery's own options. A passive declaration finds no queue on Redis with a key prefix.
    The connection is one that Celery keeps; the broker may have closed it, so that it is tried twice.
    """

    def declared(channel: Any) -> Any:
        return channel.queue_declare(queue=queue, durable=True, auto_delete=False)

    with app.connection_or_acquire() as connection:
        found, _ = connection.autoretry(declared, max_retries=1)()
    return int(found.message_count)


def send(app: Celery, queue: str) -> None:
    """Send a wake-up to a queue, unless BOUND messages wait there already."""
    if waiting(app, queue) < BOUND:
        app.send_task("walk", [queue], queue=queue)


class BoundedScheduler(Scheduler):
    """A beat that sends nothing while BOUND messages wait in the queue of sweeps."""

    def apply_async(self, entry: ScheduleEntry, *arguments: Any, **named: Any) -> Any:
        ticked.send(sender=self)
        if waiting(self.app, "sweep") >= BOUND:
            HELD_BACK.inc()
            return None
        SENT.inc()
        return super().apply_async(entry, *arguments, **named)
