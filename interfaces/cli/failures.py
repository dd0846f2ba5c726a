"""Failures that an operator can fix, in a line or two on standard error; every other one keeps its trace.

Exit statuses: 1 failure, 2 usage or settings. Nothing is imported to name an exception that cannot have been raised.
"""

from __future__ import annotations

import errno
import re
import sys
from typing import NamedTuple, NoReturn

import typer

_SERVER = re.compile(r'server at "(?P<host>[^"]+)", port (?P<port>\d+) failed: (?P<why>.+)')


class Failure(NamedTuple):
    """The text to print, and the exit status."""

    text: str
    status: int


def fail(text: str, status: int = 1) -> NoReturn:
    """End the command with this text on standard error."""
    typer.echo(text, err=True)
    raise typer.Exit(status)


def failure_of(error: BaseException) -> Failure | None:
    """The failure to report for an exception that ended a command; None for a fault of Daybook."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return _of_settings(error) or _of_server(error) or _of_disk(error) or _of_database(error)


def _of_settings(error: BaseException) -> Failure | None:
    if "pydantic" not in sys.modules:
        return None
    from pydantic import ValidationError

    if not isinstance(error, ValidationError) or error.title != "Settings":
        return None
    from infrastructure.settings_report import faults_text

    return Failure(faults_text(error), 2)


def _of_server(error: BaseException) -> Failure | None:
    if "infrastructure.local.instance" not in sys.modules:
        return None
    from infrastructure.local.instance import NotRunning
    from infrastructure.local.programs import NoServer

    if isinstance(error, (NoServer, NotRunning)):
        return Failure(str(error), 1)
    if "infrastructure.database.refusals" not in sys.modules:
        return None
    from infrastructure.database.refusals import MigrationRefused

    return Failure(str(error), 1) if isinstance(error, MigrationRefused) else None


def _of_disk(error: BaseException) -> Failure | None:
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    place = f" of {error.filename}" if error.filename else ""
    return Failure(f"The disk{place} is full. Free some space, then run the command again.", 1)


def _of_database(error: BaseException) -> Failure | None:
    if "psycopg" not in sys.modules:
        return None
    import psycopg

    error = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's
    if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)):
        return Failure("The database is not migrated. Run `daybook migrate`.", 1)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Failure(_not_the_owner(error.diag.message_primary or str(error)), 1)
    if isinstance(error, psycopg.errors.DiskFull):
        return Failure("The disk of PostgreSQL is full. Free some space there, then run the command again.", 1)
    return Failure(_outage(str(error)), 1) if isinstance(error, psycopg.OperationalError) else None


def _not_the_owner(message: str) -> str:
    return (
        f"PostgreSQL refuses: {message}. The command needs the role that owns the database: set DB_SUPERUSER and"
        " DB_SUPERUSER_PASS. With the compose files: docker compose run --rm --no-deps migrate COMMAND."
    )


def _outage(message: str) -> str:
    from infrastructure.settings import Settings

    prefix = Settings().database_prefix.upper()
    found = _SERVER.search(message)
    if found is None:
        return f"PostgreSQL does not answer ({message.strip().splitlines()[0]}). Check {prefix}_HOST and {prefix}_PORT."
    place, why = f"{found['host']}:{found['port']}", found["why"].strip()
    if "FATAL:" in why:
        reason = why.partition("FATAL:")[2].strip()
        advice = f"Check {prefix}_NAME, {prefix}_USER and {prefix}_PASS."
        return f"PostgreSQL at {place} refuses the connection: {reason}. {advice}"
    return f"PostgreSQL does not answer at {place} ({why[0].lower()}{why[1:]}). Check {prefix}_HOST and {prefix}_PORT."
