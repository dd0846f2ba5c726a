"""Answers kept in this process, as long as it hears what changes."""

import asyncio
import logging
import time
from collections import OrderedDict

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from projections.availability.invalidation import LEASE, MANY, Invalidation, key
from projections.availability.response import PreparedAvailability

SIZE = 64 * 1024 * 1024  # bytes
PAUSE = 0.2  # seconds between attempts to connect

log = logging.getLogger(__name__)


class ProcessCache:
    """Trusted only while news come in, each LEASE at least. Empty at first and after any break."""

    def __init__(self, redis: Redis, prefix: str, size: int = SIZE) -> None:
        self._redis = redis
        self._key = key(prefix)
        self._limit = size
        self._size = 0
        self._kept: OrderedDict[str, PreparedAvailability] = OrderedDict()
        self._changes: dict[bytes, int] = {}
        self._floor = 0
        self._trusted_until = 0.0
        self.epoch: bytes | None = None

    def get(self, question: str, now: float, at_least: int | None) -> PreparedAvailability | None:
        """What is kept for a question and holds; `now` in seconds since 1970."""
        kept = self._kept.get(question)
        if kept is None or time.monotonic() >= self._trusted_until:
            return None
        if not kept.holds(now, at_least) or self._outdated(kept):
            return None
        self._kept.move_to_end(question)
        return kept

    def put(self, question: str, prepared: PreparedAvailability, epoch: bytes | None) -> None:
        """Keep it, unless it was outdated meanwhile. `epoch`: the one in which it began to be made."""
        if epoch is None or epoch != self.epoch or prepared.position < self._floor:
            return
        if self._outdated(prepared) or prepared.size > self._limit:
            return
        self._remove(question)
        self._kept[question] = prepared
        self._size += prepared.size
        while self._size > self._limit:
            self._remove(next(iter(self._kept)))

    async def follow(self) -> None:
        """Hear what changes, for ever; cancel it to stop."""
        connected = True
        while True:
            try:
                async with self._redis.pubsub() as news:
                    await news.subscribe(self._key)
                    connected = True
                    await self._hear(news)
            except (RedisError, OSError) as lost:
                if connected:
                    log.warning("answers are not kept: %s", lost)
                connected = False
            finally:
                self.forget()
            await asyncio.sleep(PAUSE)

    def forget(self) -> None:
        """Trust nothing until the next news."""
        self._begin(None, 0)
        self._trusted_until = 0.0

    async def _hear(self, news: PubSub) -> None:
        while True:
            message = await news.get_message(timeout=LEASE)
            if message is None or message["type"] == "subscribe":  # perhaps anew, on another connection
                self.forget()
            elif message["type"] == "message":
                self._learn(Invalidation.from_bytes(message["data"]))

    def _learn(self, news: Invalidation) -> None:
        now = time.monotonic()
        # After a silence too: what waited in between may come only after this.
        if news.epoch != self.epoch or now >= self._trusted_until or len(self._changes) > MANY:
            self._begin(news.epoch, news.upto)
        for id, position in news.changes.items():
            self._changes[id] = max(position, self._changes.get(id, 0))
        self._trusted_until = now + LEASE

    def _begin(self, epoch: bytes | None, floor: int) -> None:
        """What was published before is known only so far that it was not past `floor`."""
        self.epoch, self._floor, self._size = epoch, floor, 0
        self._kept.clear()
        self._changes.clear()

    def _outdated(self, prepared: PreparedAvailability) -> bool:
        changes = self._changes
        return any(changes.get(id, 0) > prepared.position for id in prepared.ids)

    def _remove(self, question: str) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._size -= kept.size
