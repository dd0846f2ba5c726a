"""Starting everything on this machine: servers, migrations, every role, demo data; and stopping it in order."""

from __future__ import annotations

import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import psycopg
from rich.console import Console

from infrastructure.local.instance import start_servers
from infrastructure.local.processes import Child
from infrastructure.local.programs import free_port
from infrastructure.local.supervision import Supervisor
from infrastructure.observability.metric_files import MetricFiles
from infrastructure.observability.metric_folder import FOLDER, fresh_folder
from infrastructure.observability.metrics import serve_metrics
from infrastructure.settings import Mode, Settings, variables_of
from interfaces.cli.options import HOST
from interfaces.cli.progress import Interrupted, progress
from interfaces.cli.startup.preparation import Preparation
from interfaces.cli.startup.report import Started, print_json, print_text, report_of
from interfaces.cli.startup.report_file import save
from interfaces.cli.startup.terminal import ChildTerminal
from interfaces.cli.startup.year import BackgroundYear
from interfaces.demo.first_booking import FirstBooking

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to our own address
READY_WITHIN = 60.0  # seconds

_LISTENS = """
    SELECT FROM pg_stat_activity
    WHERE application_name = 'daybook-projector-listen' AND datname = current_database()"""


@dataclass(frozen=True)
class UpOptions:
    """The options of `daybook up`. `port` 0: any free one."""

    data: Path
    port: int
    apis: int
    workers: int
    demo: bool
    year: bool
    as_json: bool


def run_all(options: UpOptions) -> None:
    """Start everything, say so, wait for Ctrl-C or SIGTERM, stop everything in order."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True)
    with ExitStack() as stack:
        with suppress(Interrupted):
            if (started := _start(options, console, stack, stop)) is None:
                return
            report = report_of(started)
            stack.callback(save(options.data, asdict(report)).unlink, missing_ok=True)
            if options.as_json:
                print_json(report)
            else:
                print_text(report, started)
            if started.lacks_year:
                stack.enter_context(BackgroundYear(started.settings))
            stop.wait()
        console.print("Stopping ...")


def _start(options: UpOptions, console: Console, stack: ExitStack, stop: threading.Event) -> Started | None:
    """Everything that runs, once it is ready; None if it is to stop before. It all ends with the stack."""
    listening = stack.enter_context(_listen(options.port))
    api = f"http://{HOST}:{listening.getsockname()[1]}"
    terminal = stack.enter_context(ChildTerminal()).fd
    with Preparation(stop, terminal) as preparation:
        with console.status("Starting PostgreSQL and Redis (the first start takes longer) ..."):
            settings = start_servers(options.data, stack, public_url=api)
        ports = _Ports(settings.metrics_port or free_port(), free_port() if options.workers else None)
        preparation.begin(variables_of(settings))
        _migrate(preparation, console)
        metrics = fresh_folder(options.data)
        stack.callback(shutil.rmtree, metrics)
        roles = _Roles(options, _variables(settings, ports, metrics), terminal)
        supervisor = stack.enter_context(Supervisor(MetricFiles(metrics).merge_dead))
        supervisor.start(roles.serving(listening.fileno()))
        town, password = _filled(preparation, options, settings)
        lacks_year = options.year and preparation.do("lacks_year", _no_bar)
    supervisor.start(roles.working(ports.flower))
    with console.status("Waiting until all of it is ready ..."):
        ready = _wait_until_ready(lambda: _answers(api) and _follows(settings), stop)
    if not ready and not stop.is_set():
        raise SystemExit("Daybook did not get ready; its log above says why.")
    serve_metrics(settings.metrics_host, ports.metrics, str(metrics))
    found = api, ports.metrics, ports.flower, town, password, _has_panel(settings), lacks_year
    return Started(settings, options.data, *found) if ready else None


def _migrate(preparation: Preparation, console: Console) -> None:
    """Migrate the database; a progress bar shows the rebuild of read models, which no role uses yet."""
    with console.status("Migrating the database ..."), progress("Rebuilding the read models", visible=False) as bar:
        rebuilt = preparation.do("migrate", bar)
    if rebuilt:
        console.print(f"Rebuilt the read models, which another release had made: {', '.join(rebuilt)}.")


def _filled(preparation: Preparation, options: UpOptions, settings: Settings) -> tuple[FirstBooking | None, str | None]:
    """The first booking to try in the demo data, if they are wanted, and the password of the accounts of DEV."""
    town = None
    if options.demo:
        with progress("Building the demo data", visible=False) as bar:
            town = preparation.do("build", bar)
    password = None
    if settings.mode is Mode.DEV:
        password = preparation.do("accounts", _no_bar, town=town, data=str(options.data))
    return FirstBooking.read(town), password


def _no_bar(done: int, total: int) -> None:
    """The progress of what takes no time."""


class _Ports(NamedTuple):
    """The ports of the metrics and of Flower, if it runs."""

    metrics: int
    flower: int | None


def _variables(settings: Settings, ports: _Ports, metrics: Path) -> dict[str, str]:
    """The environment of the roles."""
    links = {"METRICS_URL": f"http://{HOST}:{ports.metrics}/metrics", "ADMIN": str(_has_panel(settings))}
    links |= {"FLOWER_URL": f"http://{HOST}:{ports.flower}"} if ports.flower else {}
    # The parent serves the metrics of all its children.
    return variables_of(settings) | links | {FOLDER: str(metrics), "METRICS_PORT": "0"}


def _has_panel(settings: Settings) -> bool:
    """Whether there is an admin panel: unless ADMIN says that there is none."""
    return settings.admin or "admin" not in settings.model_fields_set


def _listen(port: int) -> socket.socket:
    """One listening socket, which all API processes share."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as taken:
        raise SystemExit(f"Port {port} is taken: choose another with --port ({taken.strerror}).") from None
    listening.listen(1024)
    listening.set_inheritable(True)
    return listening


@dataclass(frozen=True)
class _Roles:
    """The child processes. `variables`: their environment; `stderr`: their terminal, if it is one."""

    options: UpOptions
    variables: dict[str, str]
    stderr: int | None

    def serving(self, fd: int) -> list[Child]:
        """The projector and the API processes, which share the listening socket `fd`."""
        apis = (self._child(f"api {n + 1}", "api", "--fd", str(fd), files=(fd,)) for n in range(self.options.apis))
        return [self._child("projector", "project"), *apis]

    def working(self, flower_port: int | None) -> list[Child]:
        """Workers, beat and Flower, started once the demo data is there; none without workers."""
        if flower_port is None:
            return []
        return [
            *(self._child(f"worker {n + 1}", "worker") for n in range(self.options.workers)),
            self._child("beat", "beat"),
            self._child("flower", "flower", "--port", str(flower_port)),
        ]

    def _child(self, name: str, *arguments: str, files: Sequence[int] = ()) -> Child:
        return Child(name, arguments, self.variables, files, self.stderr)


def _wait_until_ready(ready: Callable[[], bool], stop: threading.Event) -> bool:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and not stop.wait(0.1):
        if ready():
            return True
    return False


def _answers(api: str) -> bool:
    try:
        with _DIRECT.open(f"{api}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _follows(settings: Settings) -> bool:
    """Whether a projector, here or elsewhere, listens to the log: no read shows a write before."""
    assert settings.database is not None
    with psycopg.connect(settings.database.dsn, application_name="daybook-up") as connection:
        return connection.execute(_LISTENS).fetchone() is not None
