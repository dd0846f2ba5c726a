"""Rate limits, counted in Redis for all processes; without Redis, in each process, at half the quota."""

import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from application.rate_limit import RateLimit, TooManyRequests

PAUSE = 1.0  # seconds without requests to Redis after it failed
PATIENCE = 0.25  # seconds until Redis counts as unavailable
KNOWN = 30 * 86_400  # seconds for which a network counts as known to an account
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_UNDO = "if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then return redis.call('DECR', KEYS[1]) end"
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
    "refresh": (RateLimitWindow("subject", 20, MINUTE), RateLimitWindow("network", 600, MINUTE)),
    "reset": (RateLimitWindow("network", 20, HOUR), RateLimitWindow("network", 100, DAY)),
    "verify": (RateLimitWindow("network", 60, HOUR),),
    "hold": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 60, DAY)),
    "wait": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 60, DAY)),
    "page": (RateLimitWindow("network", 120, MINUTE), RateLimitWindow("network", 1_200, HOUR)),
    "guest_mail": (RateLimitWindow("subject", 10, DAY),),  # to an unverified address
    "text": (RateLimitWindow("account", 250_000, DAY),),  # bytes of a customer
    "staff_text": (RateLimitWindow("account", 10_000_000, DAY),),  # bytes
    "invite": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 60, DAY)),
    "webhook": (RateLimitWindow("account", 20, HOUR), RateLimitWindow("account", 100, DAY)),
}


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a request counted: `guesses`, which a right one clears, and `others`, which it uncounts."""

    shared: bool
    guesses: Sequence[str]
    others: Sequence[str]
    known: str


class RateLimits:
    """Rate limits. `key`: subjects are stored as keyed hashes only. Without a URL, limits are per process."""

    def __init__(self, key: bytes, redis_url: str | None, prefix: str = "daybook:") -> None:
        self._key = key
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._pool = None if redis_url is None else _pool(redis_url)
        self._prefix = f"{prefix}limits"
        self._shared = None if self._pool is None else FixedWindowRateLimiter(_storage(self._pool, self._prefix))
        self._undo = Redis(connection_pool=self._pool).register_script(_UNDO)
        self._again = 0.0

    async def close(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.disconnect()

    async def take(self, policy: str, network: str, subject: str = "", cost: int = 1) -> RateLimit:
        shared = self._reachable()
        if shared is not None:
            try:
                return await self._take(shared, policy, (network, subject), share=1, cost=cost)
            except StorageError as lost:
                self._pause(lost)
        return await self._take(self._own, policy, (network, subject), share=2, cost=cost)

    async def forgive(self, taken: RateLimit) -> None:
        counted = taken.counted
        assert isinstance(counted, _Counted)
        limiter = self._reachable() if counted.shared else self._own
        if limiter is None:
            return  # Redis forgets what it counted when the window ends
        try:
            await self._forgive(limiter, counted)
        except (StorageError, RedisError) as lost:
            self._pause(lost)

    def _reachable(self) -> FixedWindowRateLimiter | None:
        return self._shared if time.monotonic() >= self._again else None

    def _pause(self, lost: StorageError | RedisError) -> None:
        self._again = time.monotonic() + PAUSE
        cause = lost.storage_error if isinstance(lost, StorageError) else lost
        logger.warning("Redis unavailable: rate limits are per process, halved", outage="redis", error=str(cause))

    async def _take(
        self, limiter: FixedWindowRateLimiter, policy: str, of: tuple[str, str], *, share: int, cost: int
    ) -> RateLimit:
        network, subject = of
        known = bool(subject) and await limiter.storage.get(self._known(network, subject)) > 0
        windows = [each for each in POLICIES[policy] if not (known and each.of == "subject")]
        counters = [(_item(policy, each, share), self._counter(each, network, subject)) for each in windows]
        for item, counter in counters:
            if not await limiter.hit(item, counter, cost=cost):
                raise TooManyRequests(await _remaining(limiter, policy, item, counter))
        state = await _remaining(limiter, policy, *counters[0])
        keys = [(each.of == "both", item.key_for(of)) for each, (item, of) in zip(windows, counters, strict=True)]
        guesses, others = ([key for both, key in keys if both is which] for which in (True, False))
        return replace(state, counted=_Counted(share == 1, guesses, others, self._known(network, subject)))

    async def _forgive(self, limiter: FixedWindowRateLimiter, counted: "_Counted") -> None:
        for key in counted.guesses:
            await limiter.storage.clear(key)
        for key in counted.others:
            if isinstance(limiter.storage, MemoryStorage):
                await limiter.storage.decr(key)  # not below zero
            else:
                await self._undo(keys=[f"{self._prefix}:{key}"])
        await limiter.storage.incr(counted.known, KNOWN)

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
        key_prefix=prefix,
        connection_pool=pool,  # type: ignore[arg-type]  # documented, but not typed so
    )
