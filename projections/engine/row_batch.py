"""The row changes of a page of events, collected in memory and written in few statements."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import psycopg
from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.arrays import array_of

Row = dict[str, Any]
Key = Any
"""The value of a primary key: a tuple if it has several columns."""


@dataclass(frozen=True, eq=False)
class Derivation:
    """A statement that makes rows from values and from the projection's own tables, for a whole page at once.

    `sql`: with `{schema}`, and `{given}` for the rows of values. `columns`: the names and SQL types of the values. The
    statement looks at no row of a later position, so that pages of any size end the same.
    """

    sql: str
    columns: Mapping[str, str]

    def statement(self, schema: str) -> str:
        arrays = ", ".join(f"%b::{kind}[]" for kind in self.columns.values())
        return self.sql.format(schema=_q(schema), given=f"unnest({arrays}) given ({_names(self.columns)})")


class Fold(Protocol):
    """Brings a projection's own tables up to a page of events: it reads rows, changes them, and writes them back.

    For what depends on rows as they were. Pages of any size must end the same.
    """

    async def __call__(self, connection: psycopg.AsyncConnection[Any], schema: str, events: Sequence[Any], /) -> None:
        """`events`: in the order of the log."""
        ...


class RowBatch:
    """Row changes, merged to at most one per primary key; later changes of a row win."""

    def __init__(self) -> None:
        self._changes: dict[Table, _Changes] = {}
        self._derived: dict[Derivation, list[Row]] = {}
        self._folded: dict[Fold, list[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._derived or self._folded) or any(changes for changes in self._changes.values())

    def put(self, table: Table, **columns: Any) -> None:
        """The whole row, every column named: a new one, or in place of the one with its primary key."""
        changes = self._of(table)
        key = changes.shape.key(columns)
        changes.puts[key] = columns
        changes.sets.pop(key, None)
        changes.drops.pop(key, None)

    def set(self, table: Table, key: Mapping[str, Any], **columns: Any) -> None:
        """Some columns of the row with this primary key; nothing happens if there is no such row."""
        changes = self._of(table)
        of = changes.shape.key(key)
        if (row := changes.puts.get(of) or changes.sets.get(of)) is not None:
            row.update(columns)
        elif of not in changes.drops:
            changes.sets[of] = {**key, **columns}

    def drop(self, table: Table, key: Mapping[str, Any]) -> None:
        """No row with this primary key any more; there may be none."""
        changes = self._of(table)
        of = changes.shape.key(key)
        changes.puts.pop(of, None)
        changes.sets.pop(of, None)
        changes.drops[of] = dict(key)

    def clear(self, table: Table, column: str, value: Any, **columns: Any) -> None:
        """Some columns of every row that has this value, after all other changes of the page."""
        self._of(table).clears.append((column, value, columns))

    def derive(self, derivation: Derivation, **values: Any) -> None:
        """One row of values for a statement, which runs after all other changes of the page."""
        self._derived.setdefault(derivation, []).append(values)

    def compute(self, table: Table, query: str, **values: Any) -> None:
        """Rows that a query computes from the log, or from this table as {table}, in the order of calls."""
        self._of(table).computed.append((query, values))

    def fold(self, fold: Fold, event: Any) -> None:
        """An event for a fold, which is given those of the page together, after all other changes."""
        self._folded.setdefault(fold, []).append(event)

    async def flush(self, connection: psycopg.AsyncConnection[Any], schema: str) -> None:
        """Write the changes to tables in `schema`: a delete, an upsert, an update per column set; derive; fold."""
        for changes in self._changes.values():
            for sql, rows, columns in changes.statements(schema):
                await connection.execute(sql, list(_arrays(rows, columns)), prepare=True)
            for column, value, cleared in changes.clears:
                await connection.execute(*_clear(changes.shape.table, schema, column, value, cleared))
            for query, parameters in changes.computed:
                await connection.execute(_computed(changes.shape.table, schema, query), parameters, prepare=True)
        for derivation, given in self._derived.items():
            values = [array_of(kind)(row[name] for row in given) for name, kind in derivation.columns.items()]
            await connection.execute(derivation.statement(schema), values, prepare=True)
        for fold, events in self._folded.items():
            await fold(connection, schema, events)

    def _of(self, table: Table) -> "_Changes":
        changes = self._changes.get(table)
        if changes is None:
            changes = self._changes[table] = _Changes(_shape(table))
        return changes


class _Statement(NamedTuple):
    sql: str
    rows: Sequence[Row]
    columns: Sequence[Column[Any]]


class _Changes:
    """The changes of one table, by primary key. A key is in one of the three at most."""

    def __init__(self, shape: "_Shape") -> None:
        self.shape = shape
        self.puts: dict[Key, Row] = {}
        self.sets: dict[Key, Row] = {}
        self.drops: dict[Key, Row] = {}
        self.clears: list[tuple[str, Any, Row]] = []
        self.computed: list[tuple[str, Row]] = []

    def __bool__(self) -> bool:
        return bool(self.puts or self.sets or self.drops or self.clears or self.computed)

    def statements(self, schema: str) -> Iterable[_Statement]:
        # Deletes first: a row that is put may reuse the unique values they free.
        table = self.shape.table
        if self.drops:
            yield _Statement(_delete(table, schema), [*self.drops.values()], self.shape.primary)
        if self.puts:
            yield _Statement(_upsert(table, schema), [*self.puts.values()], [*table.c])
        by_columns: dict[tuple[str, ...], list[Row]] = {}
        for row in self.sets.values():
            by_columns.setdefault(tuple(row), []).append(row)
        for names, rows in by_columns.items():
            yield _Statement(_update(table, schema, names), rows, [table.c[name] for name in names])


class _Shape(NamedTuple):
    table: Table
    primary: Sequence[Column[Any]]
    key: Callable[[Mapping[str, Any]], Key]


@cache
def _shape(table: Table) -> _Shape:
    primary = list(table.primary_key.columns)
    return _Shape(table, primary, itemgetter(*(column.name for column in primary)))


def _arrays(rows: Sequence[Row], columns: Sequence[Column[Any]]) -> Iterable[list[Any]]:
    """One list of values per column."""
    for column in columns:
        values: Iterable[Any] = map(itemgetter(column.name), rows)
        if isinstance(column.type, JSONB):
            values = (None if value is None else _json(value) for value in values)
        yield array_of(_carrier(column))(values)


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


@cache
def _upsert(table: Table, schema: str) -> str:
    names = [column.name for column in table.c]
    return _insert(table, schema, f"SELECT {_cast(table, names)} FROM {_unnest(table, names)}")  # noqa: S608


@cache
def _computed(table: Table, schema: str, query: str) -> str:
    return _insert(table, schema, query.format(table=_name(table, schema)))


def _insert(table: Table, schema: str, rows: str) -> str:
    names = [column.name for column in table.c]
    primary = [column.name for column in table.primary_key]
    others = [name for name in names if name not in primary]
    changes = ", ".join(f"{_q(name)} = excluded.{_q(name)}" for name in others)
    then = f"DO UPDATE SET {changes}" if others else "DO NOTHING"
    return f"INSERT INTO {_name(table, schema)} ({_names(names)}) {rows} ON CONFLICT ({_names(primary)}) {then}"


@cache
def _update(table: Table, schema: str, names: tuple[str, ...]) -> str:
    primary = [column.name for column in table.primary_key]
    others = [name for name in names if name not in primary]
    return (
        f"UPDATE {_name(table, schema)} t SET ({_names(others)}) = ROW({_cast(table, others)}) "  # noqa: S608
        f"FROM {_unnest(table, names)} WHERE {_matches(table, primary)}"
    )


def _clear(table: Table, schema: str, column: str, value: Any, columns: Row) -> tuple[str, list[Any]]:
    changes = ", ".join(f"{_q(name)} = %s::{_type(table.c[name])}" for name in columns)
    values = [_json(v) if isinstance(table.c[name].type, JSONB) else v for name, v in columns.items()]
    return f"UPDATE {_name(table, schema)} SET {changes} WHERE {_q(column)} = %s", [*values, value]  # noqa: S608


@cache
def _delete(table: Table, schema: str) -> str:
    primary = [column.name for column in table.primary_key]
    return (
        f"DELETE FROM {_name(table, schema)} t USING {_unnest(table, primary)} "  # noqa: S608
        f"WHERE {_matches(table, primary)}"
    )


def _unnest(table: Table, names: Iterable[str]) -> str:
    arrays = ", ".join(f"%b::{_carrier(table.c[name])}[]" for name in names)
    return f"unnest({arrays}) v ({_names(names)})"


def _matches(table: Table, primary: Iterable[str]) -> str:
    return " AND ".join(f"t.{_q(name)} = v.{_q(name)}::{_type(table.c[name])}" for name in primary)


def _cast(table: Table, names: Iterable[str]) -> str:
    return ", ".join(f"v.{_q(name)}::{_type(table.c[name])}" for name in names)


@cache
def _carrier(column: Column[Any]) -> str:
    """The type that values are sent in: text for those that psycopg has no fast way to write."""
    return "text" if isinstance(column.type, JSONB | postgresql.TSTZRANGE) else _type(column)


def _type(column: Column[Any]) -> str:
    return column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]


def _name(table: Table, schema: str) -> str:
    return f"{_q(schema)}.{_q(table.name)}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(_q, names))


def _q(name: str) -> str:
    return f'"{name}"'
