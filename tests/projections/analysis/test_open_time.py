"""Open time of many calendars at once leaves the event loop its turns, by which the projector keeps its lead."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest

from domain.kernel import new_id
from domain.scheduling.schedule import Schedule
from projections.analysis.calendar_history import CalendarHistory, DayMinutes
from projections.analysis.open_time import AT_ONCE
from tests.projections.conftest import CatchUp, Write

NOW = datetime(2026, 7, 1, tzinfo=UTC)


async def test_heartbeats_have_their_turn_after_some_hundred_dates(
    write: Write, catch_up: CatchUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendars = [new_id() for _ in range(60)]
    await write(
        *(Schedule(id=Schedule.id_of(each), calendar_id=each, timezone="UTC", timestamp=NOW) for each in calendars)
    )
    total = since_a_turn = most = 0
    minutes = CalendarHistory.minutes

    def noted(self: CalendarHistory, day: date) -> DayMinutes | None:
        nonlocal total, since_a_turn, most
        total, since_a_turn = total + 1, since_a_turn + 1
        most = max(most, since_a_turn)
        return minutes(self, day)

    async def turn() -> None:
        nonlocal since_a_turn
        while True:
            since_a_turn = 0
            await asyncio.sleep(0)

    monkeypatch.setattr(CalendarHistory, "minutes", noted)
    turning = asyncio.create_task(turn())
    await catch_up()
    turning.cancel()
    with suppress(asyncio.CancelledError):
        await turning
    assert total > 3_000
    assert most <= AT_ONCE, "dates without a turn of the event loop between them"
