"""Many writers that get in each other's way; run as a program, a process of writers.

To a file is written how often somebody was overtaken; then what was acknowledged, a line an event:
position, stream, version.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from domain.catalog.tag import Tag
from domain.kernel import derived_id, new_id
from infrastructure.event_log.event_codec import EventRow, encode
from infrastructure.event_log.journal import Appended, LogEntry, StaleReads
from infrastructure.event_log.postgres_journal import PostgresJournal
from tests.support.instances import ROOT
from tests.system.torture.hearing import Event

log = logging.getLogger(__name__)

WRITERS = 32  # in each process
CONTESTED = [derived_id("torture", str(n)) for n in range(24)]
SOMEBODY = new_id()


class Writers:
    """`left`: events still to write. `known`: how long this process believes the contested streams to be."""

    def __init__(self, journal: PostgresJournal, events: int, chance: Random) -> None:
        self._journal = journal
        self._chance = chance
        self.left = events
        self.known = dict.fromkeys(CONTESTED, 0)
        self.acknowledged: list[Event] = []
        self.overtaken = 0

    async def write(self) -> None:
        """One writer: command after command, each again until it is recorded."""
        while self.left > 0:
            streams = self._streams()
            while not await self._record(streams):
                self.overtaken += 1

    def _streams(self) -> list[UUID]:
        """One or two that everybody writes to, or one that is this command's own."""
        if self._chance.random() < 0.7:
            return [new_id()]
        return self._chance.sample(CONTESTED, self._chance.randint(1, 2))

    async def _record(self, streams: list[UUID]) -> bool:
        reads = {stream: self.known.get(stream, 0) for stream in streams}
        rows = [
            _event(stream, reads[stream] + n) for stream in streams for n in range(1, self._chance.randint(1, 3) + 1)
        ]
        answer = rows[0].stream, rows[0].version
        said = await self._journal.append(
            LogEntry(secrets.token_bytes(32), b"", answer, reads, rows, self._journal.epoch)
        )
        if isinstance(said, StaleReads):
            self._learn((event.stream, event.version) for event in said.missed)
            return False
        assert isinstance(said, Appended), said
        self._learn((row.stream, row.version) for row in rows if row.stream in self.known)
        first = said.position - len(rows) + 1
        self.acknowledged += [Event(n, row.stream, row.version) for n, row in enumerate(rows, first)]
        self.left -= len(rows)
        return True

    def _learn(self, versions: Iterator[tuple[UUID, int]]) -> None:
        for stream, version in versions:
            self.known[stream] = max(self.known[stream], version)


def _event(stream: UUID, version: int) -> EventRow:
    now, name = datetime.now(UTC), str(version)
    told = {"originator_id": stream, "originator_version": version, "timestamp": now, "by": SOMEBODY}
    told |= {"name": name} if version > 1 else {"name": name, "slug": name, "originator_topic": "Tag"}
    kind: Any = Tag.Renamed if version > 1 else Tag.Coined
    return encode(kind(**told), "{}")


async def main(dsn: str, events: str, seed: str) -> list[str]:
    """The lines of the file."""
    journal = PostgresJournal(dsn, patience=30.0)
    await journal.open()
    writers = Writers(journal, int(events), Random(seed))
    await asyncio.gather(*(writers.write() for _ in range(WRITERS)))
    await journal.close()
    lines = [f"{position} {stream} {version}" for position, stream, version in writers.acknowledged]
    return [str(writers.overtaken), *lines]


class Writing:
    """Two processes of writers, from its start until each has written its share of `events`."""

    def __init__(self, dsn: str, events: int, chance: Random, folder: Path) -> None:
        self._files = [folder / f"acknowledged-{n}" for n in range(2)]
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.system.torture.writing",
                 dsn, str(events // 2), str(chance.random()), str(file)],
                cwd=ROOT,
            )
            for file in self._files
        ]  # fmt: skip

    @property
    def goes_on(self) -> bool:
        return any(process.poll() is None for process in self._processes)

    async def end(self) -> None:
        """Once both have written it all; asserts that they got in each other's way."""
        for process in self._processes:
            assert await asyncio.to_thread(process.wait) == 0
        for file in self._files:
            overtaken = int(file.read_text().partition("\n")[0])
            log.info("%d times overtaken", overtaken)
            assert overtaken > 0, "these writers did not meet"

    def acknowledged(self) -> list[Event]:
        """Everything that a writer was told is in the log."""
        told = [line.split() for file in self._files for line in file.read_text().splitlines()[1:]]
        return sorted(Event(int(position), UUID(stream), int(version)) for position, stream, version in told)

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@contextmanager
def writing(dsn: str, events: int, chance: Random, folder: Path) -> Iterator[Writing]:
    """As `Writing`, killed at the end of the block if need be."""
    started = Writing(dsn, events, chance, folder)
    try:
        yield started
    finally:
        started.kill()


if __name__ == "__main__":
    said = asyncio.run(main(*sys.argv[1:4]))
    Path(sys.argv[4]).write_text("\n".join(said))
