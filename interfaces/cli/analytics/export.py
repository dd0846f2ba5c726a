"""`daybook analytics export`: the facts as CSV files, one for each view and day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, Data

_DATE = ["%Y-%m-%d"]


def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go: FOLDER/VIEW/YYYY-MM-DD.csv.")],
    since: Annotated[datetime, typer.Option("--from", formats=_DATE, help="The first date.")],
    until: Annotated[datetime, typer.Option("--to", formats=_DATE, help="The last date.")],
    again: Annotated[bool, typer.Option(help="Write days anew that are there already.")] = False,
    data: Data = HOME,
) -> None:
    """Write the views of schema analysis as CSV, a file for each view and local date.

    Days that are there already are left alone, so an interrupted export goes on. The file as_of.json says how far the
    figures were at the end.
    """
    from infrastructure.analysis_export import AnalysisExport
    from infrastructure.local.instance import settings_of
    from interfaces.cli.progress import progress

    if until < since:
        fail("--to is before --from.", 2)
    database = settings_of(data.absolute()).database
    assert database is not None
    export = AnalysisExport(database.dsn, folder)
    with progress("Exporting") as bar:
        written, there = export.run(since.date(), until.date(), again=again, progress=bar)
    typer.echo(f"{written} files written to {folder}, {there} were there already.")
