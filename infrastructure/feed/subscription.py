"""One follower of the feed: the messages that wait for it, and what it may read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from prometheus_client import Counter

from application.feed.ports import Follower, StreamedMessage

WAITING = 1_000  # messages that wait for one follower
AT_ONCE = 100  # messages that it takes at once

ENDED = Counter("daybook_feed_ended", "Streams of the feed that Daybook ended", ["reason"])


@dataclass(eq=False)
class Subscription:
    """The messages of one follower, at most WAITING of them. `tail`: the position of the tail now."""

    follower: Follower
    tail: Callable[[], int]
    position: int = 0
    scopes: frozenset[UUID] = frozenset()
    ended: str | None = None
    _waiting: deque[StreamedMessage] = field(default_factory=deque)
    _taken: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, message: StreamedMessage) -> None:
        """Add a message; a follower for whom too many wait is ended."""
        if self.ended is not None:
            return
        if len(self._waiting) >= WAITING:
            self.end("slow")
        else:
            self._waiting.append(message)
            self._woken.set()

    async def take(self, patience: float) -> Sequence[StreamedMessage]:
        if not self._waiting and self.ended is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._woken.wait()
            except TimeoutError:
                return []
        found = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        if found:
            self._taken = found[-1].position
        return found

    def end(self, reason: str) -> None:
        if self.ended is None:
            self.ended = reason
            ENDED.labels(reason).inc()
            self._waiting.clear()
            self._woken.set()

    @property
    def looked(self) -> int:
        """While messages wait, the last one that was taken; else as far as the tail."""
        known = max(self._taken, self.position)
        return known if self._waiting or self.ended else max(self.tail(), known)
