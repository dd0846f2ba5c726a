"""Is the log still what was written? Recomputes digests and seals, and holds the log against a checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row

from infrastructure.encoding import digest, seal_hash

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = "SELECT upto, hash, at FROM log.seal ORDER BY upto DESC LIMIT 1"
_LAST_EVENT = "SELECT coalesce(max(notification_id), 0) FROM log.stored_events"
_SEAL_AT = "SELECT upto, since, at, hash FROM log.seal WHERE upto = %s"
_BEFORE = "SELECT upto, hash FROM log.seal WHERE upto < %s ORDER BY upto DESC LIMIT 1"
_SEALS = "SELECT upto, since, at, hash FROM log.seal WHERE upto > %s ORDER BY upto"
_EVENTS = """
    SELECT notification_id AS position, event_id, originator_id AS stream, originator_version AS version,
           topic, state, metadata::text AS metadata, digest, recorded_at AS at
    FROM log.stored_events WHERE notification_id > %s ORDER BY notification_id"""
_PAGE = 2_000  # rows fetched at a time


class Head(NamedTuple):
    """The last seal: position, hash and time. An empty log is at 0."""

    position: int
    hash: bytes
    at: datetime | None


@dataclass(frozen=True)
class Verdict:
    """How far was looked, and the first thing that does not hold (None: all of it does)."""

    since: int
    upto: int
    seals: int
    broken: str | None = None

    @property
    def holds(self) -> bool:
        return self.broken is None


class _Broken(Exception):
    """The first thing that does not hold."""


async def head_of(connection: AsyncConnection) -> Head:
    """Where the log ends."""
    row = await (await connection.execute(_HEAD)).fetchone()
    return Head(row[0], bytes(row[1]), row[2]) if row else Head(0, b"", None)


async def verify(
    connection: AsyncConnection,
    first: int = 1,
    last: int | None = None,
    *,
    checkpoint: Head | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Look at the whole batches that hold positions `first` to `last`, in one snapshot of the log.

    `progress` is told (events looked at, events to look at). Does not raise for what it finds.
    """
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = await (await connection.execute(_BEFORE, [first])).fetchone()
        since, previous = (row[0], bytes(row[1])) if row else (0, b"")
        run = _Run(connection, since, previous, last, progress)
        try:
            await run.through()
            if checkpoint is not None:
                await _against(connection, checkpoint)
        except _Broken as broken:
            return Verdict(since + 1, run.position, run.seals, str(broken))
        return Verdict(since + 1, run.position, run.seals)


async def _against(connection: AsyncConnection, checkpoint: Head) -> None:
    if checkpoint.position == 0:
        return
    row = await (await connection.execute(_SEAL_AT, [checkpoint.position])).fetchone()
    if row is None:
        raise _Broken(f"checkpoint: the log has no seal at position {checkpoint.position}")
    if bytes(row[3]) != checkpoint.hash:
        raise _Broken(f"checkpoint: the log up to position {checkpoint.position} is not what was signed")


class _Run:
    """One pass over seals and events side by side."""

    def __init__(
        self,
        connection: AsyncConnection,
        since: int,
        previous: bytes,
        last: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._connection = connection
        self.position = since
        self._start = since
        self._previous = previous
        self._last = last
        self._progress = progress
        self.seals = 0

    async def through(self) -> None:
        """Raises _Broken at the first thing that does not hold."""
        row = await (await self._connection.execute(_LAST_EVENT)).fetchone()
        assert row is not None
        end = min(row[0], self._last) if self._last is not None else row[0]
        events = self._stream("events", _EVENTS, self.position)
        async for seal in self._stream("seals", _SEALS, self.position):
            if self._last is not None and self.position >= self._last:
                return
            await self._batch(seal, events)
            if self._progress:
                self._progress(self.position - self._start, max(end - self._start, 0))
        async for event in events:
            raise _Broken(f"event {event.position}: it is under no seal")

    async def _batch(self, seal: Any, events: AsyncIterator[Any]) -> None:
        name = f"seal {seal.since}-{seal.upto}"
        if seal.since != self.position + 1 or seal.upto < seal.since:
            raise _Broken(f"{name}: it does not follow position {self.position}")
        digests = []
        for position in range(seal.since, seal.upto + 1):
            event = await anext(events, None)
            if event is None or event.position != position:
                raise _Broken(f"event {position}: it is missing")
            _check(event, seal)
            digests.append(event.digest)
            self.position = position
        micros = (seal.at - _EPOCH) // timedelta(microseconds=1)
        expected = seal_hash(self._previous, seal.since, seal.upto, micros, b"".join(digests))
        if bytes(seal.hash) != expected:
            raise _Broken(f"{name}: its hash does not hold")
        self._previous = expected
        self.seals += 1

    async def _stream(self, name: str, query: str, since: int) -> AsyncIterator[Any]:
        async with self._connection.cursor(f"ledger_{name}", row_factory=namedtuple_row) as cursor:
            await cursor.execute(query, [since], binary=True)
            while rows := await cursor.fetchmany(_PAGE):
                for row in rows:
                    yield row


def _check(event: Any, seal: Any) -> None:
    said = digest(event.event_id, event.stream, event.version, event.topic, event.state, event.metadata)
    if event.digest != said:
        raise _Broken(f"event {event.position}: its digest does not hold")
    if event.at != seal.at:
        raise _Broken(f"event {event.position}: its time is not that of its seal")
