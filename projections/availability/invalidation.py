"""Cache invalidation: the projector publishes through Redis which calendars and services have changed.

The state is one hash: an `epoch`, its `floor`, `n`, the number of publications in it, and for each id touched
since then the position of the last event that touched it. One key exists as a whole or not at all: if it is
flushed, evicted or expired (the projector renews it each second), the epoch is gone with it. Where `n` shows that
Redis has lost what it acknowledged, and with each lead, another epoch begins.

An epoch begins with a floor beyond every answer. Then the log's head is read, and becomes the floor if the epoch
is still in force: whatever another publisher told before is not above it, and whatever that one tells later
begins an epoch of its own. Answers from before the floor are invalid, and later answers include all changes that
the hash does not name. An answer at position p is valid while its epoch lasts, if floor <= p and none of its ids
has changed past p.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.event_feed import HEAD

LEASE = 3.0  # seconds that an epoch lasts without a heartbeat
MANY = 100_000  # ids in an epoch, after which another begins
PAUSE = 1.0  # seconds in which a Redis that failed is not asked again
PATIENCE = 0.1  # seconds that Redis may take

_HEAD = text(f"SELECT {HEAD}")
_FRONT, _CHANGE = Struct("<16sq"), Struct("<16sq")

# ARGV: epoch, the number of what it has published, its floor if that is known now (else ''), lease, what to publish,
# then ids and positions.
# Positions never go down: projections that lag publish positions that others have published before.
_PUBLISH = """
local key = KEYS[1]
if redis.call('HGET', key, 'epoch') ~= ARGV[1] or redis.call('HGET', key, 'n') ~= ARGV[2] then
    return 0
end
redis.call('HINCRBY', key, 'n', 1)
if ARGV[3] ~= '' then
    redis.call('HSET', key, 'floor', ARGV[3])
end
for n = 6, #ARGV, 2 do
    local known = redis.call('HGET', key, ARGV[n])
    if not known or tonumber(known) < tonumber(ARGV[n + 1]) then
        redis.call('HSET', key, ARGV[n], ARGV[n + 1])
    end
end
redis.call('PEXPIRE', key, ARGV[4])
redis.call('PUBLISH', key, ARGV[5])
return 1
"""
# ARGV: epoch, lease. The floor is beyond every position of a log.
_BEGIN = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'floor', '9007199254740991', 'n', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

logger = structlog.get_logger(__name__)


class Invalidation(NamedTuple):
    """A published message. `upto`: the highest position published so far; `changes`: id -> position."""

    epoch: bytes
    upto: int
    changes: Mapping[bytes, int]

    def to_bytes(self) -> bytes:
        front = _FRONT.pack(self.epoch, self.upto)
        return front + b"".join(_CHANGE.pack(*change) for change in self.changes.items())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Invalidation":
        changes: Iterator[tuple[Any, ...]] = _CHANGE.iter_unpack(data[_FRONT.size :])
        epoch, upto = _FRONT.unpack_from(data)
        return cls(epoch, upto, dict(changes))


def connect(url: str) -> Redis:
    """A client that fails rather than wait."""
    return Redis.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def key(prefix: str) -> str:
    """The key of the versions, and the channel on which they are published."""
    return f"{prefix}versions"


class InvalidationPublisher:
    """The projector's side. Raises Redis' errors; after one the epoch counts as lost."""

    def __init__(self, redis: Redis, prefix: str, engine: AsyncEngine) -> None:
        self._key = key(prefix)
        self._engine = engine
        self._publish = redis.register_script(_PUBLISH)
        self._begin_epoch = redis.register_script(_BEGIN)
        self._lock = asyncio.Lock()
        self._epoch: bytes | None = None
        self._floor = self._upto = self._published = self._number = 0
        self._again = 0.0

    def lead_began(self) -> None:
        """Continue no epoch from before: its positions may be those of a log that a failover has lost."""
        self._epoch, self._floor, self._upto, self._again = None, 0, 0, 0.0

    async def before_commit(self, changed: Mapping[UUID, int]) -> None:
        """Ids -> the last position that touched them, in the page that is about to be committed.

        Before, not after: answers from the old snapshot are outdated before any query can see the new one.
        """
        async with self._lock:
            if self._epoch is None and time.monotonic() < self._again:
                return  # the entries that Redis still has run out with the lease
            if self._epoch is not None and max(changed.values()) <= self._floor:
                return  # answers that old are invalid anyway
            await self._publish_changes({id.bytes: position for id, position in changed.items()})

    async def heartbeat(self) -> None:
        """Renews the lease; begins an epoch where there is none, or another's."""
        async with self._lock:
            await self._publish_changes({})

    async def _publish_changes(self, changes: Mapping[bytes, int]) -> None:
        # After a failure the state of Redis is unknown, and only a new epoch helps.
        epoch, self._epoch = self._epoch, None
        self._again = time.monotonic() + PAUSE
        self._upto = max(self._upto, *changes.values(), 0)
        if epoch is not None and self._published + len(changes) <= MANY and await self._continue(epoch, changes):
            self._published += len(changes)
        else:
            epoch = await self._begin(changes)
        self._epoch = epoch

    async def _continue(self, epoch: bytes, changes: Mapping[bytes, int]) -> bool:
        return bool(await self._send(Invalidation(epoch, self._upto, changes), floor=""))

    async def _begin(self, changes: Mapping[bytes, int]) -> bytes | None:
        epoch, self._published, self._number = secrets.token_hex(8).encode(), len(changes), 0
        await self._begin_epoch(keys=[self._key], args=[epoch, int(LEASE * 1000)])
        async with self._engine.connect() as connection:
            self._floor = (await connection.execute(_HEAD)).scalar_one()
        self._upto = max(self._upto, self._floor)
        if not await self._send(Invalidation(epoch, self._upto, changes), floor=self._floor):
            # Another epoch has begun, whose floor is the head as of later. Its publisher will not name later pages of
            # this one, so the next page begins an epoch at once.
            self._again = 0.0
            return None
        logger.info("cache invalidated after restart", position=self._floor)
        return epoch

    async def _send(self, invalidation: Invalidation, floor: int | str) -> int:
        changes = [part for change in invalidation.changes.items() for part in change]
        front: list[bytes | str | int] = [invalidation.epoch, self._number, floor, int(LEASE * 1000)]
        told: int = await self._publish(keys=[self._key], args=[*front, invalidation.to_bytes(), *changes])
        self._number += told
        return told
