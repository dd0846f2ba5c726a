"""One projector leads, the others stand by."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.pg_notify import connect

BEAT = 1.0  # seconds
PATIENCE = "3s"  # the database takes the lead from a leader that has been silent for so long
TRY_AGAIN = 0.5  # seconds

PAGE_NAME = "daybook-projector-page"
"""What a connection is called in pg_stat_activity while it writes a page of the live generation."""

_LEAD = 0x64617970726F6A  # advisory lock
_OUST = f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '{PAGE_NAME}' AND datname = current_database() AND usename = current_user"""  # noqa: S608  a name of our own

log = logging.getLogger(__name__)


class LeadershipLost(Exception):
    """Another may lead now."""


class Leadership:
    """Held as long as the database hears from its holder: `keep` it."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def keep(self) -> None:
        """Beat each second, until cancelled; raises LostLead."""
        while True:
            await asyncio.sleep(BEAT)
            await self.check()

    async def check(self) -> None:
        """Raises LostLead unless the lead is still held."""
        try:
            async with asyncio.timeout(2 * BEAT):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError) as gone:
            raise LeadershipLost(str(gone)) from gone


@asynccontextmanager
async def lead(engine: AsyncEngine) -> AsyncIterator[Leadership]:
    """Wait for the lead, then have it; it is free as soon as the block ends, or this process does.

    Raises psycopg.OperationalError when the database goes away meanwhile.
    """
    async with await connect(engine, "daybook-projector-lead") as connection:
        await connection.execute(f"SET idle_session_timeout = '{PATIENCE}'")
        # Asked again and again: a statement that waits for the lock would hold up vacuum.
        while not await _won(connection):  # noqa: ASYNC110
            await asyncio.sleep(TRY_AGAIN)
        # A leader that was paused in the middle of a page still holds the bookmarks.
        await connection.execute(_OUST)
        yield Leadership(connection)


async def _won(connection: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LEAD])
    row = await cursor.fetchone()
    return row is not None and row[0]
