"""Rate limits, counted in Redis for all processes; without Redis, in each process, at half the quota."""

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from application.rate_limit import RateLimit, TooManyRequests

PAUSE = 1.0  # seconds without requests to Redis after it failed
PATIENCE = 0.25  # seconds until Redis counts as unavailable
KNOWN = 30 * 86_400  # seconds for which a network counts as known to an account
MINUTE, HOUR, DAY = 60, 3_600, 86_400
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RateLimitWindow:
    """`quota` requests in `seconds`: from a network, about a subject, or both; or by an account.

    Windows of a subject do not apply to networks that the subject signed in from before: guessing from elsewhere
    locks out strangers, not the owner. Windows of an account count its requests from anywhere.
    """

    of: Literal["both", "network", "subject", "account"]
    quota: int
    seconds: int


# Several windows make the wait grow: a minute after 5 wrong passwords, an hour after 20, a day after 50.
_GUESSING = (
    RateLimitWindow("both", 5, MINUTE),
    RateLimitWindow("both", 20, HOUR),
    RateLimitWindow("both", 50, DAY),
)
POLICIES: Mapping[str, Sequence[RateLimitWindow]] = {
    "login": (
        *_GUESSING,
        RateLimitWindow("network", 30, MINUTE),
        RateLimitWindow("network", 300, HOUR),
        RateLimitWindow("subject", 50, HOUR),
        RateLimitWindow("subject", 200, DAY),
    ),
    "password": _GUESSING,
    "address": (
        RateLimitWindow("both", 5, HOUR),
        RateLimitWindow("network", 20, HOUR),
        RateLimitWindow("network", 100, DAY),
    ),
    "register": (
        RateLimitWindow("network", 20, HOUR),
        RateLimitWindow("network", 100, DAY),
        RateLimitWindow("subject", 5, HOUR),
    ),
    "forgot": (
        RateLimitWindow("network", 20, HOUR),
        RateLimitWindow("subject", 3, HOUR),
        RateLimitWindow("subject", 10, DAY),
    ),
    "reset": (RateLimitWindow("network", 20, HOUR), RateLimitWindow("network", 100, DAY)),
    "verify": (RateLimitWindow("network", 60, HOUR),),
    "hold": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 60, DAY)),
    "wait": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 60, DAY)),
    "guest_mail": (RateLimitWindow("subject", 10, DAY),),  # to an unverified address
    "webhook": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 100, DAY)),
}


class RateLimits:
    """Rate limits. `key`: subjects are stored as keyed hashes only. Without a URL, limits are per process."""

    def __init__(self, key: bytes, redis_url: str | None, prefix: str = "daybook:") -> None:
        self._key = key
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._pool = None if redis_url is None else _pool(redis_url)
        self._shared = None if self._pool is None else FixedWindowRateLimiter(_storage(self._pool, prefix))
        self._again = 0.0

    async def close(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.disconnect()

    async def take(self, policy: str, network: str, subject: str = "") -> RateLimit:
        shared = self._reachable()
        if shared is not None:
            try:
                return await self._take(shared, policy, network, subject, share=1)
            except StorageError as lost:
                self._pause(lost)
        return await self._take(self._own, policy, network, subject, share=2)

    async def forgive(self, policy: str, network: str, subject: str) -> None:
        shared = self._reachable()
        if shared is not None:
            try:
                await self._forgive(shared, policy, network, subject, share=1)
                return
            except StorageError as lost:
                self._pause(lost)
        await self._forgive(self._own, policy, network, subject, share=2)

    def _reachable(self) -> FixedWindowRateLimiter | None:
        return self._shared if time.monotonic() >= self._again else None

    def _pause(self, lost: StorageError) -> None:
        self._again = time.monotonic() + PAUSE
        logger.warning(
            "Redis unavailable: rate limits are per process, halved", outage="redis", error=str(lost.storage_error)
        )

    async def _take(
        self, limiter: FixedWindowRateLimiter, policy: str, network: str, subject: str, *, share: int
    ) -> RateLimit:
        known = bool(subject) and await limiter.storage.get(self._known(network, subject)) > 0
        windows = [each for each in POLICIES[policy] if not (known and each.of == "subject")]
        for window in windows:
            item, counter = _item(policy, window, share), self._counter(window, network, subject)
            if not await limiter.hit(item, counter):
                raise TooManyRequests(await _remaining(limiter, policy, item, counter))
        first = windows[0]
        return await _remaining(limiter, policy, _item(policy, first, share), self._counter(first, network, subject))

    async def _forgive(
        self, limiter: FixedWindowRateLimiter, policy: str, network: str, subject: str, *, share: int
    ) -> None:
        for window in POLICIES[policy]:
            item, counter = _item(policy, window, share), self._counter(window, network, subject)
            if window.of == "both":
                await limiter.clear(item, counter)
            else:
                await limiter.hit(item, counter, cost=-1)
        await limiter.storage.incr(self._known(network, subject), KNOWN)

    def _counter(self, window: RateLimitWindow, network: str, subject: str) -> str:
        counted = {"both": f"{network} {subject}", "network": network}.get(window.of, subject)
        return self._hidden(window.of, counted)

    def _known(self, network: str, subject: str) -> str:
        return f"known/{self._hidden('known', f'{network} {subject}')}"

    def _hidden(self, of: str, counted: str) -> str:
        return hmac.new(self._key, f"{of}:{counted}".encode("utf-8", "replace"), "sha256").hexdigest()[:32]


def _item(policy: str, window: RateLimitWindow, share: int) -> RateLimitItem:
    """A share of the quota, one at least."""
    return RateLimitItemPerSecond(max(1, window.quota // share), window.seconds, namespace=policy)


async def _remaining(limiter: FixedWindowRateLimiter, policy: str, item: RateLimitItem, counter: str) -> RateLimit:
    stats = await limiter.get_window_stats(item, counter)
    reset = max(1, ceil(stats.reset_time - time.time()))
    return RateLimit(policy, item.amount, item.get_expiry(), stats.remaining, min(reset, item.get_expiry()))


def _pool(url: str) -> ConnectionPool:
    """Connections that fail at once instead of waiting."""
    return ConnectionPool.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def _storage(pool: ConnectionPool, prefix: str) -> RedisStorage:
    return RedisStorage(
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix=f"{prefix}limits",
        connection_pool=pool,  # type: ignore[arg-type]  # documented, but not typed so
    )
