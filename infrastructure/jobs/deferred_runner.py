"""Carries errands out, in each API process: told at once of its own, looking each second for others'."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import structlog

from infrastructure.jobs.deferred_tasks import Errand, Errands

AT_ONCE = 4
EACH = 45.0  # seconds that one may take: less than its lease
POLL = 1.0  # seconds
PATIENCE = 5.0  # seconds for those in hand when it is time to stop

Carry = Callable[[UUID, str, Mapping[str, Any]], Awaitable[None]]
logger = structlog.get_logger(__name__)


class ErrandRunner:
    """A background task from enter to exit. `carry(id, kind, said)` does one errand; it may see it twice."""

    def __init__(self, errands: Errands, carry: Carry) -> None:
        self._errands = errands
        self._carry = carry
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ErrandRunner:
        self._task = asyncio.create_task(self._run(), name="errands")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._stopping = True
        self._errands.asked.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._task, PATIENCE)  # what it has to cancel is done again elsewhere

    async def _run(self) -> None:
        while not self._stopping:
            self._errands.asked.clear()
            if await self.sweep() == AT_ONCE:
                continue  # there may be more
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._errands.asked.wait(), POLL)

    async def sweep(self) -> int:
        """Carry out some that are due; how many."""
        try:
            taken = await self._errands.take(AT_ONCE)
            await asyncio.gather(*map(self._one, taken))
        except Exception as error:  # noqa: BLE001  the database may be away: it is tried again
            logger.warning("errands wait", error=type(error).__name__)
            return 0
        return len(taken)

    async def _one(self, errand: Errand) -> None:
        try:
            async with asyncio.timeout(EACH):
                if errand.said is not None:
                    await self._carry(errand.id, errand.kind, errand.said)
        except Exception as error:  # noqa: BLE001  whatever stands against one must not stop the others
            told = _told(error)
            logger.warning("errand failed", kind=errand.kind, attempts=errand.attempts, error=told)
            await self._errands.failed(errand, told)
        else:
            await self._errands.done(errand)


def _told(error: Exception) -> str:
    """Its kind, and a server's code: the words may name people."""
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
