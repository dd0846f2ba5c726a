"""Writes an archive: events of the log, with the hashes that lead from them to the root of a signed checkpoint."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from infrastructure.event_log.event_codec import EventCodec, digest
from infrastructure.ledger.archive.lines import ArchiveWriter
from infrastructure.ledger.chain import Broken
from infrastructure.ledger.checkpoint import SignedCheckpoint
from infrastructure.ledger.tree import Span, TreeRoot, leaf_hash, subtrees
from infrastructure.ledger.tree_rows import LedgerTree, tree_of
from infrastructure.privacy.field_encryption import personal_fields

_COLUMNS = """e.notification_id, (extract(epoch FROM e.recorded_at) * 1000000)::bigint, e.event_id, e.originator_id,
    e.originator_version, e.topic, e.state, e.metadata::text, e.digest"""
_OF_STREAMS = f"""
    SELECT {_COLUMNS} FROM unnest(%(streams)s::uuid[], %(versions)s::bigint[]) s (id, version)
    JOIN log.stored_events e ON e.originator_id = s.id AND e.originator_version <= s.version
    WHERE e.notification_id <= %(upto)s ORDER BY e.notification_id"""  # noqa: S608  written here
_OF_RANGE = f"""
    SELECT {_COLUMNS} FROM log.stored_events e
    WHERE e.notification_id BETWEEN %(since)s AND %(upto)s ORDER BY e.notification_id"""  # noqa: S608  written here
_BATCHES = "SELECT min(since), max(upto) FROM log.seal WHERE upto >= %(since)s AND since <= %(upto)s"
_SEALS = """
    SELECT since, upto, (extract(epoch FROM at) * 1000000)::bigint, hash, version, keys_upto, keys,
           (SELECT p.hash FROM log.seal p WHERE p.upto = s.since - 1)
    FROM log.seal s WHERE upto >= %(since)s AND since <= %(upto)s ORDER BY upto"""
_KEYS = "SELECT subject, key, master FROM keyring.person WHERE subject = %s"
_EVERY_VERSION = 2**62
_PERSONS = 10_000  # whose keys are remembered

Viewed = Callable[[Collection[UUID]], Awaitable[None]]
"""Records that what is personal of these persons is told to someone; called before it is written."""


@dataclass(frozen=True)
class ArchiveScope:
    """What an archive has. `streams`: each with the last version that belongs in it; None: all streams.

    `since`, `upto`: positions, whose whole batches are in it, with all other events withheld; None: no range.
    """

    about: Mapping[str, str | None]
    streams: Mapping[UUID, int] | None = None
    since: int | None = None
    upto: int | None = None

    @staticmethod
    def of_stream(stream: UUID) -> ArchiveScope:
        return ArchiveScope({"stream": str(stream)}, {stream: _EVERY_VERSION})

    def has(self, row: ArchivedRow) -> bool:
        return self.streams is None or row.version <= self.streams.get(row.stream, 0)


class ArchivedRow(NamedTuple):
    """An event as it is stored. `at`: in microseconds since 1970."""

    position: int
    at: int
    id: UUID
    stream: UUID
    version: int
    topic: str
    state: bytes
    metadata: str
    digest: bytes


class ArchiveExport:
    """Writes the lines of one archive. `codec`: to tell what is personal; None: nothing is told."""

    def __init__(
        self,
        connection: AsyncConnection,
        out: ArchiveWriter,
        codec: EventCodec | None = None,
        progress: Callable[[int, int], None] | None = None,
        viewed: Viewed | None = None,
    ) -> None:
        self._connection = connection
        self._out = out
        self._codec = codec
        self._progress = progress
        self._viewed = viewed
        self._keys: dict[UUID, tuple[bytes, str]] = {}
        self._root = TreeRoot()

    async def write(self, scope: ArchiveScope, checkpoint: SignedCheckpoint, text: str) -> None:
        """All lines but the end. `text`: the checkpoint, of version 2. Raises Broken if the log is another."""
        async with self._connection.transaction():
            await self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            size = checkpoint.heads.log.position
            tree = (await tree_of(self._connection)).upto(size)
            about = {"scope": {**scope.about}, "told": self._codec is not None, "checkpoint": json.loads(text)}
            self._out.line("header", format=1, **about)
            if scope.since is None:
                await self._streams(scope, tree)
            else:
                await self._range(scope, tree)
            await self._nodes(tree, size)
        if self._root.root() != checkpoint.heads.root:
            raise Broken(f"checkpoint: the tree up to position {size} is not what was signed")

    async def _streams(self, scope: ArchiveScope, tree: LedgerTree) -> None:
        streams = scope.streams or {}
        values = {"streams": [*streams], "versions": [*streams.values()], "upto": tree.size}
        async with self._rows(_OF_STREAMS, values) as rows:
            async for row in rows:
                await self._nodes(tree, row.position - 1)
                await self._event(row)
                self._step(row.position, tree.size)

    async def _range(self, scope: ArchiveScope, tree: LedgerTree) -> None:
        values = {"since": scope.since, "upto": tree.size if scope.upto is None else min(scope.upto, tree.size)}
        first, last = await (await self._connection.execute(_BATCHES.encode(), values)).fetchone() or (None, None)
        if first is None:
            return
        await self._nodes(tree, first - 1)
        values = {"since": first, "upto": last}
        async with self._connection.cursor("sealed") as seals, self._rows(_OF_RANGE, values) as rows:
            await seals.execute(_SEALS.encode(), values)
            async for since, upto, *sealed in seals:
                self._seal(since, upto, *sealed)
                for _ in range(since, upto + 1):
                    await self._of_range(await anext(rows), scope)
                self._step(upto - first + 1, last - first + 1)

    async def _of_range(self, row: ArchivedRow, scope: ArchiveScope) -> None:
        if scope.has(row):
            await self._event(row)
        else:
            self._out.line("withheld", position=row.position, digest=row.digest.hex())
            self._root.add(leaf_hash(row.digest, row.position, row.at))

    @asynccontextmanager
    async def _rows(self, query: str, values: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[ArchivedRow]]:
        async with self._connection.cursor("archived") as cursor:
            cursor.itersize = 500
            await cursor.execute(query.encode(), values)
            yield (ArchivedRow._make(row) async for row in cursor)

    async def _nodes(self, tree: LedgerTree, upto: int) -> None:
        """The subtrees from where the archive is, to a position."""
        for span in subtrees(Span(self._root.size, upto)):
            found = await tree.hash_of(span)
            self._out.line("node", first=span.first + 1, last=span.end, hash=found.hex())
            self._root.add(found, span.size)

    def _seal(self, since: int, upto: int, at: int, sealed: bytes, version: int, *rest: Any) -> None:
        keys_upto, keys, previous = rest
        named = {"keys_upto": keys_upto, "keys": keys.hex() if keys else None, "previous": (previous or b"").hex()}
        self._out.line("seal", since=since, upto=upto, at=at, version=version, hash=sealed.hex(), **named)

    async def _event(self, row: ArchivedRow) -> None:
        recomputed = digest(row.id, row.stream, row.version, row.topic, row.state, row.metadata)
        if recomputed != row.digest:
            raise Broken(f"event {row.position}: its digest does not hold")
        named = {"id": str(row.id), "stream": str(row.stream), "version": row.version, "topic": row.topic}
        stored = {"state": row.state.decode(), "metadata": row.metadata, "digest": row.digest.hex()}
        self._out.line("event", position=row.position, at=row.at, **named, **stored)
        self._root.add(leaf_hash(row.digest, row.position, row.at))
        if self._codec is not None and (told := await self._told(row, self._codec)):
            self._out.line("told", position=row.position, fields=told)

    async def _told(self, row: ArchivedRow, codec: EventCodec) -> dict[str, Any]:
        """What is personal in an event, in clear; nothing of the erased."""
        event = codec.decode(row.topic, row.state, row.stream, row.version)
        personal = codec.personal([event])
        await self._learn({each.subject for each in personal})
        codec.open(personal, {each.subject: key for each in personal if (key := self._keys.get(each.subject))})
        fields = {name: getattr(event, name) for name in personal_fields(type(event))}
        return {name: each.value for name, each in fields.items() if each is not None and each.value is not None}

    async def _learn(self, persons: set[UUID]) -> None:
        if len(self._keys) > _PERSONS:
            self._keys.clear()
        new = persons - self._keys.keys()
        for person in new:
            found = await (await self._connection.execute(_KEYS.encode(), [person])).fetchone()
            if found is not None:
                self._keys[person] = (found[1], found[2])
        if (told := new & self._keys.keys()) and self._viewed is not None:
            await self._viewed(told)

    def _step(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)
