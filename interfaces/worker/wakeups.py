"""Wake-ups in the broker: so many a queue and no more, whether anybody takes them or not."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler

BOUND = 4
"""Wake-ups that wait in a queue. A worker process that takes one does all that is due, so more are of no use."""


def waiting(app: Celery, queue: str) -> int:
    """How many messages wait in a queue of the broker. It is declared as Celery does, which changes nothing.

    Not passively: on Redis with a key prefix, kombu finds no queue then.
    """
    with app.connection_for_write() as connection:
        channel: Any = connection.channel()
        return int(channel.queue_declare(queue=queue, durable=True, auto_delete=False).message_count)


def send(app: Celery, queue: str) -> None:
    """Wake a worker that takes this queue's messages, unless as many as are of use wait there already."""
    if waiting(app, queue) < BOUND:
        app.send_task("walk", [queue], queue=queue)


class BoundedScheduler(Scheduler):
    """Beat sends nothing to a queue that nobody empties."""

    def apply_async(self, entry: ScheduleEntry, *arguments: Any, **named: Any) -> Any:
        if waiting(self.app, "sweep") >= BOUND:
            return None
        return super().apply_async(entry, *arguments, **named)
