"""Schema `analysis` in the database: views over the live generation, the seats of analysts, and the secret of keys."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, text

from projections.analysis.facts import FACTS
from projections.analysis.view import SCHEMA
from projections.analysis.views import VIEWS
from projections.engine.schema import generation_schema, quoted

_CONTROL = """
CREATE TABLE IF NOT EXISTS read.analyst_seat (
    login text NOT NULL,
    organization_id uuid,
    UNIQUE NULLS NOT DISTINCT (login, organization_id)
);
CREATE TABLE IF NOT EXISTS read.analysis_secret (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    secret bytea NOT NULL
);
INSERT INTO read.analysis_secret (secret)
SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) ON CONFLICT DO NOTHING;
CREATE SCHEMA IF NOT EXISTS analysis;
CREATE OR REPLACE FUNCTION read.end_analysts(OUT login text, OUT why text) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH found AS MATERIALIZED (  -- or the planner might end the sessions of others, and ask afterwards whose they are
        SELECT a.pid, a.usename, CASE WHEN l.pid IS NULL THEN 'transaction' ELSE 'advisory lock' END AS why
        FROM pg_stat_activity a
        LEFT JOIN (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory') l ON l.pid = a.pid
        WHERE a.datname = current_database() AND a.usename IN (SELECT s.login FROM read.analyst_seat s)
            AND (l.pid IS NOT NULL OR a.xact_start < clock_timestamp() - interval '2 min'))
    SELECT usename, why FROM found WHERE pg_terminate_backend(pid)
$$;
REVOKE ALL ON FUNCTION read.end_analysts() FROM PUBLIC
"""
_SIGNATURE = text("SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')")
_THERE = text("SELECT to_regclass(:table) IS NOT NULL")
_SEATS = text("SELECT DISTINCT login FROM read.analyst_seat WHERE to_regrole(quote_ident(login)) IS NOT NULL")
_POINTING = text("""
    SELECT DISTINCT c.relname FROM pg_depend d
    JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_class c ON c.oid = r.ev_class
    JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = :generation AND c.relnamespace = to_regnamespace(:schema)""")


class ViewsPointHere(Exception):
    """Views of analysts still show this generation."""


def prepare(connection: Connection, role: str) -> None:
    """Create the schema, its two tables, and the function that ends analysts' sessions. `role`: who may call it."""
    for statement in _CONTROL.split(";"):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION read.end_analysts() TO {quoted(role)}")


def point(connection: Connection, generation: int, role: str) -> None:
    """Let the views show a generation, unless they do. `role`: the application's, which sees every row."""
    facts, signature = generation_schema(generation), signature_of(generation, role)
    if not connection.execute(_THERE, {"table": f"{facts}.{FACTS[0].name}"}).scalar_one():
        return
    if connection.execute(_SIGNATURE, {"schema": SCHEMA}).scalar_one() != signature:
        for view in VIEWS:
            connection.exec_driver_sql(view.statement(facts, role).replace("%", "%%"))
            for what, comment in view.comments().items():
                connection.exec_driver_sql(f"COMMENT ON {what} IS {_literal(comment)}")
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS {_literal(signature)}")
    for login in [role, *connection.execute(_SEATS).scalars()]:
        let_in(connection, login)


def let_in(connection: Connection, login: str) -> None:
    """Let a login read the views, and nothing else."""
    for statement in rights_of(login):
        connection.exec_driver_sql(statement)


def rights_of(login: str) -> Sequence[str]:
    """The statements that give a login what it needs to read the views."""
    name = quoted(login)
    return f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}", f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {name}"


def check_unseen(connection: Connection, generation: int) -> None:
    """Raise ViewsPointHere if dropping the generation would take views with it."""
    values = {"generation": generation_schema(generation), "schema": SCHEMA}
    views: Sequence[str] = connection.execute(_POINTING, values).scalars().all()
    if views:
        raise ViewsPointHere(f"Generation {generation} is shown by {', '.join(sorted(views))} of schema {SCHEMA}.")


def signature_of(generation: int, role: str) -> str:
    """What the comment of the schema says while its views are these."""
    facts = generation_schema(generation)
    said = [view.statement(facts, role) + str(view.comments()) for view in VIEWS]
    digest = hashlib.sha256("\n".join(said).encode()).hexdigest()
    return f"Figures for analysts, of generation {generation}. Definition {digest[:16]}."


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"
