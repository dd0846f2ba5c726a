"""Databases that Daybook refuses to migrate: two lines say why and what helps, and nothing in them changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import infrastructure
from infrastructure.database.roles import alchemy
from infrastructure.local.servers import LocalServers
from tests.conftest import Database
from tests.interfaces.cli.test_main import Ran, process

# Not the size: an autovacuum may give back the pages of a table that another test has emptied.
_STATE = """
    SELECT n.nspname || '.' || c.relname, c.relkind::text, c.relnatts, c.relfilenode FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    ORDER BY 1"""


@pytest.fixture
def empty(servers: LocalServers) -> Callable[[str], str]:
    """Makes an empty database with these options; its name."""

    def make(options: str = "") -> str:
        name = f"empty_{uuid4().hex}"
        with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {options}".encode())
        return name

    return make


@pytest.fixture
def migrate(servers: LocalServers, tmp_path: Path) -> Callable[[str], Ran]:
    """Runs `daybook migrate` on a database, as its owner."""

    def run(name: str) -> Ran:
        place = {"DB_HOST": servers.host, "DB_PORT": str(servers.port), "DB_NAME": name}
        return process(tmp_path, "migrate", DB_USER=servers.superuser, DB_PASS=servers.superuser_password, **place)

    return run


def state(servers: LocalServers, name: str) -> list[tuple[object, ...]]:
    with psycopg.connect(servers.superuser_dsn(name)) as connection:
        return [tuple(map(str, row)) for row in connection.execute(_STATE).fetchall()]


def refused(name: str, reason: str) -> str:
    rolled_back = "The migration was rolled back as a whole: nothing was changed."
    return f"Daybook cannot migrate the database {name}: {reason}.\n{rolled_back}\n"


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding_is_refused_in_one_line(
    servers: LocalServers, empty: Callable[[str], str], migrate: Callable[[str], Ran], encoding: str
) -> None:
    with psycopg.connect(servers.superuser_dsn()) as connection:
        provider = "LOCALE_PROVIDER libc" if connection.info.server_version >= 15_00_00 else ""
    name = empty(f"ENCODING '{encoding}' TEMPLATE template0 {provider} LC_COLLATE 'C' LC_CTYPE 'C'")
    remedy = f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0."
    said = f"The database {name} has the encoding {encoding}. Make one with UTF8: {remedy}\n"
    assert migrate(name) == (1, "", said)
    assert state(servers, name) == []


def test_a_database_of_a_newer_release_is_refused_and_left_alone(
    servers: LocalServers, database: Database, migrate: Callable[[str], Ran]
) -> None:
    with psycopg.connect(database.owner) as connection:
        ((version,),) = connection.execute("SELECT version_num FROM log.schema_version").fetchall()
        connection.execute("UPDATE log.schema_version SET version_num = '9000'")
    before = state(servers, database.name)
    try:
        reason = f"A newer release migrated the database {database.name}: it has schema version 9000."
        remedy = "Run that release, or restore a backup that is older than its migration. Nothing was changed."
        assert migrate(database.name) == (1, "", f"{reason}\n{remedy}\n")
        assert state(servers, database.name) == before
    finally:
        with psycopg.connect(database.owner) as connection:
            connection.execute("UPDATE log.schema_version SET version_num = %s", [version])


def test_an_upgrade_that_refuses_a_log_is_rolled_back(
    servers: LocalServers, empty: Callable[[str], str], migrate: Callable[[str], Ran]
) -> None:
    name = empty("")
    dsn = servers.superuser_dsn(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA log")
    _upgrade(dsn, "0001")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO log.stored_events VALUES (%s, 1, 'Customer.Registered', '', 1, %s, now(), '{}', '')",
            [uuid4(), uuid4()],
        )
    before = state(servers, name)
    reason = "this log was written before personal data was sealed: begin with an empty one"
    assert migrate(name) == (1, "", refused(name, reason))
    assert state(servers, name) == before


def test_an_upgrade_gives_up_a_lock_that_another_session_holds(
    servers: LocalServers, empty: Callable[[str], str], migrate: Callable[[str], Ran]
) -> None:
    name = empty("")
    dsn = servers.superuser_dsn(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA log")
    _upgrade(dsn, "0001")
    before = state(servers, name)
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE log.stored_events")  # until its transaction ends
        rolled_back = "The migration was rolled back as a whole: nothing was changed. Run it again."
        held = "another session holds a lock on a table for too long"
        assert migrate(name) == (1, "", f"Daybook cannot migrate the database {name} now: {held}.\n{rolled_back}\n")
    assert state(servers, name) == before
    assert migrate(name)[0] == 0


def test_a_role_without_the_right_to_migrate_is_told_so(
    servers: LocalServers, empty: Callable[[str], str], tmp_path: Path
) -> None:
    name, role = empty(""), f"reader_{uuid4().hex}"
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'reads'".encode())
    place = {"DB_HOST": servers.host, "DB_PORT": str(servers.port), "DB_NAME": name}
    ran = process(tmp_path, "migrate", DB_USER=role, DB_PASS="reads", **place)
    assert ran == (1, "", refused(name, f"permission denied for database {name}"))


def _upgrade(dsn: str, revision: str) -> None:
    """The schema of an early commit."""
    assert infrastructure.__file__
    config = Config()
    config.set_main_option("script_location", str(Path(infrastructure.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(alchemy(dsn))
    with closing(engine.connect()) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()
