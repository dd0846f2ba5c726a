"""Real Daybook processes for tests: `daybook up` in a folder of its own, and single roles beside it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from application.access import Role
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.local.programs import free_port
from infrastructure.settings import inherited
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
OURS = re.compile(
    r"(TEST_)?DB_|WEBHOOK_|REDIS_|SECRET_KEY|MASTER_KEY|MODE$|ALGORITHM$|LOG_LEVEL$|API_|ADMIN|PROMETHEUS_|PUBLIC_URL|SMTP_|MAIL|QUIET_|BROKER_|FLOWER_|WORKER_|SENTRY_|TRACING_|OTEL_"
)
READY_WITHIN = 300.0  # seconds: the machine may have other things to do
STOPPED_WITHIN = 120.0
MEMORY = Path("/dev/shm")
ENOUGH = 8 * 2**30  # bytes free, for all servers that run at once
LEFT_BEHIND = 7 * 86_400.0  # seconds: no test lasts so long


class NotReady(AssertionError):
    """What was started ended, or did not get ready in time; says what it wrote."""


@cache
def servers_folder() -> str | None:
    """For `tempfile`; None: its usual place. A database is many files, which a disk makes slowly.

    A killed server finds there what it wrote, as on a disk; that the machine loses its power is no test's matter.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None  # PostgreSQL's programs may have to be copied there
    remove_left_behind(MEMORY)
    return str(MEMORY) if shutil.disk_usage(MEMORY).free > ENOUGH else None


def remove_left_behind(place: Path) -> None:
    """The folders of tests that were killed: memory is not emptied as a disk's folder of temporary files is."""
    for folder in place.glob("daybook-*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_folder(prefix: str = "daybook-journey-") -> Iterator[Path]:
    """A folder that every account may enter, which PostgreSQL's must and pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=servers_folder()))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Tests share a machine, and only those of overload may find out that it is overloaded.
PATIENT = {"API_QUEUE_DELAY": "1000"}


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without anything that Daybook would read, then the changes."""
    return {name: value for name, value in inherited().items() if not OURS.match(name)} | PATIENT | changes


@dataclass
class Process:
    """A Daybook command in a process of its own; what it says goes to files in `folder`."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    @classmethod
    def start(
        cls,
        folder: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        python: str = sys.executable,
        uid: int | None = None,
        program: Path | None = None,
    ) -> Process:
        """`program`: the folder of another release's packages, instead of these."""
        out, err = (folder / f"{uuid4().hex[:8]}.{name}" for name in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [python, "-m", "interfaces.cli", *arguments],
                cwd=program or folder,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(clean_environment() if env is None else env),
                user=uid,
                group=uid,
                extra_groups=None if uid is None else [],
                process_group=0,
            )
        return cls(process, out, err)

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return self.out.read_text() + self.err.read_text()

    def first_line(self) -> str:
        """The first line of its standard output, once it is there; raises NotReady."""
        within(READY_WITHIN, lambda: "\n" in self.out.read_text() or self.process.poll() is not None)
        line, newline, _ = self.out.read_text().partition("\n")
        if not newline:
            raise NotReady(f"ended with {self.process.poll()}:\n{self.said}")
        return line

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and answer with the exit status; whoever is deaf is killed, and that fails."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, seconds: float = STOPPED_WITHIN) -> int:
        """Its exit status, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise NotReady(f"did not end in {seconds} s:\n{self.said}") from None

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass
class Instance:
    """What `daybook up --json` started; its fields are those of the line that it says."""

    data: Path
    process: Process
    api: str
    database: str
    superuser_database: str
    redis: str
    metrics: str
    tokens: dict[str, str]
    mailbox: str | None
    demo_accounts: dict[str, str] | None
    demo_password: str | None
    flower: str | None
    flower_user: str | None
    flower_password: str | None
    booking: str | None
    secret_key: str
    master_key: str
    broker_url: str
    admin: str | None = None
    roles: list[Process] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        data: Path,
        *,
        apis: int = 2,
        workers: int = 0,
        demo: bool = False,
        year: bool = False,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        python: str = sys.executable,
        uid: int | None = None,
        program: Path | None = None,
        logs: Path | None = None,
    ) -> Instance:
        """Return when it is ready; raises NotReady. `env`: more variables; `uid`: whose process it is.

        `program`: another release's folder of packages; `logs`: the folder of its lines, if not `data`.
        """
        options = f"up --json --port {port} --apis {apis} --workers {workers} {'--demo' if demo else '--no-demo'}"
        options += " --year" if year else ""
        arguments = [*options.split(), "--data", str(data)]
        process = Process.start(
            logs or data,
            *arguments,
            env=clean_environment(**(env or {})),
            python=python,
            uid=uid,
            program=program,
        )
        try:
            told = _named_as_now(json.loads(process.first_line()))
            secrets = {"broker_url": (env or {}).get("BROKER_URL")}
            secrets |= json.loads((data / "instance.json").read_text())
            keys = {name: secrets[name] for name in ("secret_key", "master_key", "broker_url")}
            return cls(data, process, **told, **keys)
        except BaseException:
            process.kill()
            raise

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all; fails with the trace of each request that ended with 500, whether or not the test looked at it."""
        for role in self.roles:
            role.kill()
        if self.process.process.poll() is None:
            self.process.stop()
        found = [trace for process in (self.process, *self.roles) for trace in faults(process.err.read_text())]
        assert not found, "unhandled errors:\n" + "\n".join(found)

    def token(self, role: Role | str, sub: UUID | None = None) -> str:
        """An access token of an account, a new one if not said."""
        return AccessTokens(self.secret_key).issue(sub or uuid4(), Role(role))

    def environment(self, database: str | None = None, **changes: str) -> dict[str, str]:
        """What a role needs that finds all by its environment. `database`: the way to it, if another."""
        place = conninfo_to_dict(database or self.database)
        return (
            clean_environment(
                DB_HOST=str(place["host"]),
                DB_PORT=str(place["port"]),
                DB_NAME=str(place["dbname"]),
                DB_USER=str(place["user"]),
                DB_PASS=str(place["password"]),
                REDIS_URL=self.redis,
                BROKER_URL=self.broker_url,
                SECRET_KEY=self.secret_key,
                MASTER_KEY=self.master_key,
            )
            | changes
        )

    @contextmanager
    def another_api(self, env: Mapping[str, str] | None = None) -> Iterator[Api]:
        """One more API process on a port of its own, once it is ready. `env`: not the data folder."""
        api = Api(self, free_port(), env)
        try:
            api.start()
            yield api
        finally:
            api.stop()

    @contextmanager
    def role(self, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Process]:
        """One more role beside: "worker", "beat". `env`: more variables; the process is killed at the end."""
        said = [*arguments, "--data", str(self.data)]
        process = Process.start(self.data, *said, env=clean_environment(**(env or {})))
        self.roles.append(process)
        yield process
        process.kill()

    def pids(self, role: str) -> list[int]:
        """The processes of a role that `up` started: "api" or "project"."""
        return [pid for pid in children(self.process.process.pid) if role in command(pid)]


def _named_as_now(told: dict[str, Any]) -> dict[str, Any]:
    """What `daybook up --json` printed; release 0.1.0 had another name for the password, and no fields for accounts."""
    if "password" not in told:
        return told
    more = dict.fromkeys(("demo_accounts", "flower_user", "flower_password", "booking"))
    return (
        {name: value for name, value in told.items() if name != "password"} | more | {"demo_password": told["password"]}
    )


class Api:
    """An API process that a test may kill and start again on the same port."""

    def __init__(self, instance: Instance, port: int, env: Mapping[str, str] | None) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._instance = instance
        self._arguments = ["api", "--port", str(port), "--data", str(instance.data)]
        self._env = env
        self._process: Process | None = None

    def start(self) -> None:
        """Return when it is ready; raises NotReady."""
        self._process = process = Process.start(self._instance.data, *self._arguments, env=self._env)
        self._instance.roles.append(process)
        within(READY_WITHIN, lambda: process.process.poll() is not None or is_ready(self.url))
        if process.process.poll() is not None:
            raise NotReady(process.said)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that runs, to be sent signals."""
        assert self._process is not None
        return self._process.process

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()

    def stop(self) -> None:
        """SIGTERM, if it runs."""
        if self._process is not None and self._process.process.poll() is None:
            self._process.stop()


def faults(log: str) -> list[str]:
    """Of each request in a log that ended with 500: operation, request id, trace."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{") and '"unhandled error"' in line]
    return [f"{line['operation']} {line.get('request_id', '')}\n{_trace(line['exception'])}" for line in lines]


def _trace(errors: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for error in errors:
        told += [f"  {frame['filename']}:{frame['lineno']} {frame['name']}" for frame in error["frames"]]
        told.append(f"{error['exc_type']}: {error['exc_value']}")
    return "\n".join(told)


def is_ready(api: str) -> bool:
    """Whether it says so."""
    try:
        with urllib.request.urlopen(f"{api}/health/ready", timeout=PATIENCE / 4) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def within(seconds: float, true: Callable[[], object]) -> None:
    """Return once `true()` holds; an assertion fails if it does not in time."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not so within {seconds} s"
        time.sleep(0.05)


async def eventually(true: Callable[[], Awaitable[object]], seconds: float = PATIENCE) -> None:
    """As `within`, for a condition that is awaited."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110  what is waited for lies in another process
            await asyncio.sleep(0.02)


def ask(dsn: str, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    """The rows of a statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        answer = connection.execute(statement.encode(), values or None)
        return answer.fetchall() if answer.description else []


def command(pid: int) -> list[str]:
    """The words of a process's command line; none if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def family(pid: int) -> list[int]:
    """All that a process started, and what those did."""
    return [each for child in children(pid) for each in (child, *family(child))]


def is_gone(pid: int) -> bool:
    """Dead, or dead and not yet buried by whoever adopted it."""
    return not command(pid)
