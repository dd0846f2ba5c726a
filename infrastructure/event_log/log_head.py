"""The last seal that this process saw: detects a database that went back in time by a restore or a failover."""

from collections.abc import Callable

import structlog

logger = structlog.get_logger(__name__)


class KnownHead:
    """The last seal seen, and an `epoch` that ends when the log does not hold that seal any more."""

    def __init__(self) -> None:
        self.epoch = 0
        self.head: tuple[int, bytes] | None = None
        """Position and hash of the last seal seen."""
        self.on_end: Callable[[], None] = lambda: None

    def saw(self, position: int | None, seal: bytes | None) -> None:
        """The log ends with this seal; None while it is empty."""
        if position and seal and (self.head is None or position > self.head[0]):
            self.head = position, bytes(seal)

    def end(self, epoch: int, now_position: int | None = None) -> None:
        """Start another epoch, unless another caller did: everything read in this one is invalid."""
        if epoch == self.epoch:
            logger.error(
                "database went back in time (restored?): caches dropped",
                known_position=self.head and self.head[0],
                now_position=now_position,
            )
            self.epoch += 1
            self.head = None
            self.on_end()
