"""Verification of the ledger: recomputes digests and seals, and compares the log with a checkpoint."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from infrastructure.event_log.event_codec import seal_hash
from infrastructure.ledger.rows import LedgerEvent, LedgerRows, LedgerSeal, opened

_HEAD = """
    SELECT upto, coalesce(hash, ''), CASE WHEN isfinite(at) THEN at END
    FROM log.seal WHERE upto IS NOT NULL ORDER BY upto DESC LIMIT 1"""
_LAST_EVENT = "SELECT coalesce(max(notification_id), 0) FROM log.stored_events"
_OUTSIDE = """
    (SELECT 'event ' || coalesce(notification_id::text, event_id::text, '?') FROM log.stored_events
     WHERE notification_id < 1 OR notification_id IS NULL LIMIT 1)
    UNION ALL
    (SELECT 'seal ' || coalesce(since::text, '?') || '-' || coalesce(upto::text, '?') FROM log.seal
     WHERE upto < 1 OR upto IS NULL LIMIT 1)"""
_SEAL_AT = "SELECT hash FROM log.seal WHERE upto = %s"
_BEFORE = "SELECT upto, hash FROM log.seal WHERE upto < %s ORDER BY upto DESC LIMIT 1"


class LogHead(NamedTuple):
    """The last seal: position, hash and time. An empty log is at 0."""

    position: int
    hash: bytes
    at: datetime | None


@dataclass(frozen=True)
class VerificationResult:
    """The positions verified, and the first violation (None: the log is intact)."""

    since: int
    upto: int
    seals: int
    broken: str | None = None

    @property
    def holds(self) -> bool:
        return self.broken is None


class _Broken(Exception):
    """The first violation."""


async def head_of(connection: AsyncConnection) -> LogHead:
    """The last seal of the log."""
    row = await _row(connection, _HEAD)
    return LogHead(*row) if row else LogHead(0, b"", None)


async def verify(
    connection: AsyncConnection,
    first: int = 1,
    last: int | None = None,
    *,
    checkpoint: LogHead | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerificationResult:
    """Verify the whole batches that hold positions `first` to `last`, in one snapshot of the log.

    Calls `progress` with (events verified, events to verify). A violation is a result, not an exception. The
    connection must not be in a transaction.
    """
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        run = await _run_from(connection, first, last, progress)
        broken = await _first_violation(connection, run, last, checkpoint)
        return VerificationResult(run.since + 1, run.position, run.seals, broken)


async def _run_from(
    connection: AsyncConnection, first: int, last: int | None, progress: Callable[[int, int], None] | None
) -> _Run:
    before = await _row(connection, _BEFORE, max(first, 1))
    since, previous = (before[0], before[1] or b"") if before else (0, b"")
    end: int = (await _row(connection, _LAST_EVENT))[0]
    return _Run(since, previous, end if last is None else min(end, last), progress)


async def _first_violation(
    connection: AsyncConnection, run: _Run, last: int | None, checkpoint: LogHead | None
) -> str | None:
    try:
        if run.since == 0:
            await _nothing_outside(connection)
        async with opened(connection, run.since) as rows:
            await run.through(rows, last)
        if checkpoint is not None:
            await _against(connection, checkpoint)
    except _Broken as found:
        return str(found)
    return None


async def _row(connection: AsyncConnection, query: str, *values: object) -> Any:
    return await (await connection.execute(query.encode(), values)).fetchone()


async def _nothing_outside(connection: AsyncConnection) -> None:
    """Rows before the first position: a pass over the positions would miss them, loading their stream would not."""
    if row := await _row(connection, _OUTSIDE):
        raise _Broken(f"{row[0]}: it is before the first position")


async def _against(connection: AsyncConnection, checkpoint: LogHead) -> None:
    if checkpoint.position == 0:
        return
    row = await _row(connection, _SEAL_AT, checkpoint.position)
    if row is None:
        raise _Broken(f"checkpoint: the log has no seal at position {checkpoint.position}")
    if row[0] != checkpoint.hash:
        raise _Broken(f"checkpoint: the log up to position {checkpoint.position} is not what was signed")


class _Run:
    """One pass over seals and events side by side, from after the seal at a position up to `end`."""

    def __init__(self, since: int, previous: bytes, end: int, progress: Callable[[int, int], None] | None) -> None:
        self.since = since
        self._previous = previous
        self._end = end
        self._progress = progress
        self.position = since
        self.seals = 0

    async def through(self, rows: LedgerRows, last: int | None) -> None:
        """Up to the end of the batch that holds `last`; raises _Broken."""
        while last is None or self.position < last:
            seal = await rows.seal()
            if seal is None:
                for event in await rows.events(1):
                    raise _Broken(f"event {event.position}: it is under no seal")
                return
            await self._batch(seal, rows)
            if self._progress:
                self._progress(self.position - self.since, max(self._end, self.position) - self.since)

    async def _batch(self, seal: LedgerSeal, rows: LedgerRows) -> None:
        if seal.since != self.position + 1:
            raise _Broken(f"{seal}: it does not follow position {self.position}")
        digests, untimely = [], 0
        while self.position < seal.upto:
            events = await rows.events(seal.upto - self.position)
            for event in events:
                digests.append(_checked(event, self.position + 1))
                self.position += 1
                if event.at != seal.at and not untimely:
                    untimely = self.position
            if not events:
                raise _Broken(f"event {self.position + 1}: it is missing")
        self._previous = _checked_hash(seal, self._previous, b"".join(digests))
        if untimely:
            raise _Broken(f"event {untimely}: its time is not that of {seal}")
        self.seals += 1


def _checked(event: LedgerEvent, position: int) -> bytes:
    """The digest of an intact event at this position; raises _Broken for any other."""
    if event.position != position:
        wrong = "is missing" if event.position > position else "is there twice"
        raise _Broken(f"event {min(position, event.position)}: it {wrong}")
    if event.digest is None or event.digest != event.recomputed():
        raise _Broken(f"event {position}: its digest does not hold")
    return event.digest


def _checked_hash(seal: LedgerSeal, previous: bytes, digests: bytes) -> bytes:
    """The hash of a seal over these digests and the previous hash; raises _Broken for another hash."""
    if seal.since is not None and seal.micros is not None:
        try:
            expected = seal_hash(previous, seal.since, seal.upto, seal.micros, digests)
        except struct.error:  # 'infinity' is a valid timestamp
            expected = b""
        if expected and seal.hash == expected:
            return expected
    raise _Broken(f"{seal}: its hash does not hold")
