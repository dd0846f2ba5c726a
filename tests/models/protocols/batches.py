"""Batches: what the writer sends together, and the verdicts of `log.append` on it, against commands run one by one.

Small enough to try all: commands over two streams, with keys of which some were used. The writer is the real
`GroupCommitWriter`; the verdicts are those of the SQL, which `conformance/test_append.py` compares with the server's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple
from uuid import UUID

from infrastructure.database.database_clock import DatabaseClock
from infrastructure.event_log.event_codec import EventRow
from infrastructure.event_log.group_commit import GroupCommitWriter, PendingEntry
from infrastructure.event_log.journal import LogEntry
from infrastructure.event_log.log_head import KnownHead

STREAMS = UUID(int=1), UUID(int=2)
KEYS = b"a" * 32, b"b" * 32
Versions = Mapping[UUID, int]


class Wish(NamedTuple):
    """A command: its key, the versions that its decision read, and the streams that it writes to."""

    key: bytes
    reads: tuple[tuple[UUID, int], ...]
    writes: tuple[UUID, ...]


def wishes() -> Iterator[Wish]:
    """Every command that reads some of the streams at version 0 or 1, and writes to some of what it reads."""
    for versions in product((None, 0, 1), repeat=len(STREAMS)):
        reads = tuple((s, v) for s, v in zip(STREAMS, versions, strict=True) if v is not None)
        for chosen in range(2 ** len(reads)):
            writes = tuple(stream for n, (stream, _) in enumerate(reads) if chosen >> n & 1)
            yield from (Wish(key, reads, writes) for key in KEYS)


def verdicts(log: Versions, used: Collection[bytes], batch: Sequence[Wish]) -> str:
    """As `log.append` gives them: k for a duplicate, m for stale reads, r for recorded."""
    first: dict[UUID, int] = {}
    for number, wish in enumerate(batch):
        for stream in wish.writes:
            first.setdefault(stream, number)
    told = ""
    for number, wish in enumerate(batch):
        moved = any(first.get(s, number) < number or v != log[s] for s, v in wish.reads)
        twin = any(each.key == wish.key for each in batch[:number])
        told += "k" if wish.key in used else "m" if twin or moved else "r"
    return told


def unserial(log: Versions, used: Collection[bytes], batch: Sequence[Wish], told: str) -> list[Wish]:
    """The commands that are recorded, and could not be in a run one by one in the order of the batch."""
    now, keys, found = dict(log), set(used), []
    for wish, verdict in zip(batch, told, strict=True):
        if verdict == "r":
            if wish.key in keys or any(now[s] != v for s, v in wish.reads):
                found.append(wish)
            keys.add(wish.key)
            for stream in wish.writes:
                now[stream] += 1
    return found


def logs() -> Iterator[tuple[Versions, Collection[bytes]]]:
    for versions in product((0, 1), repeat=len(STREAMS)):
        for used in ((), KEYS[:1]):
            yield dict(zip(STREAMS, versions, strict=True)), used


def entry_of(wish: Wish, row: EventRow) -> LogEntry:
    rows = [row._replace(stream=stream) for stream in wish.writes]
    return LogEntry(wish.key, b"", (STREAMS[0], 1), dict(wish.reads), rows)


class Writer:
    """The real writer's choice of what goes together, from a queue of commands."""

    def __init__(self, row: EventRow) -> None:
        self._loop, self._row = asyncio.new_event_loop(), row

    def batches(self, queue: Sequence[Wish]) -> list[list[int]]:
        """The numbers of the commands, batch after batch, until none is left."""
        writer = GroupCommitWriter("", DatabaseClock(), KnownHead(), queue_size=9, patience=1)
        waiting = [PendingEntry(entry_of(wish, self._row), self._loop.create_future(), 0.0) for wish in queue]
        writer._queue.extend(waiting)
        taken = []
        while batch := writer._next_batch():
            taken.append([waiting.index(each) for each in batch])
        return taken

    def close(self) -> None:
        self._loop.close()


def needless(queue: Sequence[Wish], batch: Sequence[int]) -> bool:
    """Whether a batch holds a key twice, or a command that reads what an earlier one of the batch writes."""
    for at, number in enumerate(batch):
        for before in batch[:at]:
            one, other = queue[before], queue[number]
            if one.key == other.key or set(one.writes) & dict(other.reads).keys():
                return True
    return False
