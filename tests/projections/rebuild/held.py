"""`daybook rebuild` in a process of its own, which gets on by a page only when a test lets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.settings import SAMPLE_MASTER_KEY
from projections.engine.event_feed import PAGE
from tests.conftest import Database
from tests.projections.conftest import recorded
from tests.projections.story import a_customer
from tests.support.instances import Process, clean_environment, eventually
from tests.support.waiting import PATIENCE

_HELD = "SELECT position FROM read.bookmark WHERE generation > %s AND reader = 'account' FOR UPDATE"
_LIVE = "SELECT generation FROM read.live"


async def a_history(database: Database, pages: int) -> None:
    """Events for so many pages of a rebuild, and a few more."""
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()
    for _ in range(pages):
        await recorded(journal, *(a_customer() for _ in range(PAGE)))
    await recorded(journal, *(a_customer() for _ in range(600)))  # the last page is not near the head
    await journal.close()


@dataclass
class HeldRebuild:
    """A rebuild that waits at a page. `position`: up to which it has read."""

    process: Process
    connection: AsyncConnection
    live: int
    position: int = -1

    async def step(self) -> None:
        """Let it get on to a later page."""
        before = self.position

        async def moved() -> bool:
            await self.connection.rollback()
            cursor = await self.connection.execute(_HELD, [self.live])
            row = await cursor.fetchone()
            self.position = before if row is None else row[0]
            return self.position > before

        await eventually(moved)

    async def finish(self) -> None:
        """Let it run to its end."""
        await self.connection.rollback()

        async def done() -> bool:
            return self.process.process.poll() is not None

        await eventually(done)
        assert self.process.process.returncode == 0, self.process.said


@asynccontextmanager
async def held_rebuild(database: Database, folder: Path) -> AsyncIterator[HeldRebuild]:
    """Begun on the command line, and held before its first page or soon after."""
    owner = psycopg.conninfo.conninfo_to_dict(database.owner)
    names = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "dbname", "DB_USER": "user", "DB_PASS": "password"}
    place = {name: str(owner.get(part, "")) for name, part in names.items()}
    env = clean_environment(MASTER_KEY=SAMPLE_MASTER_KEY, **place)
    async with await AsyncConnection.connect(database.owner) as connection:
        ((live,),) = await (await connection.execute(_LIVE)).fetchall()
        process = Process.start(folder, "rebuild", "--grace", "0", env=env)
        held = HeldRebuild(process, connection, live)
        try:
            await held.step()
            yield held
        finally:
            process.kill()
