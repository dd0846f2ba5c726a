"""A projection: a name, tables, and a function from an event to row changes."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table

from domain.kernel import Aggregate
from projections.engine.row_batch import RowBatch


@lru_cache(maxsize=1024)
def _parsed(context: str) -> Mapping[str, Any]:
    metadata: dict[str, Any] = json.loads(context)
    return MappingProxyType(metadata)


class RecordedEvent(NamedTuple):
    """An event of the log. `position` counts all events, `version` those of its stream.

    `calendar`: the provider whose calendar a Day's or Schedule's stream is about, None for other streams.
    """

    position: int
    at: datetime
    stream: UUID
    version: int
    event: object
    context: str
    calendar: UUID | None = None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The actor and the request; parsed on demand, and once for the events of a command."""
        return _parsed(self.context)


class UndecodableEvent(NamedTuple):
    """Stands for an event that this release can't decode: of an unknown kind, say, or damaged.

    `topic`: empty for an event that is missing, which every projection may need.
    """

    topic: str
    error: Exception


@dataclass(frozen=True)
class Projection:
    """Keeps its own tables up to date with the log, and reads no other projection's tables.

    `project` turns one event into row changes; it sees each event once, in order, and has no other source.
    `handles`: the aggregates whose events it uses; none: those of all. An event that can't be decoded stops the
    projection if it belongs to one of them; the projection skips all others. `undecoded`: it needs only where events
    are, and is given all of them. `interval`: seconds between two of its pages while it keeps up, so that it gets more
    events at once; for tables that nobody reads a moment after a change.
    """

    name: str
    tables: Sequence[Table]
    project: Callable[[RecordedEvent, RowBatch], None]
    handles: Collection[type[Aggregate]]
    undecoded: bool = False
    interval: float = 0.0

    def used(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        """Those of the events that may change its rows."""
        handled = tuple(f"{each.__name__}." for each in self.handles)
        kinds: set[Any] = {type(each.event) for each in events}
        used = {kind for kind in kinds if kind is UndecodableEvent or kind.TOPIC.startswith(handled)}
        return [each for each in events if type(each.event) in used] if handled else events

    def apply(self, recorded: RecordedEvent, rows: RowBatch) -> None:
        """Add the event's row changes; raises the error of an event that it needs and that can't be decoded."""
        if type(recorded.event) is not UndecodableEvent or (self.undecoded and recorded.event.topic):
            self.project(recorded, rows)
        elif not recorded.event.topic or any(
            recorded.event.topic.startswith(f"{each.__name__}.") for each in self.handles
        ):
            raise recorded.event.error
