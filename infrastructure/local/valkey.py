"""A private Valkey, the Redis of this machine, without persistence."""

import contextlib
import secrets
import subprocess
from pathlib import Path

import redis

from infrastructure.local.programs import HOST, NoServer, ServerAccount, free_port, wait_until

START = 10.0  # seconds
SHUTDOWN = 10.0  # seconds


class Valkey:
    """Valkey on 127.0.0.1 with its password and log in `folder`. It keeps port and password of its first start.

    `evicts`: a cache, which drops the least recently used key when it is full; else writes fail then.
    """

    def __init__(self, folder: Path, program: Path, account: ServerAccount, *, evicts: bool = True) -> None:
        self.name = "Valkey" if evicts else "broker"
        self.port = 0
        self._policy = "allkeys-lru" if evicts else "noeviction"
        self._folder = folder
        self._program = program
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self._password()}@{HOST}:{self.port}/0"

    def start(self) -> None:
        """Return when the server answers. Raises NoServer with its log."""
        if not self.port:
            self._prepare()
        # Settings go in by standard input: as arguments they would show the password in every process list.
        self._process = self._account.start([str(self._program), "-"], self._folder / "log", self._settings())
        if not wait_until(lambda: self._exited() or self._answers(), START) or self._exited():
            self.stop()
            raise NoServer(
                f"Valkey did not start:\n{(self._folder / 'log').read_text(encoding='utf-8', errors='replace')}"
            )

    def ended(self) -> int | None:
        """The exit status of a server that ended by itself; None while it runs."""
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Return when the server has ended. It also ends a start under way."""
        self.ask_to_stop()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(SHUTDOWN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._account.own(self._folder)
        self._stop_orphan()
        self._keep("password", secrets.token_urlsafe(24))
        port = free_port()
        self._keep("port", str(port))
        self.port = port

    def _settings(self) -> bytes:
        return (
            f"bind {HOST}\nport {self.port}\nrequirepass {self._password()}\n"
            f'save ""\nappendonly no\nmaxmemory 128mb\nmaxmemory-policy {self._policy}\n'
        ).encode()

    def _keep(self, name: str, value: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")

    def _password(self) -> str:
        return (self._folder / "password").read_text(encoding="utf-8")

    def _exited(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def _stop_orphan(self) -> None:
        """Stop a server of ours that outlived its parent; its password proves that it is ours."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            port = int((self._folder / "port").read_text(encoding="utf-8"))
            url = f"redis://:{self._password()}@{HOST}:{port}/0"
            with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url) as client:
                client.shutdown(nosave=True)
