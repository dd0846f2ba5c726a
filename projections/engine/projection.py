"""What a read model is made by: a name, tables, and a function from an event to row changes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table

from projections.engine.row_batch import RowBatch


class RecordedEvent(NamedTuple):
    """An event as the log has it. `position` counts all events, `version` those of its stream.

    `calendar`: whose calendar a Day's or Schedule's stream is about, None for other streams.
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
        """Who did it and in which request; parsed when asked for, since few readers do."""
        said: dict[str, Any] = json.loads(self.context)
        return said


@dataclass(frozen=True)
class Projection:
    """Keeps its own tables true to the log, and relies on no other reader's.

    `project` turns one event into row changes; it sees each event once, in order, and has no other source.
    """

    name: str
    tables: Sequence[Table]
    project: Callable[[RecordedEvent, RowBatch], None]
