"""The journal in memory, for unit tests: as strict as the one on PostgreSQL, but not durable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from infrastructure.event_log.event_codec import EventRow
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.journal import (
    Appended,
    AppendResult,
    DuplicateCommand,
    EnqueuedJob,
    LogEntry,
    MissedEvent,
    StaleReads,
)
from infrastructure.privacy.master_keys import MasterKeys, WrappedKey


class MemoryJournal:
    """A journal in memory. `rows`: the log, in order; `jobs`: the enqueued jobs."""

    epoch = 0

    def __init__(self) -> None:
        self.rows: list[EventRow] = []
        self.jobs: list[EnqueuedJob] = []
        self.clock: datetime | None = None
        self.keys = MemoryKeys()
        self._streams: dict[UUID, list[MissedEvent]] = defaultdict(list)
        self._done: dict[bytes, DuplicateCommand] = {}

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def now(self) -> datetime:
        """The time set by `clock`, else the machine's."""
        return self.clock or datetime.now(UTC)

    async def append(self, entry: LogEntry) -> AppendResult:
        peeked = await self.peek(entry.key, entry.reads)
        if not isinstance(peeked, int):
            return peeked
        if any(row.version != entry.reads[row.stream] + n for row, n in _numbered(entry.rows)):
            raise ValueError("events of a stream must follow its version")
        for row in entry.rows:
            self._streams[row.stream].append(MissedEvent(row.stream, row.version, row.topic, row.state))
        self.rows += entry.rows
        self.jobs += entry.enqueues
        for subject in entry.forgets:
            self.keys.rows.pop(subject, None)
        position = len(self.rows)
        self._done[entry.key] = DuplicateCommand(*entry.answer, position, entry.fingerprint)
        return Appended(position)

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        return [event for stream in streams for event in self._streams.get(stream, ())]

    async def read_until(self, stream: UUID, version: int) -> Sequence[MissedEvent]:
        return self._streams[stream][:version]

    async def peek(self, key: bytes | None, reads: Mapping[UUID, int]) -> DuplicateCommand | StaleReads | int:
        if key is not None and (duplicate := self._done.get(key)):
            return duplicate
        changed = [stream for stream, version in reads.items() if len(self._streams.get(stream, ())) != version]
        if changed:
            return StaleReads([e for s in changed for e in self._streams.get(s, ())[reads[s] :]], reads)
        return len(self.rows)


def _numbered(rows: Sequence[EventRow]) -> list[tuple[EventRow, int]]:
    seen: dict[UUID, int] = defaultdict(int)
    numbered = []
    for row in rows:
        seen[row.stream] += 1
        numbered.append((row, seen[row.stream]))
    return numbered


class MemoryKeys:
    """The keys of persons."""

    def __init__(self) -> None:
        self.rows: dict[UUID, WrappedKey] = {}

    async def get(self, subjects: Collection[UUID]) -> Mapping[UUID, WrappedKey]:
        return {subject: self.rows[subject] for subject in subjects if subject in self.rows}

    async def add(self, keys: Mapping[UUID, WrappedKey]) -> Collection[UUID]:
        new = keys.keys() - self.rows.keys()
        self.rows = {**keys, **self.rows}
        return new

    async def rewrap(self, current: str, wrap: Callable[[UUID, WrappedKey], WrappedKey], most: int) -> int:
        some = [(subject, key) for subject, key in self.rows.items() if key.master != current][:most]
        self.rows |= {subject: wrap(subject, key) for subject, key in some}
        return len(some)

    async def count(self, current: str) -> int:
        return sum(key.master != current for key in self.rows.values())


def memory_store() -> EventStore:
    """An event store that lives as long as the process."""
    return EventStore(MemoryJournal(), MasterKeys("of a log in memory"))
