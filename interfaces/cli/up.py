"""Servers, migrations, API, projector and a demo town; then the addresses, tokens and a curl that books."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from application.access import Role
from domain.kernel import derived_id, new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.postgres_journal import postgres_store
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.identity.account_provisioning import NewAccount, registrar_of
from infrastructure.jobs.job_queue import JobQueue
from infrastructure.local.instance import environment_of, kept, start_servers
from infrastructure.local.processes import Child, Children
from infrastructure.local.programs import free_port
from infrastructure.migrate import migrate_all
from infrastructure.observability.logger import serve_metrics
from infrastructure.settings import Environment, Settings
from interfaces.demo import Town, seed

HOST = "127.0.0.1"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to our own address
TOKEN_LIFETIME = timedelta(days=1)
READY_WITHIN = 60.0  # seconds
NEAR, FAR = "sweep,jobs,urgent,mail", "webhooks"
ROLES = (Role.ADMIN, Role.PROVIDER, Role.CUSTOMER, Role.AUDITOR, Role.ANALYST)

_LISTENS = """
    SELECT FROM pg_stat_activity
    WHERE application_name = 'daybook-projector-listen' AND datname = current_database()"""


@dataclass(frozen=True)
class UpReport:
    """What scripts need: plain libpq URIs, addresses and a token for each role."""

    api: str
    database: str
    superuser_database: str
    redis: str
    metrics: str
    tokens: dict[str, str]
    mailbox: str | None
    password: str | None
    flower: str | None


@dataclass(frozen=True)
class UpOptions:
    """What the caller of `daybook up` asked for. `port` 0: any free one."""

    data: Path
    port: int
    apis: int
    workers: int
    demo: bool
    as_json: bool


def up(wish: UpOptions) -> None:
    """Start everything, say so, wait for Ctrl-C or SIGTERM, stop everything in order."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True)
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(wish.port))
        with console.status("Starting PostgreSQL and Redis ..."):
            settings = start_servers(wish.data, stack)
        _migrate(settings, console)
        metrics = Path(stack.enter_context(TemporaryDirectory(prefix="daybook-metrics-")))
        children = _children(settings, wish, listening, metrics)
        stack.enter_context(Children(children))
        api = f"http://{HOST}:{listening.getsockname()[1]}"
        town = build_town(settings, console) if wish.demo else None
        password = _people(settings, town, wish) if settings.environment is Environment.DEV else None
        flower_port = free_port() if wish.workers else None
        stack.enter_context(Children(_workers(settings, wish, flower_port, metrics)))
        if not _wait_until_ready(lambda: _answers(api) and _follows(settings), stop):
            if not stop.is_set():
                raise SystemExit("Daybook did not get ready; its log above says why.")
            return
        metrics_port = serve_metrics(HOST, 0, str(metrics))
        _say(console, settings, _ready(settings, api, (metrics_port, flower_port), town, password), town, wish)
        stop.wait()
        console.print("Stopping ...")


def _say(console: Console, settings: Settings, ready: UpReport, town: Town | None, wish: UpOptions) -> None:
    if wish.as_json:
        print(json.dumps(asdict(ready)), flush=True)  # noqa: T201  the line that scripts wait for
    else:
        _tell(console, settings, ready, town, wish)


def _migrate(settings: Settings, console: Console) -> None:
    """With a progress bar while read models that another release made are rebuilt; nobody asks them yet."""
    columns = TextColumn("Rebuilding the read models"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("events", total=None, visible=False)
        rebuilt = migrate_all(
            settings, lambda done, total: bar.update(task, completed=done, total=total, visible=True), grace=0
        )
    if rebuilt:
        console.print(f"Rebuilt the read models, which another release had made: {', '.join(rebuilt)}.")


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


def _children(settings: Settings, wish: UpOptions, listening: socket.socket, metrics: Path) -> list[Child]:
    theirs = environment_of(settings) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    if "public_url" not in settings.model_fields_set:
        theirs["PUBLIC_URL"] = f"http://{HOST}:{listening.getsockname()[1]}"
    fd = listening.fileno()
    return [
        Child("projector", ["project"], theirs),
        *(Child(f"api {n + 1}", ["api", "--fd", str(fd)], theirs, (fd,)) for n in range(wish.apis)),
    ]


def _workers(settings: Settings, wish: UpOptions, flower_port: int | None, metrics: Path) -> list[Child]:
    """Those who do what falls due, and the page that shows them; started once the town is built."""
    if flower_port is None:
        return []
    theirs = environment_of(settings) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return [
        *(Child(f"worker {n + 1}", ["worker", "--queues", NEAR], theirs) for n in range(wish.workers)),
        Child("webhook worker", ["worker", "--queues", FAR], theirs),  # receivers that hang hold up nobody else
        Child("beat", ["beat"], theirs),
        Child("flower", ["flower", "--port", str(flower_port)], theirs),
    ]


def build_town(settings: Settings, console: Console | None = None) -> Town:
    """The demo town, with a progress bar; one that is there stays as it is."""
    return asyncio.run(_build_town(settings, console or Console(stderr=True)))


async def _build_town(settings: Settings, console: Console) -> Town:
    assert settings.database is not None
    store = postgres_store(settings.database.dsn, settings.masters)
    await store.open()
    rows = RowPool(settings.database.dsn, size=1)
    await rows.open()
    columns = TextColumn("Building the demo town"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("town", total=None)
            before = await _head(rows)
            town = await seed(
                store,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                now=store.now(),
            )
            if await _head(rows) > before:
                await JobQueue(rows).silence()
            return town
    finally:
        await rows.close()
        await store.close()


async def _head(rows: RowPool) -> int:
    found = await rows.one("SELECT coalesce(max(notification_id), 0) FROM log.stored_events")
    return int(found[0]) if found else 0


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
    """Whether a projector, here or elsewhere, listens to the log: before, no read shows what is written."""
    assert settings.database is not None
    with psycopg.connect(settings.database.dsn) as connection:
        return connection.execute(_LISTENS).fetchone() is not None


def _people(settings: Settings, town: Town | None, wish: UpOptions) -> str:
    """An account for each role; those who are there stay as they are. Answers their first password."""
    password = kept(wish.data / "demo_password", 18)
    newcomers = [NewAccount(_account(role, town), role, email_of(role), str(role).capitalize()) for role in ROLES]

    async def make() -> None:
        async with registrar_of(settings) as registrar:
            await registrar.settle(newcomers, password)

    asyncio.run(make())
    return password


def _ready(
    settings: Settings, api: str, ports: tuple[int, int | None], town: Town | None, password: str | None
) -> UpReport:
    metrics_port, flower_port = ports
    database, owner, redis = settings.database, settings.owner_database, settings.redis_url
    assert database is not None
    assert owner is not None
    assert redis is not None
    tokens = AccessTokens(settings.secret_key.get_secret_value())
    return UpReport(
        api=api,
        database=database.dsn,
        superuser_database=owner.dsn,
        redis=redis.get_secret_value(),
        metrics=f"http://{HOST}:{metrics_port}/metrics",
        tokens={str(role): tokens.issue(_account(role, town), role, TOKEN_LIFETIME) for role in ROLES},
        mailbox=str(settings.dev_mailbox) if settings.dev_mailbox else None,
        password=password,
        flower=f"http://{HOST}:{flower_port}" if flower_port else None,
    )


def _account(role: Role, town: Town | None) -> UUID:
    """Whose token: in the demo town somebody who has something there."""
    known = {}
    if town is not None:
        known = {Role.ADMIN: town.admin_id, Role.PROVIDER: town.owner_id, Role.CUSTOMER: town.customer_id}
    return known.get(role, derived_id("account", role))


def email_of(role: Role) -> str:
    """By which somebody of this role signs in."""
    return f"{role}@daybook.example"


def _tell(console: Console, settings: Settings, ready: UpReport, town: Town | None, wish: UpOptions) -> None:
    plain = Console(stderr=True, soft_wrap=True, highlight=False)
    console.rule("Daybook is up")
    plain.print(f"API        {ready.api}    docs: {ready.api}/docs")
    plain.print(f"PostgreSQL {ready.database}")
    plain.print(f"Redis      {ready.redis}")
    plain.print(f"Metrics    {ready.metrics}")
    auth = settings.flower_basic_auth
    if ready.flower is not None and auth is not None:
        user, _, word = auth.get_secret_value().partition(":")
        plain.print(f"Flower     {ready.flower}    user: {user}    password: {word}")
    if ready.mailbox is not None:
        plain.print(f"Mailbox    {ready.api}/dev/mailbox    files: {ready.mailbox}")
    if ready.password is not None:
        plain.print(f"Sign in as {', '.join(map(email_of, ROLES))}    password: {ready.password}")
    for role, token in ready.tokens.items():
        plain.print(f"\n{role} token (valid for a day):\n{token}")
    if town is not None and town.start is not None:
        plain.print("\nThis books a free time:")
        plain.print(_curl(ready, town, town.start))
    plain.print(f"\nData in {wish.data}. Ctrl-C stops all of it.")


def _curl(ready: UpReport, town: Town, start: datetime) -> str:
    body = {
        "service_id": str(town.service_id),
        "provider_id": str(town.provider_id),
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return (
        f"curl -i {ready.api}/v1/appointments"
        f" -H 'Authorization: Bearer {ready.tokens['customer']}'"
        f" -H 'Content-Type: application/json' -H 'Idempotency-Key: {new_id()}'"
        f" -d {shlex.quote(json.dumps(body))}"
    )
