"""Now is the database's now, whatever this machine's clock shows."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import AsyncConnection

from application.event_log import Unavailable
from domain.kernel import new_id
from infrastructure.database.database_clock import DatabaseClock
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.event_log.entries import entry

NOON = datetime(2031, 6, 1, 12, tzinfo=UTC)


class Steered(DatabaseClock):
    """Runs on a monotonic clock that the test moves."""

    def __init__(self) -> None:
        super().__init__(lambda: self.reading)
        self.reading = 1000.0

    def told(self, at: datetime, took: float = 0.0) -> datetime:
        """An answer that arrives now, of a question asked so many seconds ago; what the clock shows then."""
        self.observe(at, self.reading - took, self.reading)
        return self.now()


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def test_a_clock_that_was_never_set_does_not_guess() -> None:
    with pytest.raises(Unavailable):
        DatabaseClock().now()


def test_it_goes_on_between_answers() -> None:
    clock = Steered()
    clock.told(NOON)
    clock.reading += 30
    assert abs(clock.now() - NOON - seconds(30)) < seconds(0.001)


def test_an_answer_that_agrees_changes_nothing_however_long_it_took() -> None:
    clock = Steered()
    clock.told(NOON)
    clock.reading += 10
    before = clock.now()
    assert clock.told(NOON + seconds(8), took=4) == before


@pytest.mark.parametrize("off", [-3600, -2, 2, 3600])
def test_it_follows_when_the_database_s_clock_is_set(off: float) -> None:
    clock = Steered()
    clock.told(NOON)
    clock.reading += 10
    shown = clock.told(NOON + seconds(10 + off), took=0.5)
    assert seconds(0) <= shown - NOON - seconds(10 + off) <= seconds(0.51)


def test_it_is_never_further_off_than_the_answer_took() -> None:
    clock = Steered()
    assert seconds(0) <= clock.told(NOON, took=2) - NOON <= seconds(2)


@pytest.mark.parametrize("drift", [0.999, 1.001])
def test_it_stays_close_to_a_clock_that_runs_otherwise(drift: float) -> None:
    clock = Steered()
    clock.told(NOON)
    truth = NOON
    for _ in range(1000):
        clock.reading += 1
        truth += seconds(drift)
        clock.told(truth, took=0.02)
        assert abs(clock.now() - truth) < seconds(0.03)


async def test_it_shows_the_time_of_the_database(database: Database, open_store: Open) -> None:
    store = await open_store(database.application)
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for _ in range(20):
            await store.journal.append(entry(new_id()))
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row is not None
            assert abs(store.now() - row[0]) < seconds(0.25)


async def test_setting_it_asks_the_database_anew(database: Database) -> None:
    clock = DatabaseClock()
    at = clock.monotonic()
    clock.observe(NOON, at, at)
    async with await AsyncConnection.connect(database.application) as connection:
        await clock.set_by(connection)
        row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    assert row is not None
    assert abs(clock.now() - row[0]) < seconds(0.25)
