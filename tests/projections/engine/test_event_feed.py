"""The log in pages: what fails once is read again, and every event knows its calendar."""

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from application.access import Role
from infrastructure.event_log.postgres_journal import postgres_store
from projections.engine import event_feed
from projections.engine.event_feed import EventFeed
from tests.conftest import Database
from tests.support.builders import a_provider, somebody
from tests.support.sealed import CODEC, MASTERS


class Failing(EventFeed):
    """Its next look fails, once."""

    fails = False

    async def _select(self, query: LiteralString, values: Sequence[Any]) -> list[Any]:
        if self.fails:
            self.fails = False
            raise OSError("the connection is gone")
        return await super()._select(query, values)


@pytest.fixture
async def written(database: Database) -> None:
    """Six providers with schedules, opened and then given their hours."""
    store = postgres_store(database.application, MASTERS)
    await store.open()
    for _ in range(6):
        await a_provider(store, somebody(Role.PROVIDER))
    await store.close()


async def test_a_page_whose_reading_ahead_failed_is_read_again(
    engine: AsyncEngine, written: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "PAGE", 4)
    feed = Failing(engine, CODEC)
    feed.fails = False
    first = await feed.after(0)
    feed.forget()
    feed.fails = True
    feed._ahead = first[-1].position, asyncio.create_task(feed._read(first[-1].position))
    with pytest.raises(OSError, match="gone"):
        await feed.after(first[-1].position)
    again = await feed.after(first[-1].position)
    assert again[0].position == first[-1].position + 1
    feed.forget()


async def test_every_event_of_a_calendar_knows_it_however_many_there_are(
    engine: AsyncEngine, written: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "REMEMBERED", 1)
    feed = EventFeed(engine, CODEC)
    stretch = await feed.after(0)
    of_calendars = [e for e in stretch if type(e.event).__qualname__.startswith(("Schedule", "Day"))]
    assert of_calendars
    assert all(event.calendar is not None for event in of_calendars)
    feed.forget()
