"""The journal on PostgreSQL: the writer, and a pool for reading."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from application.event_log import Unavailable
from infrastructure.database.database_clock import DatabaseClock
from infrastructure.database.pool_waits import INDEX_PLANS, MeasuredPool
from infrastructure.database.timeouts import severed_after
from infrastructure.event_log.aggregate_cache import SIZE
from infrastructure.event_log.append_call import as_arrays
from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.group_commit import GroupCommitWriter
from infrastructure.event_log.journal import AppendResult, DuplicateCommand, LogEntry, MissedEvent, StaleReads
from infrastructure.event_log.log_head import HOLDS, KnownHead, LogSeal
from infrastructure.privacy.master_keys import MasterKeys
from infrastructure.privacy.person_keys import PersonKeys
from projections.query.gathered_calls import GatheredCalls

APPLICATION_NAME = "daybook-store"
"""Of the connections that read the log."""
READS, READS_AT_ONCE = 64, 2
"""So many requests read, or peek at, their streams by one statement, and so many such statements run at once."""
_HEAD = f"""
    SELECT (SELECT max(upto) FROM log.seal), (SELECT hash FROM log.seal ORDER BY upto DESC LIMIT 1), {HOLDS},"""  # noqa: S608
_READ = f"""{_HEAD}
    originator_id, originator_version, topic, state FROM log.stored_events
    WHERE originator_id = ANY(%b::uuid[]) ORDER BY originator_id, originator_version"""
_READ_UNTIL = f"""{_HEAD}
    originator_id, originator_version, topic, state FROM log.stored_events
    WHERE originator_id = %b AND originator_version <= %b ORDER BY originator_version"""
_READ_AFTER = f"""{_HEAD}
    notification_id, originator_id, originator_version, topic, state FROM log.stored_events
    WHERE notification_id > greatest(%b, (SELECT max(upto) FROM log.seal) - %b) ORDER BY notification_id"""  # noqa: S608
_PEEK = f"""{_HEAD}
    r.stream, r.version, e.originator_version, e.topic, e.state,
    k.stream, k.version, k.position, k.fingerprint
    FROM unnest(%b::uuid[], %b::bigint[]) r (stream, version)
    LEFT JOIN LATERAL (
        SELECT * FROM log.stored_events s
        WHERE s.originator_id = r.stream AND s.originator_version >= r.version
        ORDER BY s.originator_version OFFSET 0) e ON true
    LEFT JOIN log.command_key k ON k.key = %b
    ORDER BY r.stream, e.originator_version"""  # noqa: S608  all of it is written here


class RecordedAt(NamedTuple):
    """A stored event and its position."""

    position: int
    event: MissedEvent


class _Peeked(NamedTuple):
    """The log's last position, what is kept of a key, and by stream and version read: that event and later ones."""

    position: int
    kept: DuplicateCommand | None
    events: Mapping[tuple[UUID, int], Sequence[MissedEvent]]


class PostgresJournal:
    """The journal on PostgreSQL 15 and later. `dsn`: the application's role."""

    def __init__(self, dsn: str, *, pool_size: int = 10, queue_size: int = 4_096, patience: float = 5.0) -> None:
        self._clock = DatabaseClock()
        self._patience = patience
        self.known = KnownHead()
        self._epochs: WeakKeyDictionary[AsyncConnection, int] = WeakKeyDictionary()
        self.writer = GroupCommitWriter(dsn, self._clock, self.known, queue_size=queue_size, patience=patience)
        self._pool = MeasuredPool(
            dsn,
            min_size=1,
            max_size=pool_size,
            timeout=patience,
            open=False,
            configure=self._stamp,
            kwargs={
                "autocommit": True,
                "application_name": APPLICATION_NAME,
                "options": INDEX_PLANS,
                "connect_timeout": max(2, ceil(patience)),
            },
        )
        self.keys = PersonKeys(self._pool, patience)
        self._reads = GatheredCalls(self._read, "reads of streams", most=READS, at_once=READS_AT_ONCE)
        self._peeks = GatheredCalls(self._peek, "peeks at streams", most=READS, at_once=READS_AT_ONCE)

    @property
    def epoch(self) -> int:
        return self.known.epoch

    async def open(self) -> None:
        """Connect; raises psycopg.OperationalError when there is no database."""
        await self.writer.open()
        await self._pool.open(wait=True, timeout=self._patience)

    async def close(self) -> None:
        """Record queued commands, then disconnect."""
        await self.writer.close()
        await self._pool.close(timeout=self._patience)

    def now(self) -> datetime:
        return self._clock.now()

    async def append(self, entry: LogEntry) -> AppendResult:
        return await self.writer.append(entry)

    async def read(self, streams: Sequence[UUID]) -> Sequence[MissedEvent]:
        found = await self._reads.add(streams)
        return [event for stream in streams for event in found.get(stream, ())]

    async def _read(self, wanted: Sequence[Sequence[UUID]]) -> Mapping[UUID, Sequence[MissedEvent]]:
        """The events of the streams of several requests, by stream."""
        found = defaultdict[UUID, list[MissedEvent]](list)
        for _, _, _, *event in await self._select(_READ, [list({*chain(*wanted)})]):
            found[event[0]].append(MissedEvent(*event))
        return found

    async def read_until(self, stream: UUID, version: int) -> Sequence[MissedEvent]:
        return [MissedEvent(*event) for _, _, _, *event in await self._select(_READ_UNTIL, [stream, version])]

    async def read_after(self, position: int, most: int) -> Sequence[RecordedAt]:
        """The events after a position, in order; of more than `most` the last ones."""
        rows = await self._select(_READ_AFTER, [position, most])
        return [RecordedAt(at, MissedEvent(*event)) for _, _, _, at, *event in rows]

    async def head(self) -> int:
        """The position of the last event."""
        position = await self.peek(None, {})
        assert isinstance(position, int)  # nothing is asked that could be stale or a duplicate
        return position

    async def peek(self, key: bytes | None, reads: Mapping[UUID, int]) -> DuplicateCommand | StaleReads | int:
        found = await (self._peeks.add(reads) if key is None else self._peek([reads], key))
        if found.kept is not None:
            return found.kept
        seen = [(version, found.events.get((stream, version), ())) for stream, version in reads.items()]
        missed = [event for version, events in seen for event in events if event.version > version]
        # A stream that is shorter than what was read of it has no such version any more.
        there = all(version in {0, *(event.version for event in events)} for version, events in seen)
        return found.position if there and not missed else StaleReads(missed, reads)

    async def _peek(self, wanted: Sequence[Mapping[UUID, int]], key: bytes | None = None) -> _Peeked:
        """What several requests have read, beside the log; the key is of one."""
        read = list({*chain(*(each.items() for each in wanted))}) or [(UUID(int=0), 0)]
        rows = await self._select(_PEEK, [*map(list, zip(*read, strict=True)), key])
        position, *_, kept_stream, kept_version, kept_position, fingerprint = rows[0]
        kept = None if kept_stream is None else DuplicateCommand(kept_stream, kept_version, kept_position, fingerprint)
        events = defaultdict[tuple[UUID, int], list[MissedEvent]](list)
        for _, _, _, stream, version, *event, _, _, _, _ in rows:
            if event[0] is not None:
                events[stream, version].append(MissedEvent(stream, *event))
        return _Peeked(position or 0, kept, events)

    async def _stamp(self, connection: AsyncConnection) -> None:
        self._epochs[connection] = self.known.epoch

    def _is_known(self, epoch: int, seals: Collection[LogSeal], rows: Sequence[tuple[Any, ...]]) -> bool:
        """Whether the rows come from the log of this epoch."""
        if not rows:
            return True
        position, seal, held = rows[0][:3]
        if not held:
            self.known.end(epoch, position)
        elif epoch == self.known.epoch:
            self.known.saw(seals, position, seal)
        return bool(held)

    async def _select(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows, each after three columns about the log's head.

        Retries until patience ends, where the connection was dead or led to another log.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._patience
        while (left := until - clock()) > 0:
            connection = None
            try:
                async with self._pool.connection(left) as connection:
                    epoch, seals = self.known.epoch, self.known.seals
                    if self._epochs[connection] != epoch:
                        await connection.close()  # opened before the log was replaced: it may lead to the old server
                        continue
                    with severed_after(connection, left):
                        cursor = await connection.execute(
                            query, [*as_arrays(seals), *values], binary=True, prepare=True
                        )
                        rows = await cursor.fetchall()
            except (PoolTimeout, psycopg.OperationalError) as error:
                if connection is None or not connection.closed:
                    raise Unavailable("The database does not answer.") from error
            else:
                if self._is_known(epoch, seals, rows):
                    return rows
        raise Unavailable("The database does not answer.")


def postgres_store(
    dsn: str, masters: MasterKeys, *, cache_size: int = SIZE, deadline: float = 5.0, **options: Any
) -> EventStore:
    """A store on PostgreSQL; `store.journal.open()` it. `cache_size`: bytes. `options`: of PostgresJournal."""
    journal = PostgresJournal(dsn, **options)
    store = EventStore(journal, masters, cache_size=cache_size, deadline=deadline)
    journal.known.on_end = store.cache.clear
    return store
