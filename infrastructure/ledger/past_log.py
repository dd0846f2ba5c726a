"""The event log at all its positions, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from application.past import LogMoment, PastEvent, When
from domain.errors import NotFound
from domain.kernel import Aggregate
from infrastructure.database.row_pool import Row, RowPool
from infrastructure.event_log.event_codec import EventCodec, evolve
from infrastructure.privacy.master_keys import MasterKeys
from projections.query.snapshot import BeyondHead

A = TypeVar("A", bound=Aggregate)

_HEAD = "SELECT coalesce(max(upto), 0) FROM log.seal"
# Several seals may have one time, while the log's time waits for the clock: the last of them is the one that held.
_LAST_BY = "SELECT upto FROM log.seal WHERE at <= %s ORDER BY at DESC, upto DESC LIMIT 1"
_MOMENT = """
    SELECT (SELECT at FROM log.seal WHERE upto >= %(position)s AND %(position)s > 0 ORDER BY upto LIMIT 1),
           (SELECT at FROM log.seal WHERE upto > %(position)s ORDER BY upto LIMIT 1)"""
_COLUMNS = "originator_id, originator_version, topic, state, notification_id, recorded_at, metadata"
_EVENTS = f"""
    SELECT {_COLUMNS} FROM log.stored_events
    WHERE originator_id = ANY(%s::uuid[]) AND notification_id <= %s
    ORDER BY originator_id, originator_version"""  # noqa: S608  all of it is written here
_FOLLOWING = f"""
    SELECT {_COLUMNS} FROM log.stored_events
    WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version LIMIT %s"""  # noqa: S608
_RECORDED = f"""
    SELECT {_COLUMNS} FROM log.stored_events
    WHERE notification_id = ANY(%s::bigint[]) ORDER BY notification_id"""  # noqa: S608
_KEYS = "SELECT subject, key, master FROM keyring.person WHERE subject = ANY(%s::uuid[])"


class PastLog:
    """Positions, and streams up to a position. Raises psycopg.OperationalError and PoolTimeout."""

    def __init__(self, rows: RowPool, masters: MasterKeys) -> None:
        self._rows = rows
        self._codec = EventCodec(masters)

    async def moment(self, when: When | None) -> LogMoment:
        """The moment of a position or an instant; None: the end of the log. Raises BeyondHead."""
        position = await self._position(when)
        found = await self._rows.one(_MOMENT, {"position": position})
        assert found is not None
        return LogMoment(position, *found)

    async def _position(self, when: When | None) -> int:
        if isinstance(when, datetime):
            last = await self._rows.one(_LAST_BY, [when])
            return last[0] if last else 0
        head = await self._rows.one(_HEAD)
        assert head is not None
        if when is not None and when > head[0]:
            raise BeyondHead(head[0], when)
        return int(head[0]) if when is None else when

    def at(self, position: int) -> PastStreams:
        """The aggregates as they were at a position."""
        return PastStreams(self, position, position, {})

    async def events(self, streams: Iterable[UUID], position: int) -> Sequence[PastEvent]:
        """The events of streams up to a position, each stream in order."""
        return await self._decoded(await self._rows.all(_EVENTS, [list(streams), position]))

    async def following(self, stream: UUID, version: int, limit: int) -> Sequence[PastEvent]:
        """The events of a stream after a version, in order, at most `limit`."""
        return await self._decoded(await self._rows.all(_FOLLOWING, [stream, version, limit]))

    async def recorded(self, positions: Collection[int]) -> Sequence[PastEvent]:
        """The events at these positions, in the order of the log."""
        return await self._decoded(await self._rows.all(_RECORDED, [list(positions)]))

    async def _decoded(self, rows: Iterable[Row]) -> Sequence[PastEvent]:
        found = [
            PastEvent(stream, version, topic, self._codec.decode(topic, state, stream, version), *rest)
            for stream, version, topic, state, *rest in rows
        ]
        personal = self._codec.personal(each.event for each in found)
        if personal:
            keys = await self._rows.all(_KEYS, [list({each.subject for each in personal})])
            self._codec.open(personal, {subject: (key, master) for subject, key, master in keys})
        return found


class PastStreams:
    """Aggregates as they were at one position. `events`: of the streams that were read, up to position `upto`."""

    def __init__(self, log: PastLog, position: int, upto: int, events: dict[UUID, Sequence[PastEvent]]) -> None:
        self._log = log
        self._position = position
        self._upto = upto
        self._events = events
        self._known: dict[UUID, Aggregate | None] = {}

    def earlier(self, position: int) -> PastStreams:
        """The same as it was before, at a lower position. Streams that were read are not read again."""
        return PastStreams(self._log, position, self._upto, self._events)

    async def read_ahead(self, streams: Collection[UUID]) -> None:
        """Read the streams together, of which `state` will be asked."""
        missing = {stream: list[PastEvent]() for stream in streams if stream not in self._events}
        for each in await self._log.events(missing, self._upto) if missing else ():
            missing[each.stream].append(each)
        self._events.update(missing)

    async def state(self, stream: UUID) -> Aggregate | None:
        if stream not in self._known:
            if stream not in self._events:
                self._events[stream] = await self._log.events([stream], self._upto)
            past = [each.event for each in self._events[stream] if each.position <= self._position]
            self._known[stream] = evolve(None, past)
        return self._known[stream]

    async def find(self, kind: type[A], id: UUID) -> A | None:
        found = await self.state(id)
        return found if isinstance(found, kind) else None

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        return [await self.find(kind, id) for id in ids]

    async def load(self, kind: type[A], id: UUID) -> A:
        found = await self.find(kind, id)
        if found is None:
            raise NotFound(kind.__name__.lower(), id)
        return found
