"""Lets a worker survive the loss of its Redis connection."""

from contextlib import suppress
from typing import Any

from kombu.transport import redis


class RequeueUnacked(redis.QoS):
    """Requeues unacknowledged messages when a channel closes, if it still has a connection.

    Without a connection, kombu's own method raises an exception that ends the Celery worker with its running jobs.
    No job is lost: the messages are wake-ups, and the next sweep sends new ones.
    """

    def restore_unacked_once(self, *arguments: Any, **named: Any) -> None:
        with suppress(AttributeError):  # the closed connection is None
            super().restore_unacked_once(*arguments, **named)


def patch_requeue() -> None:
    """Use RequeueUnacked for all channels of this process."""
    redis.Channel.QoS = RequeueUnacked
