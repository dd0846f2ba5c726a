"""A projector that keeps only the ear; run as a program, a process that may be killed and paused."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import psycopg
from sqlalchemy.ext.asyncio import create_async_engine

from projections.engine.projector import Projector
from tests.conftest import Database
from tests.support.instances import ROOT
from tests.support.sealed import CODEC
from tests.system.torture.hearing import ear

# It has claimed the readers' bookmarks, and the database waits for what it will say next.
_IN_A_PAGE = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = 'read.bookmark'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND wait_event = 'ClientRead' AND datname = current_database()"""


class Follower:
    """A projector in a process of its own; its connections are named `name`."""

    def __init__(self, database: Database, name: str, folder: Path) -> None:
        self._database, self.name = database, name
        self._said = folder / name
        with self._said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.system.torture.following", database.url, name],
                stdout=out, stderr=out, cwd=ROOT,
            )  # fmt: skip

    async def leads(self) -> bool:
        assert self.process.poll() is None, self.said
        return self._count("projector is now the leader") > self._count("projector is on standby")

    @property
    def said(self) -> str:
        return self._said.read_text()

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def wake(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)

    async def is_paused(self, *, in_a_page: bool) -> bool:
        """Pause it; unless it has a page in hand, or has none, as wished, let it go on."""
        self.pause()
        with psycopg.connect(self._database.owner) as connection:
            row = connection.execute(_IN_A_PAGE).fetchone()
        assert row is not None
        if bool(row[0]) is in_a_page:
            return True
        self.wake()
        return False

    def _count(self, word: str) -> int:
        return sum(word in line for line in self.said.splitlines())


class Followers:
    """Starts them, and ends them all."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self.all: list[Follower] = []

    def start(self) -> Follower:
        self.all.append(Follower(self._database, f"follower-{len(self.all)}", self._folder))
        return self.all[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for follower in self.all:
            follower.process.kill()
            follower.wake()
            follower.process.wait()


async def main(url: str, name: str) -> None:
    engine = create_async_engine(url, connect_args={"application_name": name})
    await Projector(engine, [ear], CODEC).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
