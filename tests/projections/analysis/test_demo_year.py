"""A year of demo history, recorded on PostgreSQL and projected: analysts see it, and nothing comes of it."""

import asyncio
import secrets
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from docker.grafana.bookings_and_money import BOARD
from infrastructure.database.analysts import grant
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.jobs.enrolment import Enrolment
from interfaces.demo.houses import HOUSES
from interfaces.demo.year import seed_year
from projections.analysis.metric import Dimension
from tests.conftest import Database
from tests.grafana import as_shown
from tests.projections.analysis.conftest import Figures
from tests.projections.conftest import CatchUp
from tests.support.checker import look, violations
from tests.support.sealed import MASTERS
from tests.support.waiting import PATIENCE

HOUSE = HOUSES[1]


@pytest.fixture
async def year(database: Database, catch_up: CatchUp, monkeypatch: pytest.MonkeyPatch) -> int:
    """Ten weeks of one house until two days ago; the number of its appointments."""
    monkeypatch.setattr("interfaces.demo.year.YEAR", timedelta(days=75))
    for place in ("houses", "year"):
        monkeypatch.setattr(f"interfaces.demo.{place}.PEOPLE", 80)
        monkeypatch.setattr(f"interfaces.demo.{place}.HOUSES", (HOUSE,))
    store = postgres_store(database.application, MASTERS, patience=PATIENCE)
    await store.open()
    steps = list[int]()
    await seed_year(store, progress=lambda done, of: steps.append(of - done), now=store.now())
    again = list[int]()
    await seed_year(store, progress=lambda done, of: again.append(of - done), now=store.now())
    await store.close()
    assert steps[-1] == 0
    assert again == []
    await catch_up()
    return Counter(event.topic for event in look(database.owner).events)["Appointment.Booked"]


async def test_it_is_in_every_figure_and_in_no_queue_and_breaks_no_promise(
    year: int, database: Database, figures: Figures
) -> None:
    assert violations(look(database.owner)) == []
    since, until = await dates(database)
    assert year > 200

    async def ask(name: str, *by: Dimension) -> list[dict[str, object]]:
        return list(await figures(name, *by, since=since, until=until))

    (made,) = await ask("bookings_made")
    assert made["made"] == year
    (came,) = await ask("no_show_rate", Dimension.ORGANIZATION)
    assert came["visits"]
    assert came["no_shows"]
    (full,) = await ask("utilisation")
    assert 0.1 < float(str(full["share"])) < 1
    assert {row["channel"] for row in await ask("bookings_made", Dimension.CHANNEL)} == {"page", "api", "staff"}
    (value,) = await ask("value")
    assert value["currency"] == "GBP"
    (again,) = await ask("new_and_returning")
    assert again["returning"]
    await assert_nothing_is_queued(database)


async def test_the_dashboard_of_analysts_shows_it_to_the_login_of_grafana(year: int, database: Database) -> None:
    login, password = f"{database.name}_grafana", secrets.token_hex(16)
    for given in ("the one before", password):  # the secret was made anew
        await asyncio.to_thread(partial(grant, always=True), database.owner, login, None, given)
    asked = {panel.title: panel.questions for panel in BOARD.panels}
    seen = make_conninfo(database.application, user=login, password=password)
    async with await AsyncConnection.connect(seen, autocommit=True) as connection:
        for sql in BOARD.choices.values():
            found = await (await connection.execute(sql.encode())).fetchall()
            assert len(found) == (1 if "organization" in sql.partition("FROM")[2] else 2), sql
        empty = set()
        for title, questions in asked.items():
            for question in questions:
                answer = await connection.execute(as_shown(question.expr).encode())
                columns = [column.name for column in answer.description or ()]
                rows = await answer.fetchall()
                panel = next(each for each in BOARD.panels if each.title == title)
                assert (columns[0] == "time") is (panel.kind == "graph"), title
                if not any(value for row in rows for name, value in zip(columns, row, strict=True) if name != "time"):
                    empty.add(title)
    assert empty == set()
    assert year


async def dates(database: Database) -> tuple[object, object]:
    async with await AsyncConnection.connect(database.application) as connection:
        row = await (await connection.execute("SELECT min(date), max(date) FROM analysis.dates")).fetchone()
    assert row is not None
    return row[0], row[1]


async def assert_nothing_is_queued(database: Database) -> None:
    """No job about an appointment or a freed time: only about the hours of the chairs."""
    async with RowPool(database.application, size=1) as rows:
        await Enrolment(rows).enrol()
        queued = Counter(row[0] for row in await rows.all("SELECT kind FROM work.job"))
    assert queued.keys() == {"match", "check_hours"}
    assert queued.total() <= 20 * len(HOUSE.chairs)
