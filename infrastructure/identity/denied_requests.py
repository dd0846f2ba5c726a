"""Denied requests on their way to the security log: noted at once, written later, and never too many."""

import asyncio
import contextlib
import logging
from collections import Counter
from types import TracebackType
from uuid import UUID

import psycopg
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from psycopg_pool import PoolTimeout

from application.ports import SecurityLog

EACH = 1.0  # seconds between writes
KINDS = 1_000  # different denials kept in memory
ROWS = 60  # a minute and process

Denial = tuple[str, UUID | None, str, str]
log = logging.getLogger(__name__)


class DeniedRequests:
    """A flood of denials becomes few rows that count: it can neither fill the disk nor slow an answer."""

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
        """One request was denied. Returns at once."""
        denial = kind, account_id, network, operation
        if denial in self._noted or len(self._noted) < KINDS:
            self._noted[denial] += 1
        else:
            self._others += 1

    async def write(self) -> None:
        """Write what was noted; what is too much is counted in one row with the others."""
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
                log.warning("denied requests are not in the security log: %s", lost)
