"""The schema is made once, whoever comes at the same time; and nobody can do more to the log than append."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from domain.kernel import new_id
from infrastructure.database.roles import create_role, join, migrate
from infrastructure.event_log.append_call import APPEND, arguments
from infrastructure.event_log.journal import Appended
from infrastructure.local.servers import LocalServers
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.test_append import call

ROOT = Path(__file__).parents[3]


@pytest.fixture
def empty(servers: LocalServers) -> Callable[[], str]:
    """Makes an empty database; its address as the superuser."""

    def make() -> str:
        name = f"empty_{uuid4().hex}"
        with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return servers.superuser_dsn(name)

    return make


def as_user(dsn: str, user: str) -> str:
    return f"postgresql://{user}:{user}@{dsn.rpartition('@')[2]}"


def migrate_at_once(*dsns: str) -> None:
    """Each in a process of its own."""
    program = "import sys; from infrastructure.database.roles import migrate; migrate(sys.argv[1], 'daybook_test')"
    started = [subprocess.Popen([sys.executable, "-c", program, dsn], cwd=ROOT) for dsn in dsns]
    assert [process.wait(60) for process in started] == [0] * len(dsns)


def state(dsn: str) -> list[tuple[object, ...]]:
    """All that the schema consists of."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'log'::regnamespace "
            "UNION ALL SELECT proname, 'function' FROM pg_proc WHERE pronamespace = 'log'::regnamespace "
            "UNION ALL SELECT version_num, 'version' FROM log.schema_version ORDER BY 1, 2"
        ).fetchall()


def test_two_migrations_at_once_make_one_schema(empty: Callable[[], str], database: Database) -> None:
    dsn = empty()
    migrate_at_once(dsn, dsn, dsn)
    assert state(dsn) == state(database.owner)


def test_migrating_a_second_time_changes_nothing_and_keeps_the_log(database: Database) -> None:
    before = state(database.owner)
    call(database.application, entry(new_id()))
    migrate(database.owner, "daybook_test")
    assert state(database.owner) == before
    assert call(database.application, entry(new_id())) == [Appended(2)]


def test_migrations_of_several_new_databases_at_once_share_the_roles(own_server: LocalServers) -> None:
    """Roles belong to the whole server, the migration's lock to one database."""
    names = ["one", "two", "three", "four"]
    with psycopg.connect(own_server.superuser_dsn(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
    migrate_at_once(*map(own_server.superuser_dsn, names))


def test_roles_that_several_programs_change_at_once_are_made_and_granted(own_server: LocalServers) -> None:
    """Each waits for the others, round by round: PostgreSQL lets one of two changes of a role at one moment fail."""
    programs, rounds = 6, 15
    together = threading.Barrier(programs)

    refused: list[str] = []

    def change(number: int) -> None:
        with psycopg.connect(own_server.superuser_dsn(), autocommit=True) as connection:
            for turn in range(rounds):
                for step, *values in (
                    (create_role, own_server.superuser_dsn(), f"clerk_{turn}", "secret"),
                    (create_role, own_server.superuser_dsn(), "everybody", f"secret_{number}"),
                    (join, connection, "everybody", f"clerk_{turn}"),
                ):
                    together.wait(60)
                    try:
                        step(*values)
                    except psycopg.Error as error:
                        refused.append(str(error))

    with ThreadPoolExecutor(programs) as threads:
        for done in [threads.submit(change, number) for number in range(programs)]:
            done.result()
    assert Counter(refused) == {}
    with psycopg.connect(own_server.superuser_dsn()) as connection:
        found = connection.execute(
            """SELECT count(*) FROM pg_auth_members
            WHERE roleid = 'everybody'::regrole AND member::regrole::text ~ '^clerk_'"""
        ).fetchone()
    assert found == (rounds,)


READING = [
    "SELECT count(*) FROM log.stored_events",
    "SELECT count(*) FROM log.seal",
    "SELECT count(*) FROM log.command_key",
]
WRITING = [
    "INSERT INTO log.stored_events SELECT * FROM log.stored_events",
    "INSERT INTO log.seal SELECT * FROM log.seal",
    "INSERT INTO log.gate DEFAULT VALUES",
    "UPDATE log.stored_events SET topic = 'Tag.Forged'",
    "UPDATE log.seal SET hash = ''",
    "UPDATE log.command_key SET fingerprint = ''",
    "DELETE FROM log.stored_events",
    "DELETE FROM log.seal",
    "DELETE FROM log.command_key",
    "TRUNCATE log.stored_events",
    "TRUNCATE log.seal",
    "LOCK TABLE log.gate IN EXCLUSIVE MODE",
    "LOCK TABLE log.stored_events IN EXCLUSIVE MODE",
    "DROP TABLE log.seal",
    "ALTER TABLE log.stored_events DISABLE TRIGGER ALL",
    "CREATE TABLE log.mine ()",
    "CREATE FUNCTION log.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION log.prune_keys(interval) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "DROP SCHEMA log CASCADE",
]


@pytest.mark.parametrize("statement", WRITING)
def test_the_application_can_not_touch_the_log_but_through_the_append(database: Database, statement: str) -> None:
    call(database.application, entry(new_id()))
    with (
        psycopg.connect(database.application) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_the_application_may_read_the_log(database: Database) -> None:
    call(database.application, entry(new_id()))
    with psycopg.connect(database.application, autocommit=True) as connection:
        assert [connection.execute(query.encode()).fetchone() for query in READING] == [(1,)] * 3


@pytest.mark.parametrize("statement", [*READING, "SELECT log.prune_keys('1 day')", APPEND])
def test_another_role_can_do_nothing_to_the_log(servers: LocalServers, database: Database, statement: str) -> None:
    create_role(servers.superuser_dsn(), "analyst", "analyst")
    values = arguments([entry(new_id())]) if statement is APPEND else None
    with (
        psycopg.connect(as_user(database.owner, "analyst"), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode(), values)


def test_a_role_that_may_see_the_schema_can_still_not_append(servers: LocalServers, database: Database) -> None:
    create_role(servers.superuser_dsn(), "auditor", "auditor")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA log TO auditor")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA log TO auditor")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call(as_user(database.owner, "auditor"), entry(new_id()))


def test_what_a_caller_plants_is_never_used_with_the_rights_of_the_owner(database: Database) -> None:
    """Temporary tables and types of our names are found first, unless the append says where to look."""
    with psycopg.connect(database.application, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION pg_temp.planted() RETURNS boolean LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'planted code ran as %', current_user; END $$"
        )
        for name in ("text", "uuid", "bytea"):
            connection.execute(f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.planted())".encode())
        for table in ("stored_events", "seal", "command_key", "gate"):
            connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM log.{table}".encode())
        connection.execute("SET search_path = pg_temp, log, pg_catalog")
        connection.execute(
            "SELECT log.append(ARRAY['k']::pg_catalog.bytea[], ARRAY['f']::pg_catalog.bytea[], "
            "ARRAY[gen_random_uuid()], ARRAY[1], "
            "ARRAY[]::int[], ARRAY[]::pg_catalog.uuid[], ARRAY[]::bigint[], "
            "ARRAY[1], ARRAY[gen_random_uuid()], ARRAY[1], ARRAY['Tag.Coined']::pg_catalog.text[], "
            "ARRAY['{}']::pg_catalog.bytea[], ARRAY[gen_random_uuid()], ARRAY['{}']::pg_catalog.text[], "
            "ARRAY['d']::pg_catalog.bytea[])"
        )
        planted = connection.execute("SELECT count(*) FROM pg_temp.stored_events").fetchone()
    assert planted == (0,)
    with psycopg.connect(database.owner) as connection:
        assert connection.execute("SELECT count(*) FROM log.stored_events").fetchone() == (1,)
