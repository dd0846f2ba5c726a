"""Denied requests on their way to the security log: counted at once, written later, a bounded number a minute."""

import asyncio
import contextlib
from collections import Counter
from types import TracebackType
from uuid import UUID

import psycopg
import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from psycopg_pool import PoolTimeout

from application.identity.security_log import SecurityLog
from projections.engine.cancellation import check_cancelled

EACH = 1.0  # seconds between writes
KINDS = 1_000  # different denials kept in memory
ROWS = 60  # a minute and process

Denial = tuple[str, UUID | None, str, str]
logger = structlog.get_logger(__name__)


class DeniedRequests:
    """Turns a flood of denials into few rows with counts: it can neither fill the disk nor slow a response."""

    def __init__(self, security: SecurityLog, *, rows: int = ROWS) -> None:
        self._security = security
        self._noted: Counter[Denial] = Counter()
        self._others = 0
        self._limit = RateLimitItemPerMinute(rows)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "DeniedRequests":
        self._task = asyncio.create_task(self._run(), name="denials")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(psycopg.OperationalError, PoolTimeout):
            await self.write()

    def note(self, kind: str, account_id: UUID | None, network: str, operation: str) -> None:
        """Count a denied request. Returns at once."""
        denial = kind, account_id, network, operation
        if denial in self._noted or len(self._noted) < KINDS:
            self._noted[denial] += 1
        else:
            self._others += 1

    async def write(self) -> None:
        """Write the counted denials; those above the limit share one row."""
        noted, self._noted = self._noted, Counter()
        for denial, times in noted.items():
            if not await self._limiter.hit(self._limit, "denials"):
                self._others += times
                continue
            kind, account_id, network, operation = denial
            await self._security.note(kind, account_id, network=network, operation=operation, times=times)
        if self._others and await self._limiter.hit(self._limit, "others"):
            others, self._others = self._others, 0
            await self._security.note("denied_others", times=others)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EACH)
            try:
                await self.write()
            except (psycopg.OperationalError, PoolTimeout) as lost:
                check_cancelled()
                logger.warning("cannot write denied requests to the security log", outage="postgresql", error=str(lost))
