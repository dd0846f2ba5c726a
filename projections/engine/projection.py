"""A projection: a name, tables, and a function from an event to row changes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table

from projections.engine.row_batch import RowBatch


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
        """The actor and the request; parsed on demand, since few projections need it."""
        metadata: dict[str, Any] = json.loads(self.context)
        return metadata


@dataclass(frozen=True)
class Projection:
    """Keeps its own tables up to date with the log, and reads no other projection's tables.

    `project` turns one event into row changes; it sees each event once, in order, and has no other source.
    """

    name: str
    tables: Sequence[Table]
    project: Callable[[RecordedEvent, RowBatch], None]
