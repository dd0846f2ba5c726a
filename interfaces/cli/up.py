"""`daybook up`: everything on this machine."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from interfaces.cli.options import HOME, AsJson, Data


def up(
    data: Data = HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The API's port (0: any free one).")] = 8000,
    apis: Annotated[int, typer.Option(min=1, max=16, help="API processes that share the port.")] = 1,
    workers: Annotated[int, typer.Option(min=0, max=16, help="Workers (0: no beat and no Flower either).")] = 1,
    demo: Annotated[bool | None, typer.Option(help="Build demo data on first start. Default: not in TEST.")] = None,
    year: Annotated[bool, typer.Option("--year", help="Then write a year of demo history, in the background.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start PostgreSQL, Redis and all roles; Ctrl-C stops them."""
    if sys.stderr.isatty():
        typer.echo("Starting Daybook ...", err=True)  # at once: what follows takes a moment to load
    from infrastructure.settings import Mode, Settings
    from interfaces.cli.reporting import start_reporting
    from interfaces.cli.startup.run import UpOptions, run_all

    settings = Settings()
    start_reporting(settings, "up")
    with_demo = settings.mode is not Mode.TEST if demo is None else demo
    with_year = year and with_demo and settings.mode is not Mode.PROD
    run_all(UpOptions(data.absolute(), port, apis, workers, with_demo, with_year, as_json))
