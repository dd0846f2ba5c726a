"""How far behind are the readers? Measured by the leading projector."""

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.apply import Checkpoint

LEADING = Gauge("daybook_projector_leading", "1 if this process keeps the read models, else 0")


def _of_reader(name: str, said: str) -> Gauge:
    """Of several processes that keep their metrics together, the one that measured last is right."""
    return Gauge(name, said, ["reader"], multiprocess_mode="mostrecent")


POSITIONS = _of_reader("daybook_reader_lag_positions", "Events yet to be read")
SECONDS = _of_reader("daybook_reader_lag_seconds", "Age of the oldest event yet to be read")
STOPPED = _of_reader("daybook_reader_stopped", "1 if an event has stopped the reader, else 0")

_LOOK = text("""
    SELECT generation, b.reader, b.position, b.stopped_at,
           coalesce((SELECT max(notification_id) FROM log.stored_events) - b.position, 0) AS positions,
           coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT recorded_at FROM log.stored_events WHERE notification_id > b.position
               ORDER BY notification_id LIMIT 1)), 0) AS seconds
    FROM read.live JOIN read.bookmark b USING (generation)""")


async def look(connection: AsyncConnection) -> tuple[int, dict[str, Checkpoint]]:
    """The live generation and its readers' bookmarks; what they say about lag is exported."""
    generation, bookmarks = 0, {}
    for row in await connection.execute(_LOOK):
        generation, bookmarks[row.reader] = row.generation, Checkpoint(row.position, row.stopped_at)
        POSITIONS.labels(row.reader).set(row.positions)
        SECONDS.labels(row.reader).set(float(row.seconds))
        STOPPED.labels(row.reader).set(row.stopped_at is not None)
    return generation, bookmarks


def lead_lost() -> None:
    """Another process measures from now on."""
    LEADING.set(0)
