"""The views of schema `analysis` as CSV files, one for each view and day."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from projections.analysis.view import SCHEMA

DATES = {
    "appointment": "start_date",
    "appointment_event": "recorded_date",
    "session": "start_date",
    "open_time": "date",
    "hold": "placed_date",
    "waitlist_entry": "joined_date",
}
"""View -> the column whose date decides in which file a row is."""


class AnalysisExport:
    """Writes into a folder. `dsn`: of the application, which sees every organization."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._folder = folder

    def run(self, since: date, until: date, *, again: bool, progress: Callable[[int, int], None]) -> tuple[int, int]:
        """Write the days, both included, but those that are there unless `again`. Answers how many of each."""
        days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
        files = [(view, day, self._folder / view / f"{day}.csv") for view in DATES for day in days]
        missing = [each for each in files if again or not each[2].exists()]
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for number, (view, day, file) in enumerate(missing, 1):
                self._write(connection, view, day, file)
                progress(number, len(missing))
            self._tell(connection)
        return len(missing), len(files) - len(missing)

    def _write(self, connection: psycopg.Connection, view: str, day: date, file: Path) -> None:
        """A whole file or none: an interrupted one has another name."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        rows = sql.SQL("COPY (SELECT * FROM {} WHERE {} = {} ORDER BY 1, 2, 3) TO STDOUT (FORMAT csv, HEADER)").format(
            sql.Identifier(SCHEMA, view), sql.Identifier(DATES[view]), sql.Literal(day)
        )
        with partial.open("wb") as target, connection.cursor() as cursor, cursor.copy(rows) as copy:
            for block in copy:
                target.write(block)
        partial.replace(file)

    def _tell(self, connection: psycopg.Connection) -> None:
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, "as_of")))
            said = json.dumps(cursor.fetchone(), default=str, indent=2)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "as_of.json").write_text(said + "\n", encoding="utf-8")
