"""What a worker had in hand when Redis went away."""

from contextlib import suppress
from typing import Any

from kombu.transport import redis


class RequeueUnacked(redis.QoS):
    """Puts messages back when a channel is closed, if there is a connection left to do it by.

    Without one, kombu's own raises what Celery takes for the end of the worker, with all that is in hand.
    Nothing is lost by not putting them back: they are wake-ups, which are sent again in a second.
    """

    def restore_unacked_once(self, *arguments: Any, **named: Any) -> None:
        with suppress(AttributeError):  # the closed connection is None
            super().restore_unacked_once(*arguments, **named)


def patch_requeue() -> None:
    """For all channels of this process."""
    redis.Channel.QoS = RequeueUnacked
