"""The base of every aggregate: identity, versions, and events named after their class.

The only module that adapts the modelling classes of the `eventsourcing` library.
"""

import os
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Self, TypeVar
from uuid import UUID, SafeUUID, uuid5

from eventsourcing.domain import AggregateCreated, AggregateEvent, BaseAggregate, MetaAggregate, event

__all__ = ["Aggregate", "derived_id", "event", "new_id"]

K = TypeVar("K")
V = TypeVar("V")
_NAMESPACE = UUID("6f3b2b3e-6c1c-5c1f-9d0a-646179626f6f")
_RANDOM_BITS = ((1 << 80) - 1) & ~(0xF << 76) & ~(0x3 << 62)
_VERSION_7 = 0x7 << 76 | 0x2 << 62
_drawn: list[int] = []  # random numbers of 80 bits: one call of the system draws many
os.register_at_fork(after_in_child=_drawn.clear)  # or both processes would make the same ids


def new_id() -> UUID:
    """A time-ordered id (UUIDv7, RFC 9562): events close in time are close in the index."""
    if not _drawn:
        many = os.urandom(10 * 128)
        _drawn.extend(int.from_bytes(many[n : n + 10]) for n in range(0, len(many), 10))
    millis = time.time_ns() // 1_000_000
    id = object.__new__(UUID)  # its constructor checks what is right by construction
    object.__setattr__(id, "int", (millis & 0xFFFFFFFFFFFF) << 80 | _drawn.pop() & _RANDOM_BITS | _VERSION_7)
    object.__setattr__(id, "is_safe", SafeUUID.unknown)
    return id


@lru_cache(maxsize=16_384)  # half a kilobyte each
def derived_id(*parts: object) -> UUID:
    """An id that follows from the parts: of a Day, a schedule, a tag."""
    return uuid5(_NAMESPACE, ":".join(map(str, parts)))


class _Named(MetaAggregate[Any]):
    """Gives each event class the stable topic 'Aggregate.Event', wherever its module moves to."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        namespace.setdefault("TOPIC", "" if name == "Aggregate" else name)
        return super().__new__(mcs, name, bases, namespace)

    def _define_event_class(cls, name: str, *args: Any, **kwargs: Any) -> Any:
        event_class: Any = super()._define_event_class(name, *args, **kwargs)
        event_class.TOPIC = f"{cls.__name__}.{name}"
        return event_class


class Aggregate(BaseAggregate[UUID], metaclass=_Named):
    """A consistency boundary with one stream of events.

    Recorders (`@event`) assign new values and never change a container in place,
    so that `own_copy` may share state with the cached original. `put` and `drop` keep to that.
    """

    _unshared = False
    """While a stream is read from its start: nobody else has a part of the aggregate, so nothing need be copied."""

    class Event(AggregateEvent):
        """Something that happened to the aggregate."""

    class Created(Event, AggregateCreated):
        """The first event of a stream."""

    def trigger_event(self, event_class: type[Any], **kwargs: Any) -> None:
        """Record an event. The caller passes `timestamp` (aware, UTC), because the domain has no clock."""
        new_event = event_class(originator_id=self._id, originator_version=self._version + 1, **kwargs)
        new_event.mutate(self)
        self._pending_events.append(new_event)

    def read_on(self, events: Iterable[Any]) -> None:
        """Apply the rest of the stream to an aggregate that was just made from its first event."""
        self._unshared = True
        for later in events:
            later.mutate(self)
        del self._unshared

    def put(self, items: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
        """The items with this one, for a recorder to assign: a copy, unless the stream is being read from its start."""
        if self._unshared and isinstance(items, dict):
            items[key] = value
            return items
        return {**items, key: value}

    def drop(self, items: Mapping[K, V], key: K) -> Mapping[K, V]:
        """As `put`, without this item."""
        if self._unshared and isinstance(items, dict):
            items.pop(key, None)
            return items
        left = dict(items)
        left.pop(key, None)
        return left

    def own_copy(self) -> Self:
        """A copy to change. Cheap: recorders never change a container in place."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._pending_events = []
        return copy

    @property
    def created_at(self) -> datetime:
        """The time of the first event, UTC."""
        return self._created_on

    @property
    def updated_at(self) -> datetime:
        """The time of the last event, UTC."""
        return self._modified_on
