"""One migrated database for many tests: emptied before each, made anew when a test has changed more than rows."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import psycopg
from psycopg.errors import InsufficientPrivilege, UndefinedTable

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
_YOUNGEST = "SELECT NULL, count(*) || ' ' || coalesce(max(xmin::text::bigint), 0) FROM"
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
APPLICATION_NAME = "daybook-test-emptied"


class Named(Protocol):
    """A database. `owner`: its address for the superuser."""

    @property
    def name(self) -> str: ...

    @property
    def owner(self) -> str: ...


D = TypeVar("D", bound=Named)


class EmptiedDatabase(Generic[D]):
    """The database of one test process. `clone` makes a migrated one, `drop` ends one."""

    def __init__(self, clone: Callable[[], D], drop: Callable[[D], None]) -> None:
        self._clone, self._drop = clone, drop
        self._current: tuple[D, _Pristine] | None = None
        self._uses = 0

    def emptied(self) -> D:
        """The database with the rows that a migrated one has, and nobody else connected to it."""
        if self._current is not None and self._uses < LIFETIME and self._current[1].restored():
            self._uses += 1
        else:
            self.drop()
            fresh = self._clone()
            self._current, self._uses = (fresh, _Pristine(fresh.owner)), 1
        return self._current[0]

    def drop(self) -> None:
        if self._current is not None:
            (database, pristine), self._current = self._current, None
            pristine.close()
            self._drop(database)


class _Pristine:
    """What a database holds that no test has touched, and a connection that stays: to make one takes longest."""

    def __init__(self, owner: str) -> None:
        self._connection = psycopg.connect(owner, autocommit=True, application_name=APPLICATION_NAME)
        tables = self._column(_TABLES)
        rows = {table: self._rows(table) for table in tables}
        self._seeds = {table: copied for table, copied in rows.items() if copied}
        # Not ALTER SEQUENCE, which changes the catalog.
        starts = (f"setval('{sequence}', 1, false)" for sequence in self._column(_SEQUENCES))
        self._restart = f"SELECT {', '.join(starts)}"
        contents = [
            *(f"(SELECT '{table}', '' FROM {table} LIMIT 1)" for table in tables if table not in self._seeds),
            *(f"(SELECT '{table}', coalesce(string_agg(t::text, ' '), '') FROM {table} t)" for table in self._seeds),
        ]
        self._state = f"{_SHAPE} UNION ALL {' UNION ALL '.join(contents)}"
        self._pristine = self._all(self._state)

    def restored(self) -> bool:
        """False if more than rows has changed, or the owner may not do this: the database is of no use then."""
        with suppress(UndefinedTable, InsufficientPrivilege, psycopg.OperationalError):
            self._all(_END_OTHERS)
            found = self._all(self._state)
            if [row for row in found if row[0] is None] != [row for row in self._pristine if row[0] is None]:
                return False
            changed = {table for table, _ in {*found} ^ {*self._pristine}}
            if changed:
                self._restore(changed)
            self._all(self._restart)
            return True
        return False

    def _restore(self, tables: Collection[str]) -> None:
        with self._connection.transaction():
            # Neither triggers nor references: the log refuses to be deleted, and the order does not matter.
            self._connection.execute("SET LOCAL session_replication_role = replica")
            self._connection.execute("; ".join(f"DELETE FROM {table}" for table in tables).encode())
            for table in tables & self._seeds.keys():
                with self._connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    copy.write(self._seeds[table])

    def close(self) -> None:
        self._connection.close()

    def _all(self, query: str) -> list[tuple[str | None, str]]:
        return self._connection.execute(query.encode(), prepare=True).fetchall()

    def _column(self, query: str) -> list[str]:
        return [row[0] for row in self._connection.execute(query.encode()).fetchall()]

    def _rows(self, table: str) -> bytes:
        with self._connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
            return b"".join(copy)
