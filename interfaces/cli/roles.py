"""`daybook api`, `project`, `worker`, `beat`, `flower`, `feed-sink`: one role of Daybook, in this process alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.failures import fail
from interfaces.cli.options import HOME, HOST, Data, MetricsPort, UntilStdinCloses

if TYPE_CHECKING:
    from infrastructure.settings import Settings


def api(
    data: Data = HOME,
    port: Annotated[int | None, typer.Option(help="The port to listen on. Default: API_PORT.")] = None,
    fd: Annotated[int | None, typer.Option(help="Serve on this inherited listening socket.")] = None,
    metrics_port: MetricsPort = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Serve the HTTP API."""
    from interfaces.cli.api_server import serve

    settings = _prepare("api", data, metrics_port, until_stdin_closes=until_stdin_closes)
    serve(settings, settings.api_port if port is None else port, fd)


def project(data: Data = HOME, metrics_port: MetricsPort = None, until_stdin_closes: UntilStdinCloses = False) -> None:
    """Update the read models from the event log. Run several for failover; one is active."""
    import uvloop

    from infrastructure.gc_tuning import collect_rarely
    from infrastructure.observability.system_gauges import SystemGauges
    from interfaces.projector.main import run_projector

    with _running("projector", data, metrics_port, until_stdin_closes=until_stdin_closes) as settings:
        assert settings.database is not None
        collect_rarely()
        with SystemGauges(settings.database.dsn):
            uvloop.run(run_projector(settings))


def worker(
    data: Data = HOME,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Processes. Default: WORKER_CONCURRENCY.")] = None,
    queues: Annotated[str | None, typer.Option(help="Queues, by comma, such as urgent,mail. Default: all.")] = None,
    metrics_port: MetricsPort = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Run jobs: reminders, mails, webhooks, expiry. Start as many as you need."""
    from interfaces.worker.celery_app import QUEUES

    chosen = queues.split(",") if queues else list(QUEUES)
    if unknown := [queue for queue in chosen if queue not in QUEUES]:
        fail(f'Unknown queue "{unknown[0]}". Queues: {", ".join(QUEUES)}.', 2)
    with _shared_metrics(data):
        status = _work(data, concurrency, chosen, metrics_port, until_stdin_closes=until_stdin_closes)
    raise typer.Exit(status)


def _work(
    data: Path, concurrency: int | None, queues: Sequence[str], metrics_port: int | None, *, until_stdin_closes: bool
) -> int:
    from interfaces.worker.main import run_worker  # imports prometheus_client

    with _running("worker", data, metrics_port, until_stdin_closes=until_stdin_closes) as settings:
        return run_worker(settings, concurrency or settings.worker_concurrency, queues)


def beat(data: Data = HOME, metrics_port: MetricsPort = None, until_stdin_closes: UntilStdinCloses = False) -> None:
    """Trigger a check for due jobs every second. One is enough; more do no harm."""
    from interfaces.cli.reporting import watch_beat_of
    from interfaces.worker.celery_app import run_beat

    with _running("beat", data, metrics_port, until_stdin_closes=until_stdin_closes) as settings:
        watch_beat_of(settings)
        run_beat(settings)


def flower(
    data: Data = HOME,
    address: Annotated[str, typer.Option(help="The address to listen on.")] = HOST,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 5555,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Show workers and tasks in a browser, read-only. Needs FLOWER_BASIC_AUTH."""
    from interfaces.worker.celery_app import run_flower

    where = f"http://{address}:{port}"
    with _running("flower", data, NO_METRICS, until_stdin_closes=until_stdin_closes, address=where) as settings:
        auth = settings.flower_basic_auth
        run_flower(settings, auth.get_secret_value() if auth else None, address, port)


def feed_sink(
    data: Data = HOME,
    create: Annotated[bool, typer.Option(help="Make the stream if it is missing, and publish all events.")] = False,
    metrics_port: MetricsPort = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    """Publish events to NATS JetStream, once and in order. Needs NATS_URL; run one for a stream."""
    import asyncio

    from application.feed.sink import SinkRefused

    with _running("feed-sink", data, metrics_port, until_stdin_closes=until_stdin_closes) as settings:
        if settings.nats_url is None:
            fail("Set NATS_URL to the address of a NATS server, such as nats://localhost:4222.", 2)
        try:
            from interfaces.feed_sink.main import run_feed_sink
        except ImportError:
            fail("`daybook feed-sink` needs more packages. Run `uv sync --extra nats`.", 2)
        try:
            asyncio.run(run_feed_sink(settings, create=create))
        except SinkRefused as refused:
            fail(str(refused))


COMMANDS = (api, project, worker, beat, flower, feed_sink)
NO_METRICS = 0  # Flower has its own


@contextmanager
def _shared_metrics(data: Path) -> Iterator[None]:
    """A folder by which the processes of a worker share their metrics, unless the parent has given one.

    To be entered before anything imports prometheus_client.
    """
    from infrastructure.observability.metric_folder import FOLDER, fresh_folder
    from infrastructure.settings import inherited, set_variable

    if FOLDER in inherited():
        yield
        return
    folder = fresh_folder(data.absolute())
    set_variable(FOLDER, str(folder))
    try:
        yield
    finally:
        set_variable(FOLDER, None)
        rmtree(folder, ignore_errors=True)


@contextmanager
def _running(
    role: str,
    data: Data,
    metrics_port: int | None = None,
    *,
    until_stdin_closes: bool = False,
    address: str | None = None,
) -> Iterator[Settings]:
    """The settings of a role that runs in the block, with a log line at its start and one at its stop."""
    from contextlib import nullcontext

    from infrastructure.observability.logger import log_start, log_stop
    from infrastructure.observability.process_registry import ProcessRegistry

    settings = _prepare(role, data, metrics_port, until_stdin_closes=until_stdin_closes)
    assert settings.database is not None
    # A worker's processes register themselves: no thread may run where it forks them.
    registry = nullcontext() if role == "worker" else ProcessRegistry(settings.database.dsn, role)
    log_start(address)
    try:
        with registry:
            yield settings
    finally:
        log_stop()


def _prepare(role: str, data: Data, metrics_port: int | None = None, *, until_stdin_closes: bool = False) -> Settings:
    """Logs, metrics and the watch on the parent process, which every role has."""
    from infrastructure.local.instance import settings_of
    from infrastructure.observability.metric_folder import FOLDER
    from infrastructure.observability.metrics import serve_metrics
    from infrastructure.settings import inherited, without_superuser
    from interfaces.cli.parent_process import end_with_parent
    from interfaces.cli.reporting import start_reporting

    settings = settings_of(data.absolute())
    if not until_stdin_closes:  # `daybook up` gives all its roles the same settings
        without_superuser(settings)
    start_reporting(settings, role)
    if port := settings.metrics_port if metrics_port is None else metrics_port:
        serve_metrics(settings.metrics_host, port, inherited().get(FOLDER))
    if until_stdin_closes:
        end_with_parent()
    return settings
