"""How far this process knows the log, to notice when it is another: after a restore, a failover with loss."""

from collections.abc import Callable

import structlog

logger = structlog.get_logger(__name__)


class KnownHead:
    """The last seal that was seen, and an `epoch` that ends when the log turns out not to hold it."""

    def __init__(self) -> None:
        self.epoch = 0
        self.head: tuple[int, bytes] | None = None
        """Position and hash of the last seal that was seen."""
        self.on_end: Callable[[], None] = lambda: None

    def saw(self, position: int | None, seal: bytes | None) -> None:
        """The log ends with this seal; None while it is empty."""
        if position and seal and (self.head is None or position > self.head[0]):
            self.head = position, bytes(seal)

    def end(self, epoch: int) -> None:
        """What was known in this epoch is void."""
        if epoch == self.epoch:
            logger.error("the log is not the one known before", position=self.head and self.head[0])
            self.epoch += 1
            self.head = None
            self.on_end()
