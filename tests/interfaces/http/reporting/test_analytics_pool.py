"""Questions for figures wait on connections of their own, not for ever, and answers are kept until the log goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from infrastructure.database.analytics_pool import CONNECTIONS, analytics_pool
from projections.reporting.figures import MOST_AT_ONCE, MetricFigures
from tests.conftest import Database
from tests.interfaces.http.reporting.analysis_lock import locked
from tests.interfaces.http.town import Town, problem
from tests.support.instances import eventually
from tests.support.waiting import PATIENCE

WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'daybook-analytics' AND wait_event_type = 'Lock'"""


def path(town: Town, *, days: int = 1) -> str:
    return f"/v1/analytics/bookings_made?from={town.day(-60)}&to={town.day(days)}"


@asynccontextmanager
async def patience(town: Town, database: Database, longest: float) -> AsyncIterator[None]:
    """Questions take so many seconds at most."""
    ports = town.api.ports
    async with analytics_pool(database.application, longest) as pool:
        ports.figures = MetricFigures(pool, ports.reads, ports.reads._positions)
        yield


async def test_what_takes_too_long_is_refused_with_a_way_out(town: Town, database: Database) -> None:
    async with patience(town, database, 0.5), locked(database):
        answer = await town.api.ask("GET", path(town), town.admin)
    assert problem(answer) == (503, "figures-too-slow")
    assert "Ask for a shorter period" in answer.json()["detail"]
    assert answer.headers["retry-after"]


async def test_bookings_go_on_while_all_connections_for_questions_wait(town: Town, database: Database) -> None:
    async with patience(town, database, PATIENCE), locked(database) as lock:
        paths = [path(town, days=n) for n in range(1, CONNECTIONS + 2)]
        asked = [asyncio.create_task(town.api.ask("GET", each, town.admin)) for each in paths]

        async def all_wait() -> bool:
            await lock.execute("SELECT pg_stat_clear_snapshot()")
            (count,) = await (await lock.execute(WAITING)).fetchone() or (0,)
            return bool(count == CONNECTIONS)

        await eventually(all_wait)
        for hour in range(10, 16):
            await town.booked(f"{hour}:00")
        transport: Any = town.api.client._transport
        assert transport.app.state.options.admission.in_flight == 0
        assert not any(each.done() for each in asked)
        await lock.rollback()
        assert [each.status_code for each in await asyncio.gather(*asked)] == [200] * len(asked)


async def test_a_question_that_finds_no_connection_is_refused(town: Town, database: Database) -> None:
    async with patience(town, database, 1), locked(database):
        paths = [path(town, days=n) for n in range(1, CONNECTIONS + 2)]
        answers = await asyncio.gather(*(town.api.ask("GET", each, town.admin) for each in paths))
    assert {problem(each) for each in answers} == {(503, "figures-too-slow")}


async def test_no_more_questions_wait_than_are_answered_soon(town: Town, database: Database) -> None:
    async with patience(town, database, PATIENCE), locked(database) as lock:
        paths = [path(town, days=n) for n in range(1, MOST_AT_ONCE + 2)]
        asked = [asyncio.create_task(town.api.ask("GET", each, town.admin)) for each in paths]
        (refused,) = (await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED))[0]
        assert problem(refused.result()) == (503, "figures-too-slow")
        await lock.rollback()
        answers = [each.status_code for each in await asyncio.gather(*asked)]
    assert sorted(answers) == [200] * MOST_AT_ONCE + [503]


async def test_an_answer_is_kept_until_the_log_goes_on(town: Town, database: Database) -> None:
    await town.booked()
    first = await town.api.get(path(town), town.admin)
    async with locked(database):
        again = await town.api.ask("GET", path(town), town.admin)
    assert again.json() == first.json()
    assert again.headers["daybook-position"] == first.headers["daybook-position"]
    await town.booked("10:00")
    later = await town.api.get(path(town), town.admin)
    assert later.json()["rows"][0]["measures"]["made"] == first.json()["rows"][0]["measures"]["made"] + 1


async def test_a_question_waits_for_the_position_that_it_names(town: Town) -> None:
    await town.booked()
    head = (await town.api.get(path(town), town.admin)).headers["daybook-position"]
    beyond = f"0.{int(head[2:]) + 1}"
    answer = await town.api.ask("GET", path(town), town.admin, daybook_position=beyond)
    assert problem(answer) == (400, "beyond-head")
    await town.booked("11:00")
    behind = await town.api.ask("GET", path(town), town.admin, daybook_position=beyond)
    assert problem(behind) == (503, "behind")
