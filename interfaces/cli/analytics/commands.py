"""`daybook analytics`: figures for people with SQL, and as files."""

import typer

from interfaces.cli.analytics.export import export
from interfaces.cli.analytics.logins import grant, revoke

app = typer.Typer(help="Figures for analysts: logins and exports.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def analytics() -> None:
    """Figures for analysts: logins and exports."""


for command in (grant, revoke, export):
    app.command()(command)
