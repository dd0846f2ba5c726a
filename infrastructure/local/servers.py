"""PostgreSQL and Redis on this machine with no set-up, for development and tests.

Their programs come with the development environment or with the machine. Production uses servers of its own.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog

from infrastructure.local.postgres_cluster import SUPERUSER, Cluster
from infrastructure.local.programs import (
    HOST,
    NoServer,
    ServerAccount,
    find_postgres,
    find_valkey,
    first_postgres,
    within_reach,
)
from infrastructure.local.valkey import Valkey

HOME = Path(".local")
REFUGE = Path("/var/lib/daybook")  # the data of root, whose own folders PostgreSQL's account may not enter

logger = structlog.get_logger(__name__)


class InUse(NoServer):
    """Another process runs the servers of this folder."""

    def __init__(self, home: Path, process: str) -> None:
        super().__init__(f"{home} is in use by process {process}: stop that one, or choose another folder.")


class LocalServers:
    """PostgreSQL and Valkey with their data in `home`, from `start()` to `stop()` or for a `with` block.

    `fsync=False` trades durability for speed; `postgres_bin` is a folder with `initdb`; `port` PostgreSQL's.
    `postgres=False` or `valkey=False` leaves one out; `broker`: another Valkey, for Celery.
    Raises NoServer, whose message is for the user.
    """

    host = HOST
    superuser = SUPERUSER

    def __init__(
        self,
        home: Path = HOME,
        *,
        fsync: bool = True,
        postgres_bin: Path | None = None,
        port: int | None = None,
        postgres: bool = True,
        valkey: bool = True,
        broker: bool = False,
    ) -> None:
        self.home = home.absolute()
        self._fsync = fsync
        self._postgres_bin = postgres_bin
        self._port = port
        self._wanted = [
            *([self._start_postgres] if postgres else []),
            *([self._start_valkey] if valkey else []),
            *([self._start_broker] if broker else []),
        ]
        self.running: list[Cluster | Valkey] = []
        self._lock: IO[str] | None = None

    def start(self) -> Self:
        """Start the wanted servers, or none: if one fails, the others are stopped."""
        account = ServerAccount.for_data(self.home / "postgres")
        try:
            self.home = _home(self.home, account)
            self._lock = _lock(self.home)
            for start in self._wanted:
                start(account)
        except PermissionError as refused:
            self.stop()
            raise NoServer(f"{self.home} is another account's: choose another folder. ({refused})") from refused
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop PostgreSQL (a fast shutdown keeps every commit), then Valkey. Safe to repeat."""
        while self.running:
            self.running.pop(0).stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._cluster.port

    @property
    def superuser_password(self) -> str:
        return self._cluster.password

    def superuser_dsn(self, dbname: str = "postgres") -> str:
        """`postgresql://...` of a database, as the superuser."""
        return self._cluster.dsn(dbname)

    @property
    def redis_url(self) -> str:
        return self._valkey.url

    @property
    def broker_url(self) -> str:
        return self._broker.url

    def _start_postgres(self, account: ServerAccount) -> None:
        folder = first_postgres([self._postgres_bin]) if self._postgres_bin else find_postgres()
        program = within_reach(folder / "postgres", account, self.home / "programs")
        self._cluster = Cluster(self.home / "postgres", program.parent, account, fsync=self._fsync, port=self._port)
        self.running.append(self._cluster)
        self._cluster.start()

    def _start_valkey(self, account: ServerAccount) -> None:
        program = within_reach(find_valkey(), account, self.home / "programs")
        self._valkey = Valkey(self.home / "valkey", program, account)
        self.running.append(self._valkey)
        self._valkey.start()

    def _start_broker(self, account: ServerAccount) -> None:
        program = within_reach(find_valkey(), account, self.home / "programs")
        self._broker = Valkey(self.home / "broker", program, account, evicts=False)
        self.running.append(self._broker)
        self._broker.start()


def _home(wished: Path, account: ServerAccount) -> Path:
    """Make `wished`, or a folder outside root's own where `account` may not enter it; the one that was made."""
    _make(wished)
    if account.may_enter(wished):
        return wished
    refuge = REFUGE / hashlib.sha256(bytes(wished)).hexdigest()[:12]
    _make(refuge)
    logger.warning(
        "data folder moved for PostgreSQL's account", wanted=str(wished), used=str(refuge), account=account.uid
    )
    return refuge


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    try:
        _make(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask: private files are in closed folders within
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as refused:
        raise NoServer(f"Cannot make the folder {folder}: choose another. ({refused})") from refused


def _lock(home: Path) -> IO[str]:
    """A lock on the folder that lasts as long as this process."""
    lock = (home / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        with lock:
            lock.seek(0)
            raise InUse(home, lock.read()) from taken
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
