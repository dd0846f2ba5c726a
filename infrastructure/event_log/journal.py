"""The journal, as the event store needs it: append an entry, read streams, check for newer events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from infrastructure.event_log.event_codec import EventRow
from infrastructure.privacy.keyring import PersonKeyRows


class MissedEvent(NamedTuple):
    """A stored event that a decision missed."""

    stream: UUID
    version: int
    topic: str
    state: bytes


class EnqueuedJob(NamedTuple):
    """A job that is enqueued with an entry's events. `payload`: sealed."""

    key: UUID
    kind: str
    subject: UUID
    slot: str
    payload: bytes
    correlation: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One command's events, with the version of every stream that its decision read (0: no stream yet).

    `answer`: (stream, version) that the command answers with, stored under `key`.
    `epoch`: the journal's, when the decision began. `forgets`: persons whose keys the append deletes.
    `enqueues`: jobs that the append enqueues.
    """

    key: bytes
    fingerprint: bytes
    answer: tuple[UUID, int]
    reads: Mapping[UUID, int]
    rows: Sequence[EventRow]
    epoch: int = 0
    forgets: Sequence[UUID] = ()
    enqueues: Sequence[EnqueuedJob] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """The entry is in the log; `position` is that of its last event."""

    position: int


@dataclass(frozen=True, slots=True)
class DuplicateCommand:
    """The key was used before: the answer of that command."""

    stream: UUID
    version: int
    position: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StaleReads:
    """The answer to an append that recorded nothing, because streams changed.

    Without `missed` events, a stream may be shorter than in the cache.
    """

    missed: Sequence[MissedEvent]
    reads: Mapping[UUID, int] = field(default_factory=dict)


AppendResult = Appended | DuplicateCommand | StaleReads


class Journal(Protocol):
    """Append-only storage of streams; raises Unavailable when it can't answer."""

    @property
    def keys(self) -> PersonKeyRows:
        """The keys of persons, stored beside it."""
        ...

    @property
    def epoch(self) -> int:
        """Changes when the log was replaced (restored): everything read before is invalid."""
        ...

    async def open(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Finish queued commands, then disconnect."""
        ...

    async def append(self, entry: LogEntry) -> AppendResult:
        """All of the entry or nothing; returns once it is durable."""
        ...

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        """All events of the streams, each stream in order."""
        ...

    async def read_until(self, stream: UUID, version: int) -> Sequence[MissedEvent]:
        """The stream's events up to and including the version."""
        ...

    async def peek(self, key: bytes | None, reads: Mapping[UUID, int]) -> DuplicateCommand | StaleReads | int:
        """A duplicate if the key was used, stale reads if a stream changed, else the log's position."""
        ...

    def now(self) -> datetime:
        """The journal's clock, UTC."""
        ...
