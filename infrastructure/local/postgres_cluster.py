"""A private PostgreSQL cluster: made once, then started and stopped here, also after a crash."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from infrastructure.local.disk_space import is_full
from infrastructure.local.programs import (
    HOST,
    NoServer,
    ServerAccount,
    command_of,
    free_port,
    postgres_version,
    wait_until,
)

SUPERUSER = "postgres"
RECOVERY = 60.0  # seconds a start may take: a crashed cluster first replays its journal
GIVING_UP = 10.0  # seconds in which the backends of a killed server end
SHUTDOWN = 30.0  # seconds


class Cluster:
    """PostgreSQL on 127.0.0.1 with its data, password and log in `folder`, run by `account`.

    It keeps the port of its first start.
    """

    name = "PostgreSQL"

    def __init__(
        self,
        folder: Path,
        programs: Path,
        account: ServerAccount,
        *,
        fsync: bool = True,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or 0
        self._data = folder / "data"
        self._programs = programs
        self._account = account
        self._fsync = fsync
        self._fixed_port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8")

    def dsn(self, dbname: str = "postgres") -> str:
        """The URI of a database, as the superuser."""
        return f"postgresql://{SUPERUSER}:{self.password}@{HOST}:{self.port}/{dbname}"

    def start(self) -> None:
        """Return when the server accepts connections. Raises NoServer with the end of its log."""
        self._wanted = True
        if not self.folder.exists():
            self._make()
        self._check_version()
        end = time.monotonic() + GIVING_UP
        while not self._launch():
            # Backends of a killed server may hold its shared memory, or another has taken the port.
            if is_full(self.folder):
                raise NoServer(f"The disk of {self.folder} is full: free some space.\n{self._log_end()}")
            if time.monotonic() > end or not self._wanted:
                raise NoServer(f"PostgreSQL did not start in {self.folder}:\n{self._log_end()}")
            time.sleep(0.2)
        self._fixed_port = self.port

    def ended(self) -> int | None:
        """The exit status of a server that ended by itself; None while it runs."""
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, every commit is on disk."""
        self._wanted = False
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Fast shutdown; return when the server has ended. It also ends a start under way."""
        self.ask_to_stop()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(SHUTDOWN)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    def _make(self) -> None:
        fresh = self.folder.with_suffix(".new")  # becomes the cluster when it is whole
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        (fresh / "password").touch(mode=0o600)
        (fresh / "password").write_text(secrets.token_urlsafe(24), encoding="utf-8")
        self._account.own(fresh)
        made = self._account.run(
            [
                str(self._programs / "initdb"),
                f"--pgdata={fresh / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={fresh / 'password'}",
                "--auth=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                *self._locale(),
                *([] if self._fsync else ["--no-sync"]),
            ]
        )
        if made.returncode:
            raise NoServer(f"PostgreSQL could not make a cluster in {self.folder}:\n{made.stdout}{made.stderr}")
        fresh.rename(self.folder)

    def _locale(self) -> list[str]:
        # The same order and letter case on every machine; 17 brings its own, before it is the C library's.
        if postgres_version(self._programs) >= 17:
            return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C.UTF-8"]

    def _check_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text(encoding="utf-8").strip()
        if int(made_by) != (version := postgres_version(self._programs)):
            raise NoServer(
                f"The data in {self.folder} is of PostgreSQL {made_by}, but only {version} was found here. "
                f"Install {made_by} again, or move the folder away to start empty."
            )

    def _launch(self) -> bool:
        self._stop_orphan()
        self.port = self._fixed_port or free_port()
        self._process = self._account.start(self._command(), self.folder / "log")
        if not wait_until(lambda: self._exited() or self._ready(), RECOVERY):
            self.stop()
            raise NoServer(f"PostgreSQL takes longer than {RECOVERY:.0f} s to start:\n{self._log_end()}")
        return not self._exited()

    def _command(self) -> list[str]:
        durable = "on" if self._fsync else "off"
        options = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "fsync": durable,
            "full_page_writes": durable,
            "synchronous_commit": durable,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "cluster_name": "daybook",
        }
        settings = (f"--{name}={value}" for name, value in options.items())
        return [str(self._programs / "postgres"), f"-D{self._data}", *settings]

    def _exited(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _ready(self) -> bool:
        return self._process is not None and self._announced() == (self._process.pid, "ready")

    def _announced(self) -> tuple[int, str]:
        """Process id and status in the pid file of the last server of this cluster, dead or alive; 0 if none."""
        try:
            lines = os.fsdecode((self._data / "postmaster.pid").read_bytes()).splitlines()  # it names folders
        except FileNotFoundError:
            return 0, ""
        return (int(lines[0]), lines[7].strip()) if len(lines) > 7 else (int(lines[0]) if lines else 0, "")

    def _stop_orphan(self) -> None:
        """Stop a server that outlived its parent. After a reboot, another program may have its process id."""
        pid, _ = self._announced()
        if not pid or not (command := command_of(pid)):
            return
        if str(self._data) in command:
            os.kill(pid, signal.SIGINT)
            wait_until(lambda: self._announced()[0] != pid, SHUTDOWN)
        else:
            (self._data / "postmaster.pid").unlink()

    def _log_end(self) -> str:
        return "\n".join((self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
