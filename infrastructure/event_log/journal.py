"""What the event store needs of a journal: append an entry, read streams, look at what has moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from infrastructure.event_log.event_codec import EventRow
from infrastructure.privacy.keyring import PersonKeyRows


class MissedEvent(NamedTuple):
    """A stored event that a decision had not seen."""

    stream: UUID
    version: int
    topic: str
    state: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One command's events, with the version of every stream it looked at (0: there was none).

    `answer`: (stream, version) that the command answers with, kept under `key`.
    `epoch`: the journal's, when the decision began. `forgets`: persons whose keys go with it.
    """

    key: bytes
    fingerprint: bytes
    answer: tuple[UUID, int]
    reads: Mapping[UUID, int]
    rows: Sequence[EventRow]
    epoch: int = 0
    forgets: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """It is in the log; `position` is that of its last event."""

    position: int


@dataclass(frozen=True, slots=True)
class DuplicateCommand:
    """The key was used before: what that command answered with."""

    stream: UUID
    version: int
    position: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StaleReads:
    """Nothing was recorded: streams had moved. One without `missed` events may be shorter than thought."""

    missed: Sequence[MissedEvent]
    reads: Mapping[UUID, int] = field(default_factory=dict)


AppendResult = Appended | DuplicateCommand | StaleReads


class Journal(Protocol):
    """Append-only storage of streams; raises application.event_log.Unavailable when it can't answer."""

    @property
    def keys(self) -> PersonKeyRows:
        """The keys of persons, kept beside it."""
        ...

    @property
    def epoch(self) -> int:
        """Another number once the log turns out not to extend what was known of it: all that is void."""
        ...

    async def open(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Finish what is under way, then disconnect."""
        ...

    async def append(self, entry: LogEntry) -> AppendResult:
        """All of the entry or nothing; answered only once it is durable."""
        ...

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        """All events of the streams, each stream in order."""
        ...

    async def read_until(self, stream: UUID, version: int) -> Sequence[MissedEvent]:
        """The stream's events up to and with the version."""
        ...

    async def peek(self, key: bytes | None, reads: Mapping[UUID, int]) -> DuplicateCommand | StaleReads | int:
        """Was the key used, or has a stream moved? Neither: the position up to which that is so."""
        ...

    def now(self) -> datetime:
        """The journal's clock, UTC."""
        ...
