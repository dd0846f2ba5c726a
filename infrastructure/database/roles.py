"""The schema and the roles of a database: the owner of the database creates and upgrades them."""

import contextlib
from collections.abc import Callable

import psycopg
from psycopg import sql

from infrastructure.database.refusals import MIGRATIONS, refusals, require_known_version, require_utf8

_OVERTAKEN = (
    psycopg.errors.DuplicateObject,
    psycopg.errors.UniqueViolation,
    psycopg.errors.InternalError_,  # tuple concurrently updated
)
_ATTEMPTS = 100
APPLICATION = "daybook_app"
"""The group role of the application: owns nothing, may SELECT and EXECUTE the append."""


def alchemy(dsn: str) -> str:
    """The URL for SQLAlchemy of a `postgresql://...` address."""
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1)


_LOCK = 0x6461796264  # concurrent migrations wait for each other
_LOCK_TIMEOUT = "5s"  # a migration that waits for a table lets nobody else have it meanwhile


def migrate(owner_dsn: str, application_user: str | None = None) -> None:
    """Upgrade the database to the current schema. `application_user`: the login role of the application.

    Raises MigrationRefused.
    """
    with psycopg.connect(owner_dsn, autocommit=True) as connection, refusals(connection.info.dbname):
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        require_utf8(connection)
        require_known_version(connection)
        _group(connection)
        _upgrade(owner_dsn)
        if application_user and _exists(connection, APPLICATION):
            join(connection, APPLICATION, application_user)


def join(connection: psycopg.Connection, group: str, user: str) -> None:
    """Make a role a member of a group role."""
    _until_first(connection, lambda: sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(user)))


def create_role(superuser_dsn: str, user: str, password: str) -> None:
    """Create a login role, or set the password of an existing one."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:

        def statement() -> sql.Composed:
            verb = sql.SQL("ALTER" if _exists(connection, user) else "CREATE")
            return sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(user), sql.Literal(password))

        _until_first(connection, statement)


def _until_first(connection: psycopg.Connection, statement: Callable[[], sql.Composed]) -> None:
    """Execute the statement, again each time another session has changed the same role at the same moment.

    Roles belong to the whole server, the lock of a migration to one database. One of the sessions always succeeds.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            connection.execute(statement())
        except _OVERTAKEN:
            if not attempts_left:
                raise
        else:
            return


def _group(connection: psycopg.Connection) -> None:
    if _exists(connection, APPLICATION):
        return
    # Without the privilege, the application owns the tables itself. A concurrent migration may create the role first.
    errors = psycopg.errors
    with contextlib.suppress(errors.InsufficientPrivilege, errors.DuplicateObject, errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(APPLICATION)))


def _exists(connection: psycopg.Connection, role: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone())


def _upgrade(owner_dsn: str) -> None:
    from alembic import command  # here: only a migration needs the memory that Alembic takes
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(alchemy(owner_dsn), connect_args={"options": f"-c lock_timeout={_LOCK_TIMEOUT}"})
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS log")
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()
