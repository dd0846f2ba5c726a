"""`daybook config`: every setting in force, and where it comes from."""

from __future__ import annotations

import typer

from interfaces.cli.options import HOME, AsJson, Data


def config(data: Data = HOME, as_json: AsJson = False) -> None:
    """Print every setting, its value and its source. Secrets are hidden."""
    import json

    from infrastructure.local.instance import NotRunning, settings_of, settings_of_instance
    from infrastructure.settings import Settings
    from infrastructure.settings_report import in_force

    try:
        settings = settings_of(data.absolute())
    except NotRunning:
        settings = Settings()
    running = settings_of_instance(data.absolute()) if Settings().database is None else {}
    found = in_force(settings, running)
    if as_json:
        typer.echo(json.dumps({each.name: {"value": each.value, "source": each.source} for each in found}, indent=2))
        return
    names, values = (max(len(str(getattr(each, part))) for each in found) for part in ("name", "value"))
    for setting in found:
        typer.echo(f"{setting.name:{names}}  {setting.value or '-':{values}}  {setting.source}")
