"""One migrated database for many tests: emptied before each, made anew when a test has changed more than rows."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import psycopg

LIFETIME = 200  # tests: what DELETE leaves behind in tables and indexes goes with the database

# A schema, table, column, function, trigger, policy, grant or setting that a test has made, changed or dropped shows
# in the number of a catalog's rows or in its youngest row.
_CATALOGS = (
    "pg_attrdef",
    "pg_auth_members",
    "pg_class",
    "pg_constraint",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_extension",
    "pg_index",
    "pg_largeobject_metadata",
    "pg_namespace",
    "pg_policy",
    "pg_rewrite",
    "pg_statistic_ext",
    "pg_trigger",
    "pg_type",
)
_YOUNGEST = "SELECT count(*) || ' ' || coalesce(max(xmin::text::bigint), 0) FROM"
_SHAPE = " UNION ALL ".join(
    [
        *(f"({_YOUNGEST} {catalog})" for catalog in _CATALOGS),
        f"({_YOUNGEST} pg_proc WHERE oid >= 16384)",
        f"({_YOUNGEST} pg_attribute WHERE attrelid >= 16384)",
        f"({_YOUNGEST} pg_database WHERE datname = current_database())",
    ]
)
_TABLES = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""
_SEQUENCES = "SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) FROM pg_sequences ORDER BY 1"
_END_OTHERS = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Named(Protocol):
    """A database. `owner`: its address for the superuser."""

    @property
    def name(self) -> str: ...

    @property
    def owner(self) -> str: ...


D = TypeVar("D", bound=Named)


@dataclass(frozen=True)
class _Pristine:
    """What a database holds that no test has touched. `seeds`: table -> its rows, as COPY writes them."""

    shape: list[str]
    seeds: Mapping[str, bytes]
    tables: tuple[str, ...]
    sequences: tuple[str, ...]


class EmptiedDatabase(Generic[D]):
    """The database of one test process. `clone` makes a migrated one, `drop` ends one."""

    def __init__(self, clone: Callable[[], D], drop: Callable[[D], None]) -> None:
        self._clone, self._drop = clone, drop
        self._current: tuple[D, _Pristine] | None = None
        self._uses = 0

    def emptied(self) -> D:
        """The database with the rows that a migrated one has, and nobody connected to it."""
        if self._current is not None and self._uses < LIFETIME and _emptied(*self._current):
            self._uses += 1
        else:
            self.drop()
            fresh = self._clone()
            self._current, self._uses = (fresh, _look(fresh)), 1
        return self._current[0]

    def drop(self) -> None:
        if self._current is not None:
            (database, _), self._current = self._current, None
            self._drop(database)


def _look(database: Named) -> _Pristine:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        tables, sequences = _column(connection, _TABLES), _column(connection, _SEQUENCES)
        rows = {table: _rows(connection, table) for table in tables}
        seeds = {table: copied for table, copied in rows.items() if copied}
        return _Pristine(_column(connection, _SHAPE), seeds, tuple(tables), tuple(sequences))


def _emptied(database: Named, pristine: _Pristine) -> bool:
    """False if more than rows has changed, or the owner may not do this: the database is of no use then."""
    with psycopg.connect(database.owner, autocommit=True) as connection, suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute(_END_OTHERS)
        if _column(connection, _SHAPE) != pristine.shape:
            return False
        # Neither triggers nor references: the log refuses to be deleted, and the order does not matter.
        connection.execute("SET session_replication_role = replica")
        with connection.transaction():
            for table in _dirty(connection, pristine):
                connection.execute(f"DELETE FROM {table}".encode())
            for table, rows in pristine.seeds.items():
                with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    copy.write(rows)
            for sequence in pristine.sequences:
                # Not ALTER SEQUENCE, which changes the catalog.
                connection.execute(f"SELECT setval('{sequence}', 1, false)".encode())
        return True
    return False


def _dirty(connection: psycopg.Connection, pristine: _Pristine) -> list[str]:
    """The tables that have rows."""
    return _column(
        connection, " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in pristine.tables)
    )


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
        return b"".join(copy)


def _column(connection: psycopg.Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query.encode()).fetchall()]
