"""`daybook info`: the addresses, passwords and a first booking of a running `daybook up`."""

from __future__ import annotations

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, AsJson, Data


def info(data: Data = HOME, as_json: AsJson = False) -> None:
    """Print the addresses, the passwords and a first booking."""
    import json

    from interfaces.cli.startup.report_file import REPORT, lines_of

    file = data.absolute() / REPORT
    if not file.exists():
        fail(f"Nothing runs in {data.absolute()}: start it with `daybook up --data {data.absolute()}`.")
    report = json.loads(file.read_text(encoding="utf-8"))
    typer.echo(json.dumps(report) if as_json else "\n".join(lines_of(report)))
