"""The tree of a log in PostgreSQL: hashes of any span, from the subtrees that the projection keeps and from digests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import AsyncConnection

from infrastructure.ledger.chain import Broken
from infrastructure.ledger.tree import (
    EMPTY,
    Span,
    TreeRoot,
    consistency_spans,
    inclusion_spans,
    joined,
    leaf_hash,
    subtrees,
)

WIDTH = 256
_HALVINGS = WIDTH.bit_length() - 1
_REMEMBERED = 16  # blocks of at most WIDTH hashes: those of a path, or the neighbours of an export
_HEAD = "SELECT coalesce(max(upto), 0) FROM log.seal"
_TABLE = """
    SELECT 'read_' || generation || '.ledger_tree' FROM read.live
    WHERE to_regclass('read_' || generation || '.ledger_tree') IS NOT NULL"""
_LEAVES = """
    SELECT notification_id, digest, (extract(epoch FROM recorded_at) * 1000000)::bigint FROM log.stored_events
    WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"""
_SUBTREES = 'SELECT "index", hash FROM {} WHERE level = %s AND "index" >= %s AND "index" < %s'


class TooFar(Exception):
    """More digests must be read than the caller allows: the projection has not kept the subtrees yet."""


class LedgerTree:
    """The tree over the first `size` events, in the caller's snapshot. `most`: digests that may be read; None: all.

    Subtrees that the projection has not kept are computed from digests.
    """

    def __init__(self, connection: AsyncConnection, size: int, table: str | None, most: int | None) -> None:
        self._connection = connection
        self.size = size
        self._table = table
        self._most = most
        self._blocks: OrderedDict[tuple[int, int], Sequence[bytes]] = OrderedDict()

    def upto(self, size: int) -> LedgerTree:
        """The tree over fewer events."""
        return LedgerTree(self._connection, min(size, self.size), self._table, self._most)

    async def root(self, size: int | None = None) -> bytes:
        """The root over the first events; None: over all."""
        return await self.hash_of(Span(0, self.size if size is None else size))

    async def inclusion(self, position: int, size: int) -> list[bytes]:
        """The path from the event at a position to the root over the first `size` events."""
        return await self.hashes_of(inclusion_spans(position - 1, size))

    async def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof that the first tree begins the second."""
        return await self.hashes_of(consistency_spans(first, second))

    async def hashes_of(self, spans: Iterable[Span]) -> list[bytes]:
        return [await self.hash_of(span) for span in spans]

    async def hash_of(self, span: Span) -> bytes:
        """The hash of a span; raises Broken where an event is missing, and TooFar."""
        if not span.size:
            return EMPTY
        return joined([await self._subtree(each) for each in subtrees(span)])

    async def _subtree(self, span: Span) -> bytes:
        level = (span.size.bit_length() - 1) // _HALVINGS
        width = WIDTH**level
        block, first = divmod(span.first // width, WIDTH)
        return _root((await self._block(level, block))[first : first + span.size // width])

    async def _block(self, level: int, block: int) -> Sequence[bytes]:
        """The hashes of a level below one subtree of the next, as far as the tree goes."""
        found = self._blocks.pop((level, block), None)
        if found is None:
            first = block * WIDTH
            end = min(first + WIDTH, self.size // WIDTH**level)
            found = await (self._kept(level, first, end) if level else self._leaves(first, end))
        self._blocks[level, block] = found
        while len(self._blocks) > _REMEMBERED:
            self._blocks.popitem(last=False)
        return found

    async def _leaves(self, first: int, end: int) -> Sequence[bytes]:
        if self._most is not None:
            self._most -= end - first
            if self._most < 0:
                raise TooFar
        rows = await self._rows(_LEAVES, first, end)
        for position, (found, digest, micros) in zip(
            range(first + 1, end + 1), [*rows, (None, None, None)], strict=False
        ):
            if found != position or digest is None or micros is None:
                raise Broken(f"event {position}: it is missing, or was changed")
        return [leaf_hash(digest, position, micros) for position, digest, micros in rows]

    async def _kept(self, level: int, first: int, end: int) -> Sequence[bytes]:
        kept = {}
        if self._table is not None:
            kept = dict(await self._rows(_SUBTREES.format(self._table), level, first, end))
        return [kept[n] if n in kept else _root(await self._block(level - 1, n)) for n in range(first, end)]

    async def _rows(self, query: str, *values: int) -> list[Any]:
        return await (await self._connection.execute(query.encode(), values)).fetchall()


def _root(hashes: Sequence[bytes]) -> bytes:
    tree = TreeRoot()
    for each in hashes:
        tree.add(each)
    return tree.root()


async def tree_of(connection: AsyncConnection, most: int | None = None) -> LedgerTree:
    """The tree over the log as the caller's transaction, repeatable, sees it."""
    size = await (await connection.execute(_HEAD.encode())).fetchone()
    table = await (await connection.execute(_TABLE.encode())).fetchone()
    assert size is not None
    return LedgerTree(connection, size[0], table[0] if table else None, most)
