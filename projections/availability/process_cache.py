"""Answers cached in this process, as long as it receives invalidations."""

import asyncio
from collections import OrderedDict

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from projections.availability.invalidation import LEASE, MANY, Invalidation, key
from projections.availability.response import PreparedAvailability
from projections.engine.elapsed import elapsed

SIZE = 64 * 1024 * 1024  # bytes
PAUSE = 0.2  # seconds between attempts to connect

logger = structlog.get_logger(__name__)


class ProcessCache:
    """Trusted only while invalidations arrive, each LEASE at least. Empty at first and after any interruption."""

    def __init__(self, redis: Redis, prefix: str, size: int = SIZE) -> None:
        self._redis = redis
        self._key = key(prefix)
        self._limit = size
        self._size = 0
        self._answers: OrderedDict[str, PreparedAvailability] = OrderedDict()
        self._changes: dict[bytes, int] = {}
        self._floor = 0
        self._trusted_until = 0.0
        self.epoch: bytes | None = None

    def get(self, question: str, now: float, at_least: int | None) -> PreparedAvailability | None:
        """The valid cached answer to a question, if any; `now` in seconds since 1970."""
        cached = self._answers.get(question)
        if cached is None or elapsed() >= self._trusted_until:
            return None
        if not cached.holds(now, at_least) or self._outdated(cached):
            return None
        self._answers.move_to_end(question)
        return cached

    def put(self, question: str, prepared: PreparedAvailability, epoch: bytes | None) -> None:
        """Cache an answer, unless it was outdated meanwhile. `epoch`: in which the computation began."""
        if epoch is None or epoch != self.epoch or prepared.position < self._floor:
            return
        if self._outdated(prepared) or prepared.size > self._limit:
            return
        self._remove(question)
        self._answers[question] = prepared
        self._size += prepared.size
        while self._size > self._limit:
            self._remove(next(iter(self._answers)))

    async def follow(self) -> None:
        """Follow the invalidations, for ever; cancel it to stop."""
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self._key)
                    await self._receive(channel)
            except (RedisError, OSError) as lost:
                logger.warning("local answer cache is off", outage="redis", error=str(lost))
            finally:
                self.forget()
            await asyncio.sleep(PAUSE)

    def forget(self) -> None:
        """Trust nothing until the next invalidation."""
        self._begin(None, 0)
        self._trusted_until = 0.0

    async def _receive(self, channel: PubSub) -> None:
        while True:
            message = await channel.get_message(timeout=LEASE)
            if message is None or message["type"] == "subscribe":  # perhaps after a reconnection
                self.forget()
            elif message["type"] == "message":
                self._learn(Invalidation.from_bytes(message["data"]))

    def _learn(self, invalidation: Invalidation) -> None:
        now = elapsed()
        # After a silence too: invalidations sent meanwhile may arrive only after this one.
        if invalidation.epoch != self.epoch or now >= self._trusted_until or len(self._changes) > MANY:
            self._begin(invalidation.epoch, invalidation.upto)
        for id, position in invalidation.changes.items():
            self._changes[id] = max(position, self._changes.get(id, 0))
        self._trusted_until = now + LEASE

    def _begin(self, epoch: bytes | None, floor: int) -> None:
        """Start an epoch. Of earlier invalidations only this is known: none was past `floor`."""
        self.epoch, self._floor, self._size = epoch, floor, 0
        self._answers.clear()
        self._changes.clear()

    def _outdated(self, prepared: PreparedAvailability) -> bool:
        changes = self._changes
        return any(changes.get(id, 0) > prepared.position for id in prepared.ids)

    def _remove(self, question: str) -> None:
        cached = self._answers.pop(question, None)
        if cached is not None:
            self._size -= cached.size
