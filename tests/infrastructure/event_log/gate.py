"""Hold the log's gate, so that appends queue in front of it in an order that the test decides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from psycopg import AsyncConnection

from tests.support.waiting import PATIENCE

_QUEUED = "SELECT count(*) FROM pg_locks WHERE relation = 'log.gate'::regclass AND NOT granted"


class Gate:
    """The gate, watched; shut while somebody holds it."""

    def __init__(self, watcher: AsyncConnection, holder: AsyncConnection | None = None) -> None:
        self.watcher = watcher
        self._holder = holder

    async def queued(self) -> int:
        """How many appends wait in the database."""
        row = await (await self.watcher.execute(_QUEUED)).fetchone()
        assert row is not None
        return int(row[0])

    async def wait_for(self, appends: int) -> None:
        """Until exactly so many appends wait in the database."""
        async with asyncio.timeout(PATIENCE):
            while await self.queued() != appends:  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(0.005)

    async def open(self) -> None:
        """Let the queued appends through."""
        assert self._holder
        await self._holder.rollback()


@asynccontextmanager
async def watched_gate(owner_dsn: str) -> AsyncIterator[Gate]:
    """The gate as it is."""
    watcher = await AsyncConnection.connect(owner_dsn, autocommit=True)
    try:
        yield Gate(watcher)
    finally:
        await watcher.close()


@asynccontextmanager
async def shut_gate(owner_dsn: str) -> AsyncIterator[Gate]:
    """No append gets through until the gate is opened, or the block ends."""
    holder = await AsyncConnection.connect(owner_dsn)
    try:
        await holder.execute("LOCK TABLE log.gate IN EXCLUSIVE MODE")
        async with watched_gate(owner_dsn) as gate:
            yield Gate(gate.watcher, holder)
    finally:
        await holder.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition of this process."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  the code under test tells nobody
            await asyncio.sleep(0.005)
