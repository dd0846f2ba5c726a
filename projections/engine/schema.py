"""Where read models are kept: each generation in a schema of its own, so that the next is built beside it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "read"
"""Stands in every table for the schema of a generation; see `schemas`."""

metadata = MetaData(schema=SCHEMA)
"""The tables of all read models. Not Alembic's: `generation` makes them, and they come from the log."""

_KEPT = "kept"
kept = MetaData(schema=_KEPT)
"""Tables that no rebuild makes anew: they stand in schema `read` itself, beside the generations."""


def generation_schema(generation: int) -> str:
    """The schema that a generation's tables are in."""
    return f"{SCHEMA}_{generation}"


def schemas(generation: int) -> dict[str | None, str | None]:
    """For SQLAlchemy's `schema_translate_map`: where the tables of a generation are."""
    return {SCHEMA: generation_schema(generation), _KEPT: SCHEMA}


def _column(kind: Callable[[], Any]) -> Callable[..., Column[Any]]:
    def column(name: str, *args: Any, nullable: bool = False, **options: Any) -> Column[Any]:
        return Column(name, kind(), *args, nullable=nullable, **options)

    return column


uuid = _column(Uuid)
"""A column of ids; like the others here, not null unless said."""
instant = _column(lambda: DateTime(timezone=True))
"""A column of instants: aware datetimes."""
json = _column(JSONB)
"""A column of JSON; its values are what `json.dumps` takes, and ids, which become strings."""

__all__ = [
    "SCHEMA",
    "Table",
    "generation_schema",
    "instant",
    "json",
    "kept",
    "metadata",
    "schemas",
    "uuid",
]
