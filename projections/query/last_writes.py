"""Last writes: up to which position each account has written, as far as this process has heard.

A process knows its own writes at once, and hears those of other processes through Redis. It is a courtesy: without
Redis, or in the moment before the news arrive, an answer of another process may be from before the write.
"""

import asyncio
import contextlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from struct import Struct
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

LASTS = 10.0  # seconds: a projection that is later than that is in trouble, and is not waited for
MOST = 100_000  # accounts
PAUSE = 1.0  # seconds in which a Redis that failed is not used again
SENDER = 8  # bytes
_WRITE = Struct("<16sq")

logger = structlog.get_logger(__name__)


class LastWrites:
    """The last write of each account. `async with` tells other processes, and hears them."""

    def __init__(self, redis: Redis | None = None, prefix: str = "") -> None:
        self._redis, self._channel = redis, f"{prefix}writes"
        self._sender = secrets.token_bytes(SENDER)
        self._known: OrderedDict[UUID, tuple[int, float]] = OrderedDict()
        self._untold: dict[UUID, int] = {}
        self._telling: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._redis is not None:
            self._following = asyncio.create_task(self._follow(self._redis))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in (self._following, self._telling):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def of(self, account: UUID | None) -> int | None:
        """The position of an account's write in the last seconds, if it is known."""
        known = self._known.get(account) if account is not None else None
        return known[0] if known is not None and known[1] > time.monotonic() else None

    def note(self, account: UUID, position: int) -> None:
        """An account has written; other processes hear of it in a moment."""
        self._learn([(account, position)])
        if self._following is not None:
            self._untold[account] = position
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell())

    def _learn(self, writes: Iterable[tuple[UUID, int]]) -> None:
        now = time.monotonic()
        for account, position in writes:
            earlier = self._known.pop(account, (0, 0.0))[0]
            self._known[account] = max(earlier, position), now + LASTS
        while self._known and (len(self._known) > MOST or next(iter(self._known.values()))[1] <= now):
            self._known.popitem(last=False)

    async def _tell(self) -> None:
        """Publish what is untold; what is written meanwhile makes the next message."""
        assert self._redis is not None
        while self._untold:
            writes, self._untold = self._untold, {}
            message = self._sender + b"".join(_WRITE.pack(*_packed(each)) for each in writes.items())
            try:
                await self._redis.publish(self._channel, message)
            except (RedisError, OSError) as error:
                logger.warning("other processes do not hear of writes", outage="redis", error=str(error))
                await asyncio.sleep(PAUSE)

    async def _follow(self, redis: Redis) -> None:
        while True:
            try:
                async with redis.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    await self._receive(channel)
            except (RedisError, OSError) as error:
                logger.warning("writes of other processes are unknown", outage="redis", error=str(error))
            await asyncio.sleep(PAUSE)

    async def _receive(self, channel: PubSub) -> None:
        while True:
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=PAUSE)
            if message is not None and not message["data"].startswith(self._sender):
                writes = _WRITE.iter_unpack(message["data"][SENDER:])
                self._learn((UUID(bytes=account), position) for account, position in writes)


def _packed(write: tuple[UUID, int]) -> tuple[bytes, int]:
    account, position = write
    return account.bytes, position
