"""One page of events into the tables of all projections: rows and checkpoints, together or not at all."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.event_feed import HEAD
from projections.engine.leader_election import LEASE, PAGE_NAME
from projections.engine.pg_notify import driver_of
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import generation_schema

# The last event is asked for because a server that was superseded may still answer: its page is not written to its
# successor, where other events may have the same positions.
_MOVE = """
    UPDATE read.checkpoint SET position = %(until)s
    WHERE generation = %(generation)s AND reader = ANY(%(names)s) AND position = %(since)s
      AND stopped_at IS NULL
      AND (NOT %(live)s OR EXISTS (SELECT FROM read.live WHERE live.generation = %(generation)s))
      AND EXISTS (
          SELECT FROM log.stored_events
          WHERE originator_id = %(stream)s AND originator_version = %(version)s AND recorded_at = %(recorded_at)s)"""
_STOP = text("""
    UPDATE read.checkpoint SET position = :position, stopped_at = :at, error = :error
    WHERE generation = :generation AND reader = :name""")
_STOP_AHEAD = text(f"""
    UPDATE read.checkpoint b SET stopped_at = b.position, error = :error FROM read.live
    WHERE b.generation = live.generation AND b.position > {HEAD} AND b.stopped_at IS NULL
    RETURNING b.reader, b.position""")  # noqa: S608  all of it is written here
_AHEAD = "The log ends before this position. Run `daybook audit verify` to see why, then `daybook rebuild`."

# A crash loses nothing: the log is read again. A plan made while a table was small must not stay.
_PREPARE = """
    SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
           set_config('app.scope', 'all', true)"""

# A leader that was ousted, wakes, and is paused again holds its locks; no page waits for it for ever.
_LEADING = f"""
    SELECT set_config('application_name', '{PAGE_NAME}', true), set_config('lock_timeout', '{LEASE}', true)"""

logger = structlog.get_logger(__name__)


class Fenced(Exception):
    """Another process has moved these checkpoints, another generation is live, or the page is of another log."""


class Checkpoint(NamedTuple):
    """The position that a projection has reached; `stopped_at`: the position of the event that stopped it."""

    position: int
    stopped_at: int | None = None


async def apply(
    connection: AsyncConnection,
    generation: int,
    projections: Sequence[Projection],
    since: int,
    events: Sequence[RecordedEvent],
    *,
    live: bool = True,
) -> Mapping[str, Checkpoint]:
    """Give the events to projections that are all at `since`; answers the new checkpoints. The caller commits.

    A projection that fails on an event stops before it, and the others go on. `live`: the generation must be
    the one in use. Raises Fenced, and the database's errors unless the event caused them.
    """
    await _claim(connection, generation, projections, since, events[-1], live=live)
    if await _attempt(connection, generation, projections, events) is None:
        return {projection.name: Checkpoint(events[-1].position) for projection in projections}
    # One by one, to find the projection that fails.
    return {projection.name: await _give(connection, generation, projection, events) for projection in projections}


async def stop_ahead(connection: AsyncConnection) -> Mapping[str, Checkpoint]:
    """Stop the projections that are ahead of the log: they would miss what it gets next. The caller commits."""
    stopped = {}
    for name, position in (await connection.execute(_STOP_AHEAD, {"error": _AHEAD})).all():
        logger.error("projection is ahead of the log, and stopped", projection=name, position=position, error=_AHEAD)
        stopped[name] = Checkpoint(position, position)
    return stopped


async def _claim(
    connection: AsyncConnection,
    generation: int,
    projections: Sequence[Projection],
    since: int,
    last: RecordedEvent,
    *,
    live: bool = True,
) -> None:
    """Move the projections' checkpoints, and keep other processes from moving them; raises Fenced."""
    names = [projection.name for projection in projections]
    values = {"generation": generation, "names": names, "since": since, "until": last.position, "live": live}
    values |= {"stream": last.stream, "version": last.version, "recorded_at": last.at}
    driver = await driver_of(connection)
    async with driver.pipeline():
        await driver.execute(_PREPARE)
        if live:
            await driver.execute(_LEADING)
        moved = await driver.execute(_MOVE, values)
    if moved.rowcount != len(names):
        raise Fenced(f"not all of {', '.join(names)} are at {since} of generation {generation} of this log")


async def _stop(
    connection: AsyncConnection, generation: int, projection: Projection, event: RecordedEvent, error: Exception
) -> Checkpoint:
    """The projection stays before the event until it is resumed."""
    text, *_ = str(error).split("\n", 1)  # PostgreSQL's details follow, with the values of the row
    name, reason, at = projection.name, f"{type(error).__name__}: {text}", event.position
    logger.error(
        "projection stopped",
        projection=name,
        position=at,
        request_id=event.metadata.get("correlation"),
        error=reason,
        way_out=f"fix the cause, then `daybook projections resume {name}`",
        exc_info=error,
    )
    values = {"generation": generation, "name": name, "position": at - 1, "at": at, "error": reason}
    await connection.execute(_STOP, values)
    return Checkpoint(at - 1, at)


async def _give(
    connection: AsyncConnection, generation: int, projection: Projection, events: Sequence[RecordedEvent]
) -> Checkpoint:
    error = await _attempt(connection, generation, [projection], events)
    if error is not None and len(events) > 1:
        for event in events:  # one by one, to find the one that fails
            error = await _attempt(connection, generation, [projection], [event])
            if error is not None:
                return await _stop(connection, generation, projection, event, error)
    elif error is not None:
        return await _stop(connection, generation, projection, events[0], error)
    return Checkpoint(events[-1].position)


async def _attempt(
    connection: AsyncConnection, generation: int, projections: Sequence[Projection], events: Sequence[RecordedEvent]
) -> Exception | None:
    """Write the events' rows; answers the error and writes no rows if that fails for one of the projections."""
    try:
        batches = [rows for projection in projections if (rows := _rows(projection, events))]
    except Exception as error:  # noqa: BLE001  a projection's mistake stops that projection alone
        return error
    if batches:
        driver = await driver_of(connection)
        try:
            async with driver.pipeline():
                await driver.execute("SAVEPOINT page")
                await driver.execute("SET CONSTRAINTS ALL DEFERRED")
                for rows in batches:
                    await rows.flush(driver, generation_schema(generation))
                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
                await driver.execute("RELEASE page")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # the server went away, ran out of room, found a deadlock: the events did not cause it
        except Exception as error:  # noqa: BLE001  anything else comes from the events
            await driver.execute("ROLLBACK TO page")
            return error
    return None


def _rows(projection: Projection, events: Sequence[RecordedEvent]) -> RowBatch:
    rows = RowBatch()
    for event in projection.used(events):
        projection.apply(event, rows)
    return rows
