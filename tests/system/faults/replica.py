"""Two real PostgreSQL servers: a primary, and an asynchronous standby that may take over without its last commits."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import create_engine

from infrastructure.database.roles import create_role, migrate
from infrastructure.local.postgres_cluster import Cluster
from infrastructure.local.programs import ServerAccount, find_postgres, within_reach
from projections.rebuild.generations import ensure
from tests.support.faultproxy import FaultProxy
from tests.support.instances import a_folder
from tests.support.waiting import eventually

NAME = ROLE = "daybook_failover"
ALL_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"


class Standby(Cluster):
    """Also ready while it only replays."""

    def _ready(self) -> bool:
        return super()._ready() or (self._process is not None and self._announced() == (self._process.pid, "standby"))


class Pair:
    """`stream`: the way of the standby to the primary. `door`: the application's way to the one that leads."""

    def __init__(self, old: Cluster, new: Standby, stream: FaultProxy, door: FaultProxy) -> None:
        self.old, self.new, self.stream, self.door = old, new, stream, door

    async def replicated(self) -> None:
        """All that the primary has committed is on the standby."""
        with psycopg.connect(self.old.dsn(NAME), autocommit=True) as primary:
            found = primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone()

        async def caught_up() -> bool:
            with psycopg.connect(self.new.dsn(NAME), autocommit=True) as standby:
                row = standby.execute(ALL_REPLAYED, found).fetchone()
            return bool(row and row[0])

        await eventually(caught_up)

    def part(self) -> None:
        """From now on the standby hears nothing."""
        self.stream.stall("to server", "to client")
        self.stream.cut()

    def promote(self) -> None:
        """The standby takes over: new connections reach it. Old ones still reach the old primary, which answers."""
        with psycopg.connect(self.new.dsn(NAME), autocommit=True) as standby:
            standby.execute("SELECT pg_promote()")
        self.door.lead_to(application(self.new))


def application(cluster: Cluster) -> str:
    return f"postgresql://{ROLE}:{ROLE}@127.0.0.1:{cluster.port}/{NAME}"


@asynccontextmanager
async def a_pair() -> AsyncIterator[Pair]:
    """A migrated, empty database on both."""
    with a_folder("daybook-failover-") as home:
        account = ServerAccount.for_data(home / "old")
        programs = within_reach(find_postgres() / "postgres", account, home / "programs").parent
        old = Cluster(home / "old", programs, account, fsync=False)
        new = Standby(home / "new", programs, account, fsync=False)
        try:
            await asyncio.to_thread(_fill, old)
            async with FaultProxy(old.dsn()) as stream, FaultProxy(application(old)) as door:
                await asyncio.to_thread(_copy, old, new, account, stream)
                yield Pair(old, new, stream, door)
        finally:
            new.stop()
            old.stop()


def _fill(cluster: Cluster) -> None:
    cluster.start()
    create_role(cluster.dsn(), ROLE, ROLE)
    with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {NAME}".encode())
    migrate(cluster.dsn(NAME), ROLE)
    engine = create_engine(cluster.dsn(NAME).replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        ensure(connection)
    engine.dispose()


def _copy(primary: Cluster, standby: Standby, account: ServerAccount, stream: FaultProxy) -> None:
    """The data of the stopped primary become those of its standby; then both run."""
    primary.stop()
    shutil.copytree(primary.folder, standby.folder)
    where = urlsplit(stream.dsn)
    place = f"host={where.hostname} port={where.port} user={where.username} password={where.password}"
    with (standby.folder / "data/postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"primary_conninfo = '{place}'\n")
    (standby.folder / "data/standby.signal").touch()
    account.own(standby.folder)
    primary.start()
    standby.start()
