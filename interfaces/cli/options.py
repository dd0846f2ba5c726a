"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infrastructure.local.home import HOME as HOME

HOST = "127.0.0.1"

Data = Annotated[Path, typer.Option(help="The data folder of `daybook up`, used unless DB_HOST is set.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
MetricsPort = Annotated[int | None, typer.Option(help="Serve /metrics on this port. Default: METRICS_PORT.")]
UntilStdinCloses = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]
