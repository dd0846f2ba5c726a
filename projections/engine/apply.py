"""One page into the tables of all readers: rows and bookmarks, together or not at all."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.engine.leader_election import PAGE_NAME
from projections.engine.pg_notify import driver_of
from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import generation_schema

_MOVE = """
    UPDATE read.bookmark SET position = %(until)s
    WHERE generation = %(generation)s AND reader = ANY(%(readers)s) AND position = %(since)s
      AND stopped_at IS NULL
      AND (NOT %(live)s OR EXISTS (SELECT FROM read.live WHERE live.generation = %(generation)s))"""
_MARK = text("""
    UPDATE read.bookmark SET position = :position, stopped_at = :at, error = :error
    WHERE generation = :generation AND reader = :reader""")

# What is lost in a crash is read again from the log; a plan made while a table was small must not stay.
_HASTE = """
    SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
           set_config('app.scope', 'all', true)"""

_NAME = f"SELECT set_config('application_name', '{PAGE_NAME}', true)"

log = logging.getLogger(__name__)


class Fenced(Exception):
    """Somebody else has moved these bookmarks, or another generation is live."""


class Checkpoint(NamedTuple):
    """How far a reader has read; `stopped_at`: the position of the event that stopped it."""

    position: int
    stopped_at: int | None = None


async def apply(
    connection: AsyncConnection,
    generation: int,
    readers: Sequence[Projection],
    since: int,
    events: Sequence[RecordedEvent],
    *,
    live: bool = True,
) -> Mapping[str, Checkpoint]:
    """Give the events to readers that are all at `since`; answers where each is then. The caller commits.

    A reader that an event fails for stops before it, and the others go on. `live`: the generation must be
    the one in use. Raises Fenced, and what the database raises when it is not the event's fault.
    """
    until = events[-1].position
    await _claim(connection, generation, readers, since, until, live=live)
    reached = {}
    for reader in readers:
        reached[reader.name] = await _give(connection, generation, reader, events)
    return reached


async def break_off(
    connection: AsyncConnection,
    generation: int,
    readers: Sequence[Projection],
    since: int,
    at: int,
    error: Exception,
) -> Mapping[str, Checkpoint]:
    """Stop all these readers before an event that nobody can read. As `apply` otherwise."""
    await _claim(connection, generation, readers, since, since)
    return {reader.name: await _stop(connection, generation, reader, at, error) for reader in readers}


async def _claim(
    connection: AsyncConnection,
    generation: int,
    readers: Sequence[Projection],
    since: int,
    until: int,
    *,
    live: bool = True,
) -> None:
    """Move the readers' bookmarks, and keep others from moving them; raises Fenced."""
    names = [reader.name for reader in readers]
    values = {"generation": generation, "readers": names, "since": since, "until": until, "live": live}
    driver = await driver_of(connection)
    async with driver.pipeline():
        await driver.execute(_HASTE)
        if live:
            await driver.execute(_NAME)
        moved = await driver.execute(_MOVE, values)
    if moved.rowcount != len(names):
        raise Fenced(f"not all of {', '.join(names)} are at {since} of generation {generation}")


async def _stop(
    connection: AsyncConnection, generation: int, reader: Projection, at: int, error: Exception
) -> Checkpoint:
    """The reader stays before the event at a position until it is told to resume, and says so."""
    log.error("reader %r stopped at position %d: %s: %s", reader.name, at, type(error).__name__, error)
    said = f"{type(error).__name__}: {error}"
    values = {"generation": generation, "reader": reader.name, "position": at - 1, "at": at, "error": said}
    await connection.execute(_MARK, values)
    return Checkpoint(at - 1, at)


async def _give(
    connection: AsyncConnection, generation: int, reader: Projection, events: Sequence[RecordedEvent]
) -> Checkpoint:
    error = await _attempt(connection, generation, reader, events)
    if error is not None and len(events) > 1:
        for event in events:  # which one is it?
            error = await _attempt(connection, generation, reader, [event])
            if error is not None:
                return await _stop(connection, generation, reader, event.position, error)
    elif error is not None:
        return await _stop(connection, generation, reader, events[0].position, error)
    return Checkpoint(events[-1].position)


async def _attempt(
    connection: AsyncConnection, generation: int, reader: Projection, events: Sequence[RecordedEvent]
) -> Exception | None:
    """The events' rows, if they can be written; else the error, and no rows."""
    try:
        rows = RowBatch()
        for event in events:
            reader.project(event, rows)
    except Exception as error:  # noqa: BLE001  a reader's mistake is its own
        return error
    if rows:
        driver = await driver_of(connection)
        try:
            async with driver.pipeline():
                await driver.execute("SAVEPOINT reader")
                await driver.execute("SET CONSTRAINTS ALL DEFERRED")
                await rows.flush(driver, generation_schema(generation))
                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
                await driver.execute("RELEASE reader")
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # the server went away, ran out of room, found a deadlock: not the events' fault
        except Exception as error:  # noqa: BLE001  anything else is
            await driver.execute("ROLLBACK TO reader")
            return error
    return None
