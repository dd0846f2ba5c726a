"""The lag of projections behind the log, measured by the leading projector."""

from collections.abc import Mapping

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.apply import Checkpoint
from projections.engine.event_feed import HEAD

LEADING = Gauge("daybook_projector_leading", "1 if this process updates the read models, else 0")


class OtherRelease(Exception):
    """The live read models have other tables than those that this release writes."""


def _gauge(name: str, documentation: str) -> Gauge:
    """A gauge per projection. Of several processes that share their metrics, the last that measured counts."""
    return Gauge(name, documentation, ["reader"], multiprocess_mode="mostrecent")


POSITIONS = _gauge("daybook_reader_lag_positions", "Events yet to be read")
SECONDS = _gauge("daybook_reader_lag_seconds", "Age of the oldest event yet to be read")
AHEAD = Gauge(
    "daybook_log_ahead_seconds",
    "How far the time of the log is ahead of the database's clock; it stands still until the clock has caught up",
    multiprocess_mode="mostrecent",
)
STOPPED = _gauge("daybook_reader_stopped", "1 if an event has stopped the projection, else 0")

_CHECKPOINTS = text(f"""
    SELECT generation, b.reader, b.position, b.stopped_at, b.fingerprint,
           {HEAD} - b.position AS positions,
           coalesce(greatest(extract(epoch FROM (
               SELECT at FROM log.seal ORDER BY upto DESC LIMIT 1) - clock_timestamp()), 0), 0) AS ahead,
           coalesce(greatest(extract(epoch FROM clock_timestamp() - (
               SELECT recorded_at FROM log.stored_events WHERE notification_id > b.position
               ORDER BY notification_id LIMIT 1)), 0), 0) AS seconds
    FROM read.live JOIN read.bookmark b USING (generation)""")  # noqa: S608  all of it is written here


async def measure(
    connection: AsyncConnection, shapes: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Checkpoint], int]:
    """The live generation, its projections' checkpoints, and the log's head; sets the gauges of their lag.

    Raises OtherRelease where the tables of a projection have another fingerprint than in `shapes`.
    """
    generation, checkpoints, head = 0, {}, 0
    for row in await connection.execute(_CHECKPOINTS):
        if shapes is not None and row.reader in shapes and row.fingerprint != shapes[row.reader]:
            raise OtherRelease(f"The read models of generation {row.generation} are those of another release.")
        generation, checkpoints[row.reader] = row.generation, Checkpoint(row.position, row.stopped_at)
        head = row.position + row.positions
        POSITIONS.labels(row.reader).set(row.positions)
        SECONDS.labels(row.reader).set(float(row.seconds))
        AHEAD.set(float(row.ahead))
        STOPPED.labels(row.reader).set(row.stopped_at is not None or row.positions < 0)
    return generation, checkpoints, head


def leadership_lost() -> None:
    """Another process measures from now on."""
    LEADING.set(0)
