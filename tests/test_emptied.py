"""What one test leaves in the database that all share, no other finds."""

import psycopg
import pytest
from redis import Redis

from infrastructure.local.servers import LocalServers
from tests.conftest import Database
from tests.support.emptied import EmptiedDatabase

_TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""
_COLUMNS = """
SELECT quote_ident(attname) FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = %s::regclass AND attnum > 0 AND attidentity = '' AND attgenerated = '' ORDER BY attnum"""
_VALUES = """
SELECT CASE WHEN typcategory = 'A' THEN '{}' WHEN typname LIKE '%%range' THEN 'empty' WHEN typname = 'uuid'
    THEN gen_random_uuid()::text WHEN typname IN ('json', 'jsonb') THEN '{}' WHEN typname = 'bool' THEN 'true'
    WHEN typcategory = 'D' THEN '2030-01-01' WHEN typcategory IN ('N', 'T') THEN '7' WHEN typname = 'bytea' THEN ''
    ELSE 'x' END
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = %s::regclass AND attnum > 0 AND attidentity = '' AND attgenerated = '' ORDER BY attnum"""


def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Table -> its rows; sequence -> where it stands."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute(_TABLES)]
        queries = {table: f"SELECT t::text FROM {table} t ORDER BY 1" for table in tables}
        queries["sequences"] = "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
        return {name: connection.execute(query.encode()).fetchall() for name, query in queries.items()}


def dirty(database: Database) -> int:
    """A row in every table, past every constraint, and every sequence moved on; how many tables have got one."""
    written = 0
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for (table,) in connection.execute(_TABLES).fetchall():
            columns = ", ".join(row[0] for row in connection.execute(_COLUMNS, [table]))
            values = [row[0] for row in connection.execute(_VALUES, [table])]
            marks = ", ".join(["%s"] * len(values))
            row = f"({columns}) VALUES ({marks})" if values else "DEFAULT VALUES"
            try:
                connection.execute(f"INSERT INTO {table} {row}".encode(), values)
            except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation, psycopg.errors.DataError):
                continue
            written += 1
        for (sequence,) in connection.execute("SELECT schemaname || '.' || sequencename FROM pg_sequences").fetchall():
            connection.execute("SELECT setval(%s, 4711)", [sequence])
    return written


def test_a_row_in_every_table_is_gone_and_those_of_a_migrated_database_are_there(
    database: Database, own_database: Database, emptied_database: EmptiedDatabase[Database]
) -> None:
    pristine = rows(own_database)
    assert dirty(database) > len(pristine) // 2
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("DELETE FROM read.live")
        connection.execute("UPDATE read.checkpoint SET position = 42")
    assert rows(database) != pristine
    assert emptied_database.emptied() == database, "it is the same one"
    assert rows(database) == pristine


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE read.left_behind ()",
        "CREATE SCHEMA read_2",
        "DROP TABLE read_1.customer",
        "CREATE INDEX ON read.bookmark (stopped_at)",
        "CREATE RULE left_behind AS ON DELETE TO read.live DO INSTEAD NOTHING",
        "ALTER TABLE read.live ADD CHECK (generation > 0)",
        "GRANT DELETE ON log.stored_events TO daybook_app",
        "CREATE FUNCTION log.left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE read.bookmark ADD COLUMN more text",
        "ALTER TABLE read.live ENABLE ROW LEVEL SECURITY",
        "ALTER ROLE daybook_test IN DATABASE {name} SET search_path TO log",
    ],
)
def test_a_database_whose_shape_was_changed_is_used_no_more(
    database: Database, emptied_database: EmptiedDatabase[Database], change: str
) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(change.format(name=database.name).encode())
    assert emptied_database.emptied().name != database.name


def test_nobody_is_connected_any_more_and_nothing_is_held(
    database: Database, emptied_database: EmptiedDatabase[Database]
) -> None:
    with psycopg.connect(database.owner) as holder:
        holder.execute("LOCK TABLE log.stored_events IN ACCESS EXCLUSIVE MODE")
        assert emptied_database.emptied() == database
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_too(database: Database, servers: LocalServers, turn: int) -> None:
    with Redis.from_url(servers.redis_url) as redis:
        assert redis.dbsize() == 0
        redis.set("left behind", turn)
