"""The application on a log in memory, at a time that the test sets."""

from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.event_log.event_store import EventStore
from infrastructure.event_log.memory_journal import MemoryJournal
from tests.support.builders import OpenWeek, an_open_week
from tests.support.sealed import MASTERS


class Clocked(EventStore):
    """A store whose time stands still until the test moves it."""

    def __init__(self) -> None:
        journal = MemoryJournal()
        journal.clock = datetime(2026, 6, 1, 8, tzinfo=UTC)
        super().__init__(journal, MASTERS)
        self.memory = journal

    def set_clock(self, now: datetime) -> None:
        self.memory.clock = now

    def recorded(self, since: int = 0) -> list[str]:
        """The topics recorded after a position."""
        return [row.topic for row in self.memory.rows[since:]]

    @property
    def position(self) -> int:
        return len(self.memory.rows)


@pytest.fixture
def store() -> Clocked:
    return Clocked()


@pytest.fixture
async def week(store: Clocked) -> OpenWeek:
    """A provider open 09:00-17:00 UTC, with a service of half an hour."""
    return await an_open_week(store)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)
