"""Generations of read models: which one is live, and creating one.

Schema `read` holds two control tables beside the generations: `live`, one row that names the generation in
use, and `bookmark`, the checkpoint of each projection (its reader) in each generation. Tables that are computed
from the read models, and that no rebuild replaces, are there too (`KEPT`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from projections.availability import earliest
from projections.engine.projection import Projection
from projections.engine.schema import generation_schema, kept, metadata, schemas
from projections.query.ownership import ownership_of
from projections.registry import PROJECTIONS

KEPT = (earliest.earliest, earliest.mark)
"""The tables beside the generations; never changed in place: a new shape takes a new name."""

ROLE = "daybook_app"
_ONE_AT_A_TIME = 0x6461796272656164  # advisory lock: migrations of several processes wait for one another

_CONTROL = """
CREATE SCHEMA IF NOT EXISTS read;
CREATE TABLE IF NOT EXISTS read.live (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    generation integer NOT NULL
);
CREATE TABLE IF NOT EXISTS read.bookmark (
    reader text NOT NULL,
    generation integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    stopped_at bigint,
    error text,
    PRIMARY KEY (reader, generation)
);
INSERT INTO read.live (generation) VALUES (1) ON CONFLICT DO NOTHING
"""


def ensure(connection: Connection, projections: Sequence[Projection] = PROJECTIONS, role: str = ROLE) -> int:
    """Create the missing control tables and tables of the live generation; answers its number.

    `role`: the application's, which reads and projects. Safe to repeat, and in several processes at once.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    for statement in _CONTROL.split(";"):
        connection.exec_driver_sql(statement)
    live: int = connection.execute(text("SELECT generation FROM read.live")).scalar_one()
    create(connection, live, projections, role)
    kept.create_all(connection.execution_options(schema_translate_map=schemas(live)), tables=KEPT)
    _grant(connection, "read", "SELECT", role)
    connection.exec_driver_sql(f"GRANT UPDATE ON read.bookmark TO {_quoted(role)}")
    for table in KEPT:
        connection.exec_driver_sql(f'GRANT INSERT, UPDATE, DELETE ON read."{table.name}" TO {_quoted(role)}')
    return live


def create(
    connection: Connection, generation: int, projections: Sequence[Projection] = PROJECTIONS, role: str = ROLE
) -> None:
    """Create the missing schema, tables, grants and checkpoints (at 0) of a generation."""
    schema = generation_schema(generation)
    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    tables = [table for projection in projections for table in projection.tables]
    metadata.create_all(connection.execution_options(schema_translate_map=schemas(generation)), tables=tables)
    _grant(connection, schema, "SELECT, INSERT, UPDATE, DELETE", role)
    for table in tables:
        if (ownership := ownership_of(table)) is not None:
            _secure_rows(connection, f'"{schema}"."{table.name}"', ownership.policy(generation))
    for projection in projections:
        connection.execute(
            text("INSERT INTO read.bookmark (reader, generation) VALUES (:name, :generation) ON CONFLICT DO NOTHING"),
            {"name": projection.name, "generation": generation},
        )


def _secure_rows(connection: Connection, table: str, own: str) -> None:
    """Row-level security, for the owner of the tables too: without an account or scope no row shows."""
    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"DROP POLICY IF EXISTS own ON {table}")
    connection.exec_driver_sql(
        f"CREATE POLICY own ON {table} USING ((SELECT current_setting('app.scope', true)) = 'all' OR {own})"
    )


def _grant(connection: Connection, schema: str, privileges: str, role: str) -> None:
    connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{schema}" TO {_quoted(role)}')
    connection.exec_driver_sql(f'GRANT {privileges} ON ALL TABLES IN SCHEMA "{schema}" TO {_quoted(role)}')


def _quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'
