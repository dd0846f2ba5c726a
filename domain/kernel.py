"""The base of every aggregate: identity, versions, and events named after their class.

The only module that adapts the modelling classes of the `eventsourcing` library.
"""

import os
import time
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID, uuid5

from eventsourcing.domain import AggregateCreated, AggregateEvent, BaseAggregate, MetaAggregate, event

__all__ = ["Aggregate", "derived_id", "event", "new_id"]

_NAMESPACE = UUID("6f3b2b3e-6c1c-5c1f-9d0a-646179626f6f")


def new_id() -> UUID:
    """A time-ordered id (UUIDv7, RFC 9562): events close in time are close in the index."""
    millis = time.time_ns() // 1_000_000
    value = (millis & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


@lru_cache(maxsize=100_000)
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
    so that `own_copy` may share state with the cached original.
    """

    class Event(AggregateEvent):
        """Something that happened to the aggregate."""

    class Created(Event, AggregateCreated):
        """The first event of a stream."""

    def trigger_event(self, event_class: type[Any], **kwargs: Any) -> None:
        """Record an event. The caller passes `timestamp` (aware, UTC), because the domain has no clock."""
        new_event = event_class(originator_id=self._id, originator_version=self._version + 1, **kwargs)
        new_event.mutate(self)
        self._pending_events.append(new_event)

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
