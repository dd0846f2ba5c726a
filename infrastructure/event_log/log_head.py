"""The seals that a process knows the log by: they detect another log, after a restore or a failover with loss."""

from collections.abc import Callable, Collection

import structlog

logger = structlog.get_logger(__name__)

LogSeal = tuple[int, bytes]
"""Position and hash of a seal."""
HOLDS = """
    NOT EXISTS (
        SELECT FROM unnest(%b::bigint[], %b::bytea[]) k (upto, hash)
        WHERE (SELECT s.hash FROM log.seal s WHERE s.upto = k.upto) IS DISTINCT FROM k.hash)"""
"""Whether a log holds these seals, in SQL."""


class KnownHead:
    """All that was read in this `epoch` is in each log that holds these `seals`.

    Each read and each append asks whether the server holds the seals known when it was sent. Its head then stands for
    them, as they are before it in one chain. So there are no more seals than reads under way at once, and one.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.seals: frozenset[LogSeal] = frozenset()
        self.on_end: Callable[[], None] = lambda: None
        self.on_append: Callable[[int, int], None] = lambda *_: None
        """Called with the positions before an append of this process, and of its last event."""

    def saw(self, held: Collection[LogSeal], position: int | None, seal: bytes | None) -> None:
        """A log that ends with this seal (None: it is empty) holds all of `held`."""
        if position and seal:
            self.seals = self.seals.difference(held) | {(position, bytes(seal))}

    def end(self, epoch: int, now_position: int | None = None) -> None:
        """Start another epoch, unless another caller did: everything read in this one is invalid."""
        if epoch == self.epoch:
            logger.error(
                "database went back in time (restored?): caches dropped",
                known_position=max((position for position, _ in self.seals), default=None),
                now_position=now_position,
            )
            self.epoch += 1
            self.seals = frozenset()
            self.on_end()
