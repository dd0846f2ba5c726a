"""The events of some streams, for data exports. Read from the log itself."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from projections.engine.event_feed import EventDecoder
from projections.query.paging import Page
from projections.query.snapshot import Snapshot
from projections.read_models import history
from projections.read_models.history import HistoryEntry

_PAGE = 200


async def everything(read: Snapshot, streams: Iterable[UUID], codec: EventDecoder) -> Sequence[HistoryEntry]:
    """Every event of the streams, oldest first; personal data in plain."""
    found: list[HistoryEntry] = []
    for stream in streams:
        after = None
        while True:
            items, after = await history.of(read.connection, stream, Page(_PAGE, after), codec)
            found += items
            if after is None:
                break
    return sorted(found, key=lambda item: item.position)
