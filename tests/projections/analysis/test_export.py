"""`daybook analytics export`: a file for each view and day, whole or not there, and an export that goes on."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from infrastructure.analysis_export import DATES, AnalysisExport
from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.analysis.views import VIEWS
from tests.conftest import Database
from tests.projections.analysis.life import BEGIN, Life
from tests.projections.conftest import CatchUp, recorded
from tests.support.waiting import PATIENCE

SINCE, UNTIL = BEGIN.date(), BEGIN.date() + timedelta(days=20)


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture
async def lived(database: Database, catch_up: CatchUp) -> Database:
    life = Life(3)
    for _ in range(100):
        life.step()
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()
    await recorded(journal, *life.recorded())
    await journal.close()
    await catch_up()
    return database


def run(export: AnalysisExport, *, again: bool = False, stop_after: int = 10**6) -> tuple[int, int]:
    def progress(done: int, _: int) -> None:
        if done >= stop_after:
            raise Stopped

    return export.run(SINCE, UNTIL, again=again, progress=progress)


def rows_of(folder: Path, view: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for file in sorted((folder / view).glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as text:
            found += csv.DictReader(text)
    return found


async def test_the_files_hold_the_rows_of_the_views(lived: Database, tmp_path: Path) -> None:
    days = (UNTIL - SINCE).days + 1
    assert run(AnalysisExport(lived.application, tmp_path)) == (days * len(DATES), 0)
    with psycopg.connect(lived.application) as connection:
        for view, column in DATES.items():
            query = f"SELECT count(*) FROM analysis.{view} WHERE {column} BETWEEN %s AND %s"
            found = connection.execute(query.encode(), [SINCE, UNTIL]).fetchone()
            assert found == (len(rows_of(tmp_path, view)),)
    assert rows_of(tmp_path, "appointment")[0].keys() == VIEWS[0].columns.keys()
    assert json.loads((tmp_path / "as_of.json").read_text(encoding="utf-8"))["position"] > 0


async def test_an_interrupted_export_goes_on(lived: Database, tmp_path: Path) -> None:
    export = AnalysisExport(lived.application, tmp_path)
    with pytest.raises(Stopped):
        run(export, stop_after=17)
    written, there = run(export)
    assert there == 17
    assert written == ((UNTIL - SINCE).days + 1) * len(DATES) - 17
    assert run(export)[0] == 0
    assert run(export, again=True)[0] == written + there


def test_each_view_with_a_date_is_exported() -> None:
    dated = {view.name for view in VIEWS if any(name == "date" or name.endswith("_date") for name in view.columns)}
    assert DATES.keys() == dated - {"dates"}
