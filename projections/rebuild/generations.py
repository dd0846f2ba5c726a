"""Generations of read models: which one is live, and creating one.

A generation records the fingerprint of each projection's tables, so that tables made by another release are
noticed and rebuilt instead of failing query by query.

Schema `read` holds two control tables beside the generations: `live`, one row that names the generation in
use, and `bookmark`, the checkpoint of each projection (its reader) in each generation. The application moves
checkpoints through the view `checkpoint`: projectors of release 0.1.0, which would write rows of another shape, have no
right to. Tables that are computed from the read models, and that no rebuild replaces, are there too (`KEPT`).
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from projections.analysis import schema as analysis
from projections.availability import earliest
from projections.engine.projection import Projection
from projections.engine.schema import generation_schema, kept, metadata, quoted, schemas
from projections.query.ownership import ownership_of
from projections.registry import PROJECTIONS

KEPT = (earliest.earliest, earliest.mark, earliest.lead)
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
ALTER TABLE read.bookmark ADD COLUMN IF NOT EXISTS fingerprint text;
ALTER TABLE read.live ADD COLUMN IF NOT EXISTS switched_at timestamptz;
CREATE OR REPLACE VIEW read.checkpoint AS SELECT * FROM read.bookmark;
INSERT INTO read.live (generation) VALUES (1) ON CONFLICT DO NOTHING
"""

_SHAPES = text("SELECT reader, fingerprint FROM read.bookmark WHERE generation = :generation")
_CHECKPOINT = text(
    "INSERT INTO read.bookmark (reader, generation, fingerprint) VALUES (:name, :generation, :fingerprint)"
    " ON CONFLICT DO NOTHING"
)
_MISSING = "missing"
_OWNS = text("SELECT tableowner = :role FROM pg_tables WHERE schemaname = 'read' AND tablename = 'bookmark'")


def ensure(connection: Connection, projections: Sequence[Projection] = PROJECTIONS, role: str = ROLE) -> int:
    """Create the missing control tables and tables of the live generation; answers its number.

    `role`: the application's, which reads and projects. Safe to repeat, and in several processes at once.
    Tables of another shape are left as they are: see `outdated`.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    for statement in _CONTROL.split(";"):
        connection.exec_driver_sql(statement)
    live: int = connection.execute(text("SELECT generation FROM read.live")).scalar_one()
    create(connection, live, projections, role)
    kept.create_all(connection.execution_options(schema_translate_map=schemas(live)), tables=KEPT)
    analysis.prepare(connection, role)
    _grant(connection, "read", "SELECT", role)
    _grant_checkpoints(connection, role)
    for table in KEPT:
        connection.exec_driver_sql(f'GRANT INSERT, UPDATE, DELETE ON read."{table.name}" TO {quoted(role)}')
    if not {"analysis"}.intersection(outdated(connection, projections)):
        analysis.point(connection, live, role)
    return live


def _grant_checkpoints(connection: Connection, role: str) -> None:
    """Projectors move checkpoints through the view, which projectors of 0.1.0 do not know: they write the table.

    A role that owns the table needs its right on it for the view too, which is its own. There nothing holds back a
    projector of 0.1.0.
    """
    owns = connection.execute(_OWNS, {"role": role}).scalar_one()
    change = ("GRANT", "TO") if owns else ("REVOKE", "FROM")
    connection.exec_driver_sql(f"{change[0]} UPDATE ON read.bookmark {change[1]} {quoted(role)}")
    connection.exec_driver_sql(f"GRANT UPDATE ON read.checkpoint TO {quoted(role)}")


def create(
    connection: Connection, generation: int, projections: Sequence[Projection] = PROJECTIONS, role: str = ROLE
) -> None:
    """Create the missing schema, tables, grants and checkpoints (at 0) of a generation."""
    schema = generation_schema(generation)
    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    there = _fingerprints(connection, generation)
    current = [each for each in projections if there.get(each.name, _MISSING) in {_MISSING, fingerprint(each)}]
    tables = [table for projection in current for table in projection.tables]
    metadata.create_all(connection.execution_options(schema_translate_map=schemas(generation)), tables=tables)
    _grant(connection, schema, "SELECT, INSERT, UPDATE, DELETE", role)
    for table in tables:
        if (ownership := ownership_of(table)) is not None:
            _secure_rows(connection, f'"{schema}"."{table.name}"', ownership.policy(generation))
    for projection in current:
        values = {"name": projection.name, "generation": generation, "fingerprint": fingerprint(projection)}
        connection.execute(_CHECKPOINT, values)


def outdated(connection: Connection, projections: Sequence[Projection] = PROJECTIONS) -> list[str]:
    """The projections whose tables in the live generation have another shape than this release needs.

    A rebuild creates them. A database without control tables has none.
    """
    if connection.execute(text("SELECT to_regclass('read.bookmark')")).scalar_one() is None:
        return []
    live: int = connection.execute(text("SELECT generation FROM read.live")).scalar_one()
    there = _fingerprints(connection, live)
    return [each.name for each in projections if there.get(each.name, _MISSING) != fingerprint(each)]


def fingerprint(projection: Projection) -> str:
    """SHA-256 over the tables, indexes and row-security policies of a projection."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    shape = []
    for table in projection.tables:
        indexes = sorted(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
        ownership = ownership_of(table)
        policy = ownership.policy(0) if ownership else ""
        shape += [str(CreateTable(table).compile(dialect=dialect)), *indexes, policy]
    return hashlib.sha256("\n".join(shape).encode()).hexdigest()


def shapes() -> dict[str, str]:
    """The fingerprints of this release's projections."""
    return {each.name: fingerprint(each) for each in PROJECTIONS}


def _fingerprints(connection: Connection, generation: int) -> dict[str, str | None]:
    """Projection -> fingerprint; None where release 0.1.0 made the tables, which recorded none."""
    found = connection.execute(_SHAPES, {"generation": generation})
    return {row.reader: row.fingerprint for row in found}


def _secure_rows(connection: Connection, table: str, own: str) -> None:
    """Row-level security, for the owner of the tables too: without an account or scope no row shows."""
    connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"DROP POLICY IF EXISTS own ON {table}")
    connection.exec_driver_sql(
        f"CREATE POLICY own ON {table} USING ((SELECT current_setting('app.scope', true)) = 'all' OR {own})"
    )


def _grant(connection: Connection, schema: str, privileges: str, role: str) -> None:
    connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{schema}" TO {quoted(role)}')
    connection.exec_driver_sql(f'GRANT {privileges} ON ALL TABLES IN SCHEMA "{schema}" TO {quoted(role)}')
