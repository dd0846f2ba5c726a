"""Logins of analysts: they read the views of schema `analysis`, and can do nothing else in the database."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from infrastructure.database.roles import APPLICATION
from projections.analysis.schema import rights_of

SETTINGS = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "2min",
    "max_parallel_workers_per_gather": "0",
    "default_transaction_read_only": "on",
    "search_path": "analysis",
}
"""Of a new login. It may change them; its sessions are ended after two minutes whatever it has set."""
CONNECTIONS = 4

_EXISTS = "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles WHERE rolname = %s"
_SEAT = "INSERT INTO read.analyst_seat (login, organization_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_LEAVE = "DELETE FROM read.analyst_seat WHERE login = %s"
# Functions that every role may call, and with which an analyst could keep others waiting, or store something.
_DANGEROUS = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^(pg_(try_)?advisory_|lo_|loread|lowrite)'
        AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)"""
_OTHERS = """
    SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND has_database_privilege(oid, current_database(),
        'CONNECT') AND rolname NOT IN (SELECT login FROM read.analyst_seat)"""


class AnalystRefused(Exception):
    """The login can't be made an analyst's; the message says what helps."""


class Granted(NamedTuple):
    """`password`: of a login that was made, None for one that existed. `open`: what could not be taken from PUBLIC."""

    password: str | None
    open: Sequence[str]


def grant(owner_dsn: str, login: str, organization_id: UUID | None, password: str, *, always: bool = False) -> Granted:
    """Make a login, unless it exists, and let it read all figures, or those of an organization.

    As the role that owns the database. `always`: one that exists gets the password too. Raises AnalystRefused.
    """
    with psycopg.connect(owner_dsn) as connection:
        made = _made(connection, login, password)
        if always and not made:
            change = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(password))
            connection.execute(change)
        still = _closed_to_public(connection)
        connection.execute(_SEAT, [login, organization_id])
        for statement in rights_of(login):
            connection.execute(statement.encode())
        database, name = sql.Identifier(connection.info.dbname), sql.Identifier(login)
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
        return Granted(password if made else None, still)


def revoke(owner_dsn: str, login: str) -> bool:
    """Take the views from a login, and end its sessions. Answers whether it had any. The login stays."""
    with psycopg.connect(owner_dsn) as connection:
        if not connection.execute(_LEAVE, [login]).rowcount:
            return False
        name, database = sql.Identifier(login), sql.Identifier(connection.info.dbname)
        for statement in (
            "REVOKE ALL ON ALL TABLES IN SCHEMA analysis FROM {}",
            "REVOKE ALL ON SCHEMA analysis FROM {}",
        ):
            connection.execute(sql.SQL(statement).format(name))
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(database, name))
        connection.commit()
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND datname = %s"
        connection.execute(ending, [login, connection.info.dbname])
        return True


def _made(connection: psycopg.Connection, login: str, password: str) -> bool:
    found = connection.execute(_EXISTS, [login]).fetchone()
    if found is not None:
        if found[0]:
            raise AnalystRefused(f"{login} may do more than read: choose another login.")
        if not connection.execute("SELECT 1 FROM read.analyst_seat WHERE login = %s", [login]).fetchone():
            _check_bare(connection, login)
        return False
    try:
        with connection.transaction():
            for statement in _creation(login, password):
                connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        text = ";\n  ".join(each.as_string(connection) for each in _creation(login, "choose one"))
        raise AnalystRefused(
            "The role that owns the database may not make logins. Let PostgreSQL's administrator run:\n"
            f"  {text};\nThen run this command again."
        ) from None
    return True


def _creation(login: str, password: str) -> Sequence[sql.Composed]:
    name = sql.Identifier(login)
    how = sql.SQL("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT {} PASSWORD {}").format(
        sql.Literal(CONNECTIONS), sql.Literal(password)
    )
    made = [sql.SQL("CREATE ROLE {} {}").format(name, how)]
    for setting, value in SETTINGS.items():
        made.append(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value)))
    # So that the owner of the database may end its sessions.
    return [*made, sql.SQL("GRANT {} TO CURRENT_USER").format(name)]


def _check_bare(connection: psycopg.Connection, login: str) -> None:
    """Raise AnalystRefused for a login that is a member of other roles: it would see what they see."""
    member = """SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s"""
    if connection.execute(member, [login]).fetchone():
        raise AnalystRefused(f"{login} is a member of other roles: choose a login that is of none.")


def _closed_to_public(connection: psycopg.Connection) -> Sequence[str]:
    """Take from PUBLIC what an analyst must not have; answers what only a superuser could take.

    Who could connect before still can, and so can the application call what it calls.
    """
    database = sql.Identifier(connection.info.dbname)
    for (other,) in connection.execute(_OTHERS).fetchall():
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(other)))
    connection.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(database))
    functions = [row[0] for row in connection.execute(_DANGEROUS).fetchall()]
    try:
        with connection.transaction():
            for function in functions:
                name = sql.SQL(function)  # as PostgreSQL wrote it
                connection.execute(
                    sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(name, sql.Identifier(APPLICATION))
                )
                connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(name))
            if connection.execute(_DANGEROUS).fetchall():  # REVOKE by somebody else does nothing, and says so softly
                raise psycopg.errors.InsufficientPrivilege
    except psycopg.errors.InsufficientPrivilege:
        return functions
    return ()
