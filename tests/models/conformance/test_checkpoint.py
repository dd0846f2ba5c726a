"""The statement that moves the checkpoints, on PostgreSQL, against the models of projections; and what READ COMMITTED
does.

A statement that waited for a row sees the row's new version and asks its condition again, but the rest of the
condition is of the snapshot of before: the models take a statement for one atomic step, which holds where this does
not matter.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from domain.kernel import new_id
from projections.engine import apply
from projections.rebuild.rebuild import _HOLD
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.test_append import call
from tests.models.protocols.projection_failover import FailoverState, Projecting, ProjectionFailoverModel
from tests.models.protocols.projections import Generation, Paging, ProjectionModel
from tests.support.waiting import eventually

NAMES = ["agenda", "job"]
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


STREAM = new_id()


def values(generation: int, since: int, until: int, recorded_at: Any, stream: Any = STREAM) -> dict[str, Any]:
    last = {"stream": stream, "version": 1, "recorded_at": recorded_at}
    return {"generation": generation, "names": NAMES, "since": since, "until": until, "live": True, **last}


def recorded(database: Database) -> Any:
    """The time of the log's one event, the first of STREAM."""
    call(database.application, entry(STREAM))
    with psycopg.connect(database.owner) as connection:
        found = connection.execute("SELECT recorded_at FROM log.stored_events").fetchone()
    assert found
    return found[0]


def live_of(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT generation FROM read.live").fetchone()
    assert found
    return int(found[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_checkpoints_move_as_in_the_model(database: Database, seed: int) -> None:
    chance, model, seen = Random(seed), ProjectionModel(projectors=1), set()
    recorded_at = recorded(database)
    with psycopg.connect(database.owner) as connection:
        live = live_of(connection)
        for _ in range(100):
            at, since, generation = (chance.randrange(3) for _ in range(3))
            connection.execute("UPDATE read.checkpoint SET position = %s WHERE reader = ANY(%s)", [at, NAMES])
            moved = connection.execute(apply._MOVE, values(live + generation, since, since + 1, recorded_at)).rowcount
            state = model.initial()._replace(
                log=9, generations=(Generation(at), *[None] * 3), projectors=(Paging("ready", generation, since),)
            )
            _, after = model._claim(state, 0, state.projectors[0])
            expected = after.projectors[0].phase == "claimed"
            assert (moved == len(NAMES)) is expected, (at, since, generation)
            seen.add(expected)
            connection.rollback()
    assert seen == {True, False}


def test_they_do_not_move_over_a_page_of_another_log(database: Database) -> None:
    """Its last event has another stream, or the same one at another time, as after a failover with loss."""
    recorded_at, model, asked = recorded(database), ProjectionFailoverModel(projectors=1), set()
    lasts = {
        "a": (STREAM, recorded_at),
        "b": (new_id(), recorded_at),
        "c": (STREAM, recorded_at + timedelta(seconds=1)),
    }
    with psycopg.connect(database.owner) as connection:
        live = live_of(connection)
        for page, (stream, at) in lasts.items():
            moved = connection.execute(apply._MOVE, values(live, 0, 1, at, stream)).rowcount
            state = FailoverState(("a", "a"), ("", ""), (Projecting(0, page),))
            expected = model._move(state, state.projectors[0], 1, "a") != state
            assert (moved == len(NAMES)) is expected, page
            asked.add(expected)
            connection.rollback()
    assert asked == {True, False}


async def blocked(database: Database, first: str, second: str) -> int:
    """The rows that `second` changes if it begins before `first`, of another transaction, has committed."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(database.owner) as one,
        await connect(database.owner, autocommit=True) as two,
        await connect(database.owner, autocommit=True) as watch,
    ):
        await one.execute(first.encode())
        waiting = asyncio.create_task(two.execute(second.encode()))

        async def waits() -> bool:
            row = await (await watch.execute(WAITS)).fetchone()
            return bool(row and row[0])

        await eventually(waits)
        await one.commit()
        return (await waiting).rowcount


MOVE = "UPDATE read.checkpoint SET position = 1 WHERE reader = 'job' AND position = 0"
ASKS = f"{MOVE} AND EXISTS (SELECT FROM read.live WHERE live.generation = checkpoint.generation)"
SWITCH = "UPDATE read.live SET generation = generation + 1"


async def test_a_statement_that_waited_for_a_row_asks_again_of_that_row(own_database: Database) -> None:
    assert await blocked(own_database, MOVE, MOVE) == 0


async def test_but_not_of_the_rows_that_it_did_not_wait_for(own_database: Database) -> None:
    """Behind a row alone, a page would be written to a generation that is no longer in use."""
    touch = "UPDATE read.checkpoint SET error = NULL WHERE reader = 'job'"
    assert await blocked(own_database, f"{touch}; {SWITCH}", ASKS) == 1


async def test_a_statement_that_waited_for_a_table_sees_all_that_was_committed(own_database: Database) -> None:
    """So the switch locks the table, and the model's page is one step: it asks which generation is live after it."""
    assert await blocked(own_database, f"{_HOLD.text}; {SWITCH}", ASKS) == 0
