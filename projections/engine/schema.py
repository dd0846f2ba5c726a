"""The tables of read models: each generation has a PostgreSQL schema, so that the next is built beside it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "read"
"""The placeholder in every table for the schema of a generation; see `schemas`."""

metadata = MetaData(schema=SCHEMA)
"""The tables of all read models. Not Alembic's: `rebuild.generations` creates them, the log fills them."""

_KEPT = "kept"
kept = MetaData(schema=_KEPT)
"""Tables that no rebuild replaces: they are in schema `read` itself, beside the generations."""


def generation_schema(generation: int) -> str:
    """The schema of a generation's tables."""
    return f"{SCHEMA}_{generation}"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def schemas(generation: int) -> dict[str | None, str | None]:
    """The schemas of a generation's tables, as SQLAlchemy's `schema_translate_map`."""
    return {SCHEMA: generation_schema(generation), _KEPT: SCHEMA}


def _column(kind: Callable[[], Any]) -> Callable[..., Column[Any]]:
    def column(name: str, *args: Any, nullable: bool = False, **options: Any) -> Column[Any]:
        return Column(name, kind(), *args, nullable=nullable, **options)

    return column


uuid = _column(Uuid)
"""A column of ids; like the other kinds, not null by default."""
instant = _column(lambda: DateTime(timezone=True))
"""A column of instants: aware datetimes."""
json = _column(JSONB)
"""A column of JSON; its values are those that `json.dumps` takes, and ids, which become strings."""

sort_key = _column(LargeBinary)
"""A column of sort keys of names; see `projections.query.text.sort_key`."""

__all__ = [
    "SCHEMA",
    "Table",
    "generation_schema",
    "instant",
    "json",
    "kept",
    "metadata",
    "quoted",
    "schemas",
    "sort_key",
    "uuid",
]
