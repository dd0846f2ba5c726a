"""Open time of many calendars at once leaves the event loop its turns, by which the projector keeps its lead."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest

from domain.kernel import new_id
from domain.scheduling.schedule import Schedule
from projections.analysis.calendar_history import CalendarHistory, DayMinutes
from tests.projections.conftest import CatchUp, Write

NOW = datetime(2026, 7, 1, tzinfo=UTC)


async def test_heartbeats_have_their_turn_between_two_calendars(
    write: Write, catch_up: CatchUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendars = [new_id() for _ in range(60)]
    await write(
        *(Schedule(id=Schedule.id_of(each), calendar_id=each, timezone="UTC", timestamp=NOW) for each in calendars)
    )
    since_a_turn, most = set[int](), 0
    minutes = CalendarHistory.minutes

    def noted(self: CalendarHistory, day: date) -> DayMinutes | None:
        nonlocal most
        since_a_turn.add(id(self))
        most = max(most, len(since_a_turn))
        return minutes(self, day)

    async def turn() -> None:
        while True:
            since_a_turn.clear()
            await asyncio.sleep(0)

    monkeypatch.setattr(CalendarHistory, "minutes", noted)
    turning = asyncio.create_task(turn())
    await catch_up()
    turning.cancel()
    with suppress(asyncio.CancelledError):
        await turning
    assert most == 1, "calendars without a turn of the event loop between them"
