"""Proofs from the tree of a log: that an event is in it, and that one head continues another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from application.event_log import Unavailable
from application.ledger import ConsistencyProof, InclusionProof, LedgerBroken, TreeHead
from domain.errors import NotFound
from infrastructure.ledger.chain import Broken
from infrastructure.ledger.tree_rows import LedgerTree, TooFar, tree_of
from projections.query.snapshot import BeyondHead

_COLUMNS = "originator_id, originator_version, notification_id, recorded_at, digest"
_AT = f"SELECT {_COLUMNS} FROM log.stored_events WHERE notification_id = %s"  # noqa: S608  written here
_OF_STREAM = f"""
    SELECT {_COLUMNS} FROM log.stored_events
    WHERE originator_id = %(stream)s AND originator_version = coalesce(%(version)s, originator_version)
      AND notification_id <= %(upto)s ORDER BY originator_version DESC LIMIT 1"""  # noqa: S608  written here


async def inclusion(
    connection: AsyncConnection, event: int | UUID, version: int | None, upto: int | None, *, most: int | None = None
) -> InclusionProof:
    """As the port `Ledger`; reads at most `most` digests. The connection is in no transaction."""
    async with _tree(connection, most) as tree:
        end = _within(tree, upto)
        if isinstance(event, UUID):
            found = await _row(connection, _OF_STREAM, {"stream": event, "version": version, "upto": end})
        else:
            found = await _row(connection, _AT, [_within(tree, event)])
        if found is None or found[2] > end:
            raise NotFound("event", f"of stream {event} up to {end}" if isinstance(event, UUID) else f"{event}")
        head = TreeHead(end, await tree.root(end))
        stream, number, position, at, digest = found
        return InclusionProof(stream, number, position, at, digest, head, await tree.inclusion(position, end))


async def consistency(
    connection: AsyncConnection, first: int, second: int | None, *, most: int | None = None
) -> ConsistencyProof:
    """As the port `Ledger`; reads at most `most` digests. The connection is in no transaction."""
    async with _tree(connection, most) as tree:
        end = _within(tree, second)
        if not 0 < first <= end:
            raise BeyondHead(end, first)
        heads = [TreeHead(size, await tree.root(size)) for size in (first, end)]
        return ConsistencyProof(heads[0], heads[1], await tree.consistency(first, end))


def _within(tree: LedgerTree, position: int | None) -> int:
    if position is not None and position > tree.size:
        raise BeyondHead(tree.size, position)
    return tree.size if position is None else position


@asynccontextmanager
async def _tree(connection: AsyncConnection, most: int | None) -> AsyncIterator[LedgerTree]:
    try:
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield await tree_of(connection, most)
    except Broken as fault:
        raise LedgerBroken(str(fault)) from None
    except TooFar:
        raise Unavailable(
            "The projection `ledger_tree` is too far behind; `daybook audit` proves without it."
        ) from None


async def _row(connection: AsyncConnection, query: str, values: Any) -> Any:
    return await (await connection.execute(query.encode(), values)).fetchone()
