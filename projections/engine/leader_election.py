"""Leader election: one projector leads, the others stand by."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.pg_notify import connect

BEAT = 1.0  # seconds
LEASE = "3s"  # a leader that is silent for longer loses the lead: PostgreSQL ends its session
RETRY = 0.5  # seconds

PAGE_NAME = "daybook-projector-page"
"""The application_name of a connection while it writes a page of the live generation."""

_LEAD = 0x64617970726F6A  # advisory lock
_END_OLD_PAGES = f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '{PAGE_NAME}' AND datname = current_database() AND usename = current_user"""  # noqa: S608  a name of our own


class LeadershipLost(Exception):
    """Another process may lead now."""


class Leadership:
    """The lead, held as long as its holder sends a heartbeat to the database: run `keep`."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def keep(self) -> None:
        """Send a heartbeat each second, until cancelled; raises LeadershipLost."""
        while True:
            await asyncio.sleep(BEAT)
            await self.check()

    async def oust(self) -> None:
        """End the pages of former leaders: one that was paused in the middle of a page still holds its locks."""
        await self._connection.execute(_END_OLD_PAGES)

    async def check(self) -> None:
        """Raises LeadershipLost unless the lead is still held."""
        try:
            async with asyncio.timeout(2 * BEAT):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError) as gone:
            raise LeadershipLost(str(gone)) from gone


@asynccontextmanager
async def lead(engine: AsyncEngine) -> AsyncIterator[Leadership]:
    """Wait for the lead, then hold it until the block or this process ends.

    Raises psycopg.OperationalError when the database goes away meanwhile.
    """
    async with await connect(engine, "daybook-projector-lead") as connection:
        await connection.execute(f"SET idle_session_timeout = '{LEASE}'")
        # Polled: a statement that waits for the lock would hold up vacuum.
        while not await _won(connection):  # noqa: ASYNC110
            await asyncio.sleep(RETRY)
        leadership = Leadership(connection)
        await leadership.oust()
        yield leadership


async def _won(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LEAD])
    row = await cursor.fetchone()
    return row is not None and row[0]
