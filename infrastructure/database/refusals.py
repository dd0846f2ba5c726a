"""Databases that Daybook does not migrate: in another encoding, of a newer release, or refused by PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def schema_versions() -> Sequence[str]:
    """The versions that this release knows, the newest last. From the names of the files: Alembic takes much memory."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


class MigrationRefused(Exception):
    """The message is for the operator: the reason, and the remedy. Nothing was changed."""


def require_utf8(connection: psycopg.Connection) -> None:
    """Raise MigrationRefused for a database in another encoding: it would refuse or mangle text."""
    encoding, name = connection.info.parameter_status("server_encoding"), connection.info.dbname
    if encoding != "UTF8":
        raise MigrationRefused(
            f"The database {name} has the encoding {encoding}. Make one with UTF8: "
            f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0."
        )


def require_known_version(connection: psycopg.Connection) -> None:
    """Raise MigrationRefused for a schema that this release does not know."""
    if connection.execute("SELECT to_regclass('log.schema_version')").fetchone() == (None,):
        return
    known = schema_versions()
    for (version,) in connection.execute("SELECT version_num FROM log.schema_version").fetchall():
        if version not in known:
            raise MigrationRefused(
                f"A newer release migrated the database {connection.info.dbname}: it has schema version {version}.\n"
                "Run that release, or restore a backup that is older than its migration. Nothing was changed."
            )


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Raise MigrationRefused where PostgreSQL or a migration refuses. A server that does not answer stays an error."""
    try:
        yield
    except Exception as error:
        cause = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's
        if isinstance(cause, psycopg.errors.LockNotAvailable):
            raise MigrationRefused(
                f"Daybook cannot migrate the database {name} now: "
                "another session holds a lock on a table for too long.\n"
                "The migration was rolled back as a whole: nothing was changed. Run it again."
            ) from error
        if not isinstance(cause, psycopg.Error) or isinstance(cause, psycopg.OperationalError):
            raise
        raise MigrationRefused(
            f"Daybook cannot migrate the database {name}: {cause.diag.message_primary or cause}.\n"
            "The migration was rolled back as a whole: nothing was changed."
        ) from error
