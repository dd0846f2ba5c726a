"""Verification of the ledger: recomputes digests and seals, and compares the log with a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection

from infrastructure.ledger.catalog import check_catalog
from infrastructure.ledger.chain import Broken, ChainPass, ChainStart, check_unsealed
from infrastructure.ledger.row_logs import SECURITY_LOG, VIEWS_LOG
from infrastructure.ledger.rows import opened
from infrastructure.ledger.tree import EMPTY, TreeRoot

_HEAD = """
    SELECT upto, coalesce(hash, ''), CASE WHEN isfinite(at) THEN at END
    FROM log.seal WHERE upto IS NOT NULL ORDER BY upto DESC LIMIT 1"""
_SECURITY_HEAD = """
    SELECT upto, coalesce(hash, ''), CASE WHEN isfinite(at) THEN at END
    FROM auth.security_seal ORDER BY upto DESC LIMIT 1"""
_VIEWS_HEAD = """
    SELECT upto, coalesce(hash, ''), CASE WHEN isfinite(at) THEN at END
    FROM audit.view_seal ORDER BY upto DESC LIMIT 1"""
END = """
    SELECT (SELECT coalesce(max(notification_id), 0) FROM log.stored_events),
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"""
_OUTSIDE = """
    (SELECT 'event ' || coalesce(notification_id::text, event_id::text, '?') FROM log.stored_events
     WHERE notification_id < 1 OR notification_id IS NULL LIMIT 1)
    UNION ALL
    (SELECT 'seal ' || coalesce(since::text, '?') || '-' || coalesce(upto::text, '?') FROM log.seal
     WHERE upto < 1 OR upto IS NULL LIMIT 1)
    UNION ALL
    (SELECT 'command key ' || encode(key, 'hex') FROM log.command_key
     WHERE number < 1 OR number IS NULL AND at > (
        SELECT at FROM log.seal WHERE version > 1 ORDER BY upto LIMIT 1) LIMIT 1)"""
_SEAL_AT = "SELECT hash FROM log.seal WHERE upto = %s"
_SECURITY_SEAL_AT = "SELECT hash FROM auth.security_seal WHERE upto = %s"
_VIEWS_SEAL_AT = "SELECT hash FROM audit.view_seal WHERE upto = %s"
_BEFORE = "SELECT upto, hash, keys_upto FROM log.seal WHERE upto < %s ORDER BY upto DESC LIMIT 1"
NO_KEYS = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LogHead(NamedTuple):
    """The last seal: position, hash and time. An empty log is at 0."""

    position: int
    hash: bytes
    at: datetime | None


@dataclass(frozen=True)
class VerificationResult:
    """The positions verified, and the first violation (None: the log is intact).

    `keys`: the command keys verified. `security`, `views`: the rows of these logs; None: they were not verified.
    `heads`: those of an intact log that was verified whole, with the root of its tree.
    """

    since: int
    upto: int
    seals: int
    broken: str | None = None
    keys: int = field(default=0, compare=False)
    security: int | None = field(default=None, compare=False)
    views: int | None = field(default=None, compare=False)
    heads: LedgerHeads | None = field(default=None, compare=False)

    @property
    def holds(self) -> bool:
        return self.broken is None


class LedgerHeads(NamedTuple):
    """The last seals of the event log, of the security log and of the views log (None: not known).

    `root`: of the tree over the events up to the log's; None in a checkpoint of version 1.
    """

    log: LogHead
    security: LogHead | None = None
    root: bytes | None = None
    views: LogHead | None = None


async def head_of(connection: AsyncConnection) -> LogHead:
    """The last seal of the log."""
    row = await _row(connection, _HEAD)
    return LogHead(*row) if row else LogHead(0, b"", None)


async def heads_of(connection: AsyncConnection) -> LedgerHeads:
    """The last seals of all logs."""
    others = [await _row(connection, query) for query in (_SECURITY_HEAD, _VIEWS_HEAD)]
    security, views = [LogHead(*row) if row else LogHead(0, b"", None) for row in others]
    return LedgerHeads(await head_of(connection), security=security, views=views)


async def verify(
    connection: AsyncConnection,
    first: int = 1,
    last: int | None = None,
    *,
    checkpoint: LedgerHeads | None = None,
    progress: Callable[[int, int], None] | None = None,
    security: bool = True,
    tree: bool = False,
) -> VerificationResult:
    """Verify the whole batches that hold positions `first` to `last`, in one snapshot.

    `security`: verify the security log and the views log too.

    `tree`: recompute the root too, which must be from the first event on. A checkpoint with a root does that.
    Calls `progress` with (events verified, events to verify). A violation is a result, not an exception. The
    connection must not be in a transaction.
    """
    verified = _Verified()
    verified.tree = TreeRoot() if tree or (checkpoint is not None and checkpoint.root is not None) else None
    verified.wanted = (checkpoint.log.position,) if checkpoint is not None else ()
    try:
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            await check_catalog(connection)
            await _verify_log(connection, verified, (first, last), progress)
            if security:
                verified.security = await SECURITY_LOG.verify(connection)
                verified.views = await VIEWS_LOG.verify(connection)
            await _against(connection, checkpoint, verified)
            await verified.take_heads(connection)
    except Broken as found:
        return verified.result(str(found))
    except (psycopg.ProgrammingError, psycopg.DataError) as refused:  # a table or a column is not what it was
        return verified.result(f"tables: {refused.diag.message_primary or refused}")
    return verified.result()


class _Verified:
    """What a verification has come to."""

    def __init__(self) -> None:
        self.run: ChainPass | None = None
        self.security: int | None = None
        self.views: int | None = None
        self.tree: TreeRoot | None = None
        self.wanted: Sequence[int] = ()
        self.heads: LedgerHeads | None = None

    async def take_heads(self, connection: AsyncConnection) -> None:
        """The heads of the same snapshot: the log's as it was recomputed."""
        if self.tree is None or self.run is None:
            return
        run = self.run
        at = None if run.at is None else _EPOCH + timedelta(microseconds=run.at)
        heads = await heads_of(connection)
        self.heads = heads._replace(log=LogHead(run.position, run.hash, at), root=self.tree.root())

    def result(self, broken: str | None = None) -> VerificationResult:
        if self.run is None:
            return VerificationResult(1, 0, 0, broken)
        run = self.run
        others = self.security, self.views, self.heads
        return VerificationResult(run.since + 1, run.position, run.seals, broken, run.keys, *others)


async def _verify_log(
    connection: AsyncConnection,
    verified: _Verified,
    stretch: tuple[int, int | None],
    progress: Callable[[int, int], None] | None,
) -> None:
    first, last = stretch
    before = await _row(connection, _BEFORE, max(first, 1))
    start = ChainStart(before[0], before[1] or b"", before[2]) if before else ChainStart(0, b"", None)
    end, now = await _row(connection, END)
    run = verified.run = ChainPass(start, end if last is None else min(end, last), now, progress)
    run.tree, run.wanted = verified.tree, verified.wanted
    assert verified.tree is None or start.since == 0, "a root is over all events from the first"
    if start.since == 0:
        await nothing_outside(connection)
    async with opened(connection, start.since, start.keys_upto or 0) as rows:
        await run.through(rows, last)
        if last is None:
            check_unsealed(await rows.keys(NO_KEYS), run.keys_upto)


async def _row(connection: AsyncConnection, query: str, *values: object) -> Any:
    return await (await connection.execute(query.encode(), values)).fetchone()


async def nothing_outside(connection: AsyncConnection) -> None:
    """Rows before the first position: a pass over the positions would miss them, loading their stream would not."""
    if row := await _row(connection, _OUTSIDE):
        raise Broken(f"{row[0]}: it is before the first position")


async def _against(connection: AsyncConnection, checkpoint: LedgerHeads | None, verified: _Verified) -> None:
    if checkpoint is None:
        return
    for name, head, query in (
        ("log", checkpoint.log, _SEAL_AT),
        ("security log", checkpoint.security, _SECURITY_SEAL_AT),
        ("views log", checkpoint.views, _VIEWS_SEAL_AT),
    ):
        if head is None or head.position == 0:
            continue
        row = await _row(connection, query, head.position)
        if row is None:
            raise Broken(f"checkpoint: the {name} has no seal at position {head.position}")
        if row[0] != head.hash:
            raise Broken(f"checkpoint: the {name} up to position {head.position} is not what was signed")
    roots = {0: EMPTY} if verified.run is None else {0: EMPTY, **verified.run.roots}
    if checkpoint.root is not None and roots.get(checkpoint.log.position) != checkpoint.root:
        raise Broken(f"checkpoint: the tree up to position {checkpoint.log.position} is not what was signed")
