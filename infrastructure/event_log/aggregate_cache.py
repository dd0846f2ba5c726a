"""Aggregates that this process read, and streams without events; the least recently used are evicted.

Bounded in bytes, as a Day of 48 seats takes ten times the memory of an appointment. Sizes are estimated from versions:
measuring an aggregate takes longer than reading it. Measured: 1.7 to 3.5 kB an aggregate, 0.7 kB a seat of a Day.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain.kernel import Aggregate
from infrastructure.event_log.event_codec import decode, evolve
from infrastructure.event_log.journal import MissedEvent

EMPTY, AGGREGATE, EVENT = 300, 2_500, 700
"""Bytes of a stream without events, of an aggregate, and of each of its events, about."""
SIZE = 64_000_000
UNKNOWN: Any = object()
"""The stream is not in the cache; it may have events or none."""


class AggregateCache:
    """Maps a stream to its aggregate, or None while it has no events. Never goes back to an older version.

    `size`: bytes, about.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._bytes = 0
        self._known: OrderedDict[UUID, Aggregate | None] = OrderedDict()

    def __contains__(self, stream: UUID) -> bool:
        return stream in self._known

    def get(self, stream: UUID) -> Any:
        """The stream's aggregate, None while it has no events, UNKNOWN if it is not in the cache."""
        known = self._known.get(stream, UNKNOWN)
        if known is not UNKNOWN:
            self._known.move_to_end(stream)
        return known

    def put(self, stream: UUID, aggregate: Aggregate | None) -> None:
        """Cache the aggregate, unless a newer version is cached."""
        known = self._known.get(stream)
        if known is not None and (aggregate is None or aggregate.version <= known.version):
            return
        self._set(stream, aggregate)
        self._known.move_to_end(stream)
        self._evict()

    def _set(self, stream: UUID, aggregate: Aggregate | None) -> None:
        before = self._known.get(stream, UNKNOWN)
        self._bytes += _bytes(aggregate) - (0 if before is UNKNOWN else _bytes(before))
        self._known[stream] = aggregate

    def _evict(self) -> None:
        while self._bytes > self._size and len(self._known) > 1:
            self._bytes -= _bytes(self._known.popitem(last=False)[1])

    def drop(self, streams: Iterable[UUID]) -> None:
        """Drop these streams."""
        for stream in streams:
            known = self._known.pop(stream, UNKNOWN)
            self._bytes -= 0 if known is UNKNOWN else _bytes(known)

    def clear(self) -> None:
        """Drop everything."""
        self._known.clear()
        self._bytes = 0

    def load(self, streams: Iterable[UUID], events: Sequence[MissedEvent]) -> dict[UUID, Aggregate | None]:
        """Cache whole streams (each in order, from its start); their aggregates."""
        loaded: dict[UUID, Aggregate | None] = dict.fromkeys(streams)
        for stream, own in groupby(events, attrgetter("stream")):
            loaded[stream] = evolve(None, [_event(e) for e in own])
        for stream, aggregate in loaded.items():
            self.put(stream, aggregate)
        return loaded

    def advance(self, events: Sequence[MissedEvent]) -> None:
        """Bring cached streams up to date with missed events; a stream with a gap is dropped."""
        for stream, own in groupby(events, attrgetter("stream")):
            if stream not in self._known:
                continue
            known = self._known[stream]
            version = known.version if known else 0
            later = [e for e in own if e.version > version]
            if later and later[0].version == version + 1:
                copy = known.own_copy() if known else None
                self._set(stream, evolve(copy, [_event(e) for e in later]))
            elif later:
                self.drop([stream])
        self._evict()


def _bytes(aggregate: Aggregate | None) -> int:
    return EMPTY if aggregate is None else AGGREGATE + EVENT * aggregate.version


def _event(e: MissedEvent) -> object:
    return decode(e.topic, e.state, e.stream, e.version)
