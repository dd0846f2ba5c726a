"""Daybook: `daybook up` starts all of it on this machine, every other command runs one role alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
import uvicorn
import uvloop

from application.access import Role
from infrastructure.gc_tuning import collect_rarely
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.local.instance import NotRunning, settings_of
from infrastructure.local.programs import NoServer
from infrastructure.local.servers import HOME
from infrastructure.migrate import migrate_all
from infrastructure.observability.logger import configure_logs, serve_metrics
from infrastructure.settings import Environment, Settings, inherited
from interfaces.cli.admin import app as admin
from interfaces.cli.audit import app as audit
from interfaces.cli.keys import app as keys
from interfaces.cli.projections import app as readers
from interfaces.cli.projections import rebuild
from interfaces.cli.up import HOST, UpOptions, build_town
from interfaces.cli.up import up as start_all
from interfaces.http.app import document
from interfaces.http.framework.middleware import request_log_fields
from interfaces.http.main import create_app
from interfaces.projector.main import run_projector
from interfaces.worker.main import QUEUES, run_beat, run_flower, run_worker

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(admin, name="admin")
app.add_typer(audit, name="audit")
app.add_typer(readers, name="readers")
app.add_typer(keys, name="keys")
app.command()(rebuild)

Data = Annotated[Path, typer.Option(help="Where the local servers keep their data, unless DB_HOST says otherwise.")]
Metrics = Annotated[int | None, typer.Option(help="Serve /metrics on this port (0: any free one).")]
UntilStdinCloses = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]


@app.command()
def up(
    data: Data = HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The API's port; 0: any free one.")] = 8000,
    apis: Annotated[int, typer.Option(min=1, max=16, help="How many API processes share the port.")] = 1,
    workers: Annotated[int, typer.Option(min=0, max=16, help="How many workers; 0: no beat either.")] = 1,
    demo: Annotated[bool, typer.Option(help="Build a demo town on first start.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Say what is ready as one line of JSON.")] = False,
) -> None:
    """Start PostgreSQL, Redis, API, projector and workers here; stop all of it with one Ctrl-C."""
    configure_logs(Settings().log_level)
    start_all(UpOptions(data.absolute(), port, apis, workers, demo, as_json))


@app.command()
def api(
    data: Data = HOME,
    port: Annotated[int | None, typer.Option(help="Default: API_PORT.")] = None,
    fd: Annotated[int | None, typer.Option(help="Serve on this inherited listening socket.")] = None,
    metrics_port: Metrics = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Serve the HTTP API."""
    settings = _role(data, metrics_port, until_stdin_closes=until_stdin_closes)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port if port is None else port,
        fd=fd,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to believe is ours to say: TRUSTED_PROXIES
        timeout_graceful_shutdown=10,
    )
    collect_rarely()
    listening = [socket.socket(fileno=fd)] if fd is not None else None
    uvicorn.Server(config).run(sockets=listening)


@app.command()
def project(data: Data = HOME, metrics_port: Metrics = None, until_stdin_closes: UntilStdinCloses = False) -> None:
    """Follow the log and keep the read models; several are safe: one leads, the others stand by."""
    settings = _role(data, metrics_port, until_stdin_closes=until_stdin_closes)
    collect_rarely()
    uvloop.run(run_projector(settings))


@app.command()
def worker(
    data: Data = HOME,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Processes. Default: WORKER_CONCURRENCY.")] = None,
    queues: Annotated[str, typer.Option(help="Which queues, by comma.")] = ",".join(QUEUES),
    metrics_port: Metrics = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Do what falls due, with Celery; any number of workers is safe."""
    settings = _role(data, metrics_port, until_stdin_closes=until_stdin_closes)
    raise SystemExit(run_worker(settings, concurrency or settings.worker_concurrency, queues.split(",")))


@app.command()
def beat(data: Data = HOME, until_stdin_closes: UntilStdinCloses = False) -> None:
    """Ask the workers each second to look what is due; one is enough, several are safe."""
    run_beat(_role(data, until_stdin_closes=until_stdin_closes))


@app.command()
def flower(
    data: Data = HOME,
    address: Annotated[str, typer.Option(help="Where to listen.")] = HOST,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 5555,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Show workers and tasks in a browser, read-only, to who knows FLOWER_BASIC_AUTH."""
    run_flower(_role(data, until_stdin_closes=until_stdin_closes), address, port)


@app.command()
def migrate(data: Data = HOME) -> None:
    """Bring the database to the present schema. Safe to repeat."""
    migrate_all(_role(data))


@app.command()
def seed(data: Data = HOME) -> None:
    """Build the demo town; one that is there stays as it is."""
    town = build_town(_role(data))
    typer.echo(json.dumps({name: str(value) for name, value in vars(town).items()}))


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="The role to act in.")],
    sub: Annotated[UUID | None, typer.Option(help="The account's id; a new one if not said.")] = None,
    minutes: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 24 * 60,
    data: Data = HOME,
) -> None:
    """Print an access token, in DEV only: in PROD people sign in."""
    settings = _settings(data)
    if settings.environment is not Environment.DEV:
        _give_up("Tokens are minted in DEV only.")
    if role is Role.ANONYMOUS:
        _give_up("Anonymous callers send no token.")
    secret = settings.secret_key.get_secret_value()
    typer.echo(AccessTokens(secret).issue(sub or uuid4(), role, timedelta(minutes=minutes)))


@app.command()
def openapi() -> None:
    """Print the API's OpenAPI document, as docs/openapi.json keeps it."""
    typer.echo(json.dumps(document(), indent=2, ensure_ascii=False))


def main() -> None:
    """Run the command line; what the user can mend is said in one line."""
    try:
        app()
    except (NoServer, NotRunning) as error:
        _give_up(str(error))


def _give_up(why: str) -> None:
    typer.echo(why, err=True)
    raise SystemExit(1)


def _settings(data: Path) -> Settings:
    return settings_of(data.absolute())


def _role(data: Path, metrics_port: int | None = None, *, until_stdin_closes: bool = False) -> Settings:
    """What every role does first."""
    settings = _settings(data)
    configure_logs(settings.log_level, request_log_fields)
    if metrics_port is not None:
        serve_metrics(HOST, metrics_port, inherited().get("PROMETHEUS_MULTIPROC_DIR"))
    if until_stdin_closes:
        threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    return settings


def _end_with_parent() -> None:
    """Our standard input is a pipe from the parent: it closes when the parent is gone, however it went."""
    # Not through sys.stdin: a thread that waits in its buffer makes the interpreter abort at its end.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
