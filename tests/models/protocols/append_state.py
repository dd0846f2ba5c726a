"""What the model of the append is about: logs, connections, commands, and what a process knows and remembers.

What a process knows of the log is kept by the real `KnownHead`, what it remembers by the real `AggregateCache`.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from infrastructure.event_log.aggregate_cache import UNKNOWN, AggregateCache
from infrastructure.event_log.log_head import KnownHead, LogSeal

Log = tuple[str, ...]
STREAM = UUID(int=1)
LOST, FIRST = "decided on what is not there", "seen0"


class Known(NamedTuple):
    """What the process knows the log by. `cached`: the stream as remembered, None if it is not."""

    epoch: int = 0
    seals: frozenset[LogSeal] = frozenset()
    cached: Log | None = None


class Sent(NamedTuple):
    """A statement that has run and is not yet answered: what the process knew, and what the server says."""

    epoch: int
    seals: frozenset[LogSeal]
    log: Log
    verdict: str


class Attempted(NamedTuple):
    """A command. `base`: the stream that its decision saw; `own`: the stream as its append left it."""

    phase: str = "idle"
    epoch: int = 0
    base: Log = ()
    sent: Sent | None = None
    answer: str = ""
    tries: int = 0


class Line(NamedTuple):
    """A connection: the server that it leads to, and the epoch in which it was opened."""

    server: int
    epoch: int


class Call(NamedTuple):
    """A call of `log.append`. Of one whose client is gone, the orphaned backend runs it later, or never."""

    server: int
    number: int
    base: Log
    seals: frozenset[LogSeal]


class AppendState(NamedTuple):
    logs: tuple[Log, Log]
    live: int
    old_answers: bool
    known: Known
    writer: Line | None
    reader: Line | None
    commands: tuple[Attempted, ...]
    orphans: frozenset[Call]
    faults: int
    others: int
    wrong: frozenset[str]


class _Snapshot:
    """An aggregate for the cache: its version is all that the cache asks for."""

    def __init__(self, log: Log) -> None:
        self.log, self.version = log, len(log)


def key_of(number: int) -> str:
    return f"command{number}"


def seal_of(log: Log) -> LogSeal:
    return len(log), ",".join(log).encode()


def holds(log: Log, seals: frozenset[LogSeal]) -> bool:
    """`log_head.HOLDS`."""
    return all(seal_of(log[:upto])[1] == hashed and upto <= len(log) for upto, hashed in seals)


def remembered(known: Known, log: Log) -> Known:
    """`AggregateCache.put`: never back to an older version."""
    cache = AggregateCache()
    for each in (known.cached, log):
        if each is not None:
            cache.put(STREAM, _Snapshot(each))  # type: ignore[arg-type]
    kept = cache.get(STREAM)
    assert kept is not UNKNOWN
    return known._replace(cached=kept.log)


def seen(known: Known, held: frozenset[LogSeal], log: Log) -> Known:
    """`KnownHead.saw`."""
    head = KnownHead()
    head.epoch, head.seals = known.epoch, known.seals
    head.saw(held, *seal_of(log))
    return known._replace(seals=head.seals)


def ended(known: Known, epoch: int) -> Known:
    """`KnownHead.end`, whose `on_end` clears the cache."""
    head = KnownHead()
    head.epoch, head.seals = known.epoch, known.seals
    head.end(epoch)
    return known if head.epoch == known.epoch else Known(head.epoch, head.seals)
