"""Answers kept for the next who asks: in this process, then in Redis.

A kept answer is used only while nothing that it is made of has changed (see `versions`) and if its position
is not before the one asked for. Redis down, slow or flushed costs time, never truth: who has seen a position
and names it is never told less; who names none may be told, while the projector can't reach Redis, what was
true up to LEASE seconds ago, and reads so in the answer. Nothing is deleted and no newer answer replaced by
an older one; all runs out by itself. No decision about a booking comes here.
"""

import asyncio
import contextlib
import logging
import time
from types import TracebackType
from typing import NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from projections.availability.invalidation import PAUSE, key
from projections.availability.process_cache import ProcessCache
from projections.availability.response import PreparedAvailability

LASTS = 60  # seconds that an answer stays in Redis
LARGEST = 512 * 1024  # bytes of an answer that goes to Redis
AT_ONCE = 64  # answers on their way to Redis

# ARGV: what the names of answers begin with, the question, the least position.
# Gives the epoch, if one is in force, and the answer, if it holds.
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
# ARGV: as above the first two, the epoch in which the answer began to be made, its position, its ids, itself,
# milliseconds.
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

log = logging.getLogger(__name__)


class CacheEpochs(NamedTuple):
    """The epochs in which an answer began to be made: it is kept where that is still in force at the end."""

    near: bytes | None
    far: bytes | None


class AvailabilityCache:
    """Both levels. `async with` follows what changes; without it nothing is kept in the process."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._near = ProcessCache(redis, prefix)
        self._far = RedisCache(redis, prefix)
        self._task: asyncio.Task[None] | None = None
        self._storing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._near.follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in filter(None, (self._task, *self._storing)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def near(self, question: str, now: float, at_least: int | None) -> PreparedAvailability | None:
        """An answer at hand, if it holds at `now` (seconds since 1970) and is at `at_least` or past it."""
        return self._near.get(question, now, at_least)

    async def far(
        self, question: str, now: float, at_least: int | None
    ) -> tuple[PreparedAvailability | None, CacheEpochs]:
        """An answer from Redis, as `near`. To be asked before one is made, for what `keep` needs to know."""
        near = self._near.epoch
        epoch, kept = await self._far.get(question, at_least or 0)
        if kept is not None and kept.holds(now, at_least):
            self._near.put(question, kept, near)
            return kept, CacheEpochs(near, epoch)
        return None, CacheEpochs(near, epoch)

    def keep(self, question: str, prepared: PreparedAvailability, began: CacheEpochs) -> None:
        """Keep an answer at both levels; Redis gets it a little later."""
        self._near.put(question, prepared, began.near)
        if began.far is not None and prepared.size <= LARGEST and len(self._storing) < AT_ONCE:
            storing = asyncio.create_task(self._far.put(question, prepared, began.far))
            self._storing.add(storing)
            storing.add_done_callback(self._storing.discard)


class RedisCache:
    """Answers in Redis. When it fails or is slow, it is left alone for a while."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._versions = key(prefix)
        self._names = f"{prefix}answer:1:"  # the number goes up with the layout of Prepared.to_bytes
        self._get = redis.register_script(_GET)
        self._put = redis.register_script(_PUT)
        self._again = 0.0

    async def get(self, question: str, at_least: int) -> tuple[bytes | None, PreparedAvailability | None]:
        """The epoch in force, if any, and the answer, if it holds: one round trip."""
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
        """Store it, unless it is outdated, another epoch is in force, or there is one as new."""
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
        log.warning("no answers from Redis for %.0f s: %s", PAUSE, error)
