"""Positions and streams of the past, against a plain reading of the log's rows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from application.past import LogMoment
from infrastructure.database.row_pool import RowPool
from infrastructure.ledger.past_log import PastLog
from projections.query.snapshot import BeyondHead
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import tamper, write
from tests.support.sealed import MASTERS

START = datetime(2030, 1, 7, 9, tzinfo=UTC)
Seals = list[tuple[int, datetime]]


@pytest.fixture
async def past(database: Database) -> AsyncIterator[PastLog]:
    async with RowPool(database.application, size=1) as rows:
        yield PastLog(rows, MASTERS)


def seals(database: Database) -> Seals:
    """Last position and time of each, in order."""
    with psycopg.connect(database.owner) as connection:
        return connection.execute("SELECT upto, at FROM log.seal ORDER BY upto").fetchall()


def by_hand(found: Seals, position: int) -> LogMoment:
    """A position's moment, by going through all seals."""
    at = next((time for upto, time in found if position and upto >= position), None)
    return LogMoment(position, at, next((time for upto, time in found if upto > position), None))


@pytest.mark.parametrize("seed", range(20))
async def test_an_instant_means_the_last_seal_that_was_made_by_then(
    database: Database, past: PastLog, seed: int
) -> None:
    """Times of a clock that is set forward and back: the log's time never goes back, and may stand still."""
    chance = Random(seed)
    write(database, tuple(chance.choice((1, 1, 2, 5)) for _ in range(12)))
    time = START
    for upto, _ in seals(database):
        time += timedelta(microseconds=chance.choice((0, 0, 1, 7, 1_000_000, 86_400_000_000)))
        tamper(database, f"UPDATE log.seal SET at = '{time.isoformat()}' WHERE upto = {upto}")
    found = seals(database)
    edges = [time + timedelta(microseconds=n) for _, time in found for n in (-1, 0, 1)]
    for instant in [START - timedelta(days=1), *edges, time + timedelta(days=9)]:
        position = max((upto for upto, at in found if at <= instant), default=0)
        assert await past.moment(instant) == by_hand(found, position), instant
    for position in range(found[-1][0] + 1):
        assert await past.moment(position) == by_hand(found, position)
    assert await past.moment(None) == by_hand(found, found[-1][0])


async def test_a_position_beyond_the_end_is_refused(database: Database, past: PastLog) -> None:
    assert await past.moment(None) == LogMoment(0, None, None)
    assert await past.moment(START) == LogMoment(0, None, None)
    write(database, (2,))
    with pytest.raises(BeyondHead):
        await past.moment(3)
