"""The availability cache: answers in this process, then in Redis.

A cached answer is used only while nothing that it is made of has changed (see `invalidation.py`) and if its
position is not before the one asked for. If Redis is down, slow or flushed, answers take longer but stay
correct: a request that names a position never gets an older answer. A request that names none may get, while
the projector can't reach Redis, an answer up to LEASE seconds old, and the answer states its age. Entries are
never deleted, only expire, and no newer answer is replaced by an older one. No booking is decided by the cache.
"""

import asyncio
import contextlib
import time
from types import TracebackType
from typing import NamedTuple, Self

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from projections.availability.invalidation import PAUSE, key
from projections.availability.process_cache import ProcessCache
from projections.availability.response import PreparedAvailability

LASTS = 60  # seconds that an answer stays in Redis
LARGEST = 512 * 1024  # bytes of an answer that goes to Redis
AT_ONCE = 64  # answers being stored in Redis

# ARGV: the prefix of the keys of answers, the question, the least position.
# Returns the epoch, if one is in force, and the answer, if it is valid.
_GET = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
local kept = redis.call('HMGET', ARGV[1] .. epoch .. ':' .. ARGV[2], 'position', 'ids', 'answer')
if not kept[1] or tonumber(kept[1]) < tonumber(ARGV[3]) then return {epoch} end
for n = 1, #kept[2], 16 do
    local changed = redis.call('HGET', KEYS[1], kept[2]:sub(n, n + 15))
    if changed and tonumber(changed) > tonumber(kept[1]) then return {epoch} end
end
return {epoch, kept[3]}
"""
# ARGV: the first two as above, the epoch in which the computation began, the answer's position, its ids, the
# answer, milliseconds.
_PUT = """
local state = redis.call('HMGET', KEYS[1], 'epoch', 'floor')
local position = tonumber(ARGV[4])
if state[1] ~= ARGV[3] or position < tonumber(state[2]) then return 0 end
for n = 1, #ARGV[5], 16 do
    local changed = redis.call('HGET', KEYS[1], ARGV[5]:sub(n, n + 15))
    if changed and tonumber(changed) > position then return 0 end
end
local name = ARGV[1] .. ARGV[3] .. ':' .. ARGV[2]
local kept = redis.call('HGET', name, 'position')
if kept and tonumber(kept) >= position then return 0 end
redis.call('HSET', name, 'position', ARGV[4], 'ids', ARGV[5], 'answer', ARGV[6])
redis.call('PEXPIRE', name, ARGV[7])
return 1
"""

logger = structlog.get_logger(__name__)


class CacheEpochs(NamedTuple):
    """The epochs in which a computation began: its answer is cached where the epoch is still in force."""

    process: bytes | None
    redis: bytes | None


class AvailabilityCache:
    """Both levels. `async with` follows the invalidations; without it the process caches nothing."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._process = ProcessCache(redis, prefix)
        self._redis = RedisCache(redis, prefix)
        self._task: asyncio.Task[None] | None = None
        self._storing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._process.follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in filter(None, (self._task, *self._storing)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def from_process(self, question: str, now: float, at_least: int | None) -> PreparedAvailability | None:
        """An answer cached in this process, valid at `now` (seconds since 1970) and not before `at_least`."""
        return self._process.get(question, now, at_least)

    async def from_redis(
        self, question: str, now: float, at_least: int | None
    ) -> tuple[PreparedAvailability | None, CacheEpochs]:
        """An answer from Redis, as `from_process`. Ask before computing one: `keep` needs the epochs."""
        before = self._process.epoch
        epoch, cached = await self._redis.get(question, at_least or 0)
        if cached is not None and cached.holds(now, at_least):
            self._process.put(question, cached, before)
            return cached, CacheEpochs(before, epoch)
        return None, CacheEpochs(before, epoch)

    def keep(self, question: str, prepared: PreparedAvailability, epochs: CacheEpochs) -> None:
        """Cache an answer at both levels; in Redis a little later."""
        self._process.put(question, prepared, epochs.process)
        if epochs.redis is not None and prepared.size <= LARGEST and len(self._storing) < AT_ONCE:
            storing = asyncio.create_task(self._redis.put(question, prepared, epochs.redis))
            self._storing.add(storing)
            storing.add_done_callback(self._storing.discard)


class RedisCache:
    """Answers in Redis. After a failure or a timeout, Redis is not asked for PAUSE seconds."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._versions = key(prefix)
        self._names = f"{prefix}answer:1:"  # the version of PreparedAvailability.to_bytes
        self._get = redis.register_script(_GET)
        self._put = redis.register_script(_PUT)
        self._again = 0.0

    async def get(self, question: str, at_least: int) -> tuple[bytes | None, PreparedAvailability | None]:
        """The epoch in force, if any, and the answer, if it is valid: one round trip."""
        if time.monotonic() < self._again:
            return None, None
        try:
            found: list[bytes] = await self._get(keys=[self._versions], args=[self._names, question, at_least])
        except (RedisError, OSError) as error:
            self._rest(error)
            return None, None
        answer = PreparedAvailability.from_bytes(found[1]) if len(found) > 1 else None
        return (found[0] if found else None), answer

    async def put(self, question: str, prepared: PreparedAvailability, epoch: bytes) -> None:
        """Store an answer, unless it is outdated, another epoch is in force, or one as new is there."""
        ids, answer = b"".join(prepared.ids), prepared.to_bytes()
        values: list[bytes | str | int] = [
            self._names,
            question,
            epoch,
            prepared.position,
            ids,
            answer,
            LASTS * 1000,
        ]
        try:
            await self._put(keys=[self._versions], args=values)
        except (RedisError, OSError) as error:
            self._rest(error)

    def _rest(self, error: Exception) -> None:
        self._again = time.monotonic() + PAUSE
        logger.warning("shared answer cache is off", outage="redis", error=str(error))
