"""Keyset paging: a page of an ordered query, and the cursor of the next page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlakeyset.asyncio import select_page
from sqlakeyset.columns import parse_ob_clause
from sqlalchemy import Column, ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection

LARGEST_PAGE = 1_000_000  # characters of text
T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """The page wanted: at most `limit` items, after the page whose cursor is given."""

    limit: int = 50
    after: str | None = None


def narrowed(query: Select[Any], *filters: tuple[Any, Callable[[Any], ColumnElement[bool]]]) -> Select[Any]:
    """The query under the conditions whose value is not None."""
    return query.where(*(condition(value) for value, condition in filters if value is not None))


class _Given(AsyncConnection):
    """The same connection, which adds values for the statement's parameters: sqlakeyset passes none."""

    def __init__(self, connection: AsyncConnection, values: Mapping[str, Any]) -> None:
        super().__init__(connection.engine, connection.sync_connection)
        self._values = values

    async def execute(self, statement: Any, *_: Any, **__: Any) -> Any:
        return await super().execute(statement, dict(self._values))


async def fetch(
    connection: AsyncConnection,
    query: Select[Any],
    page: Page,
    make: Callable[..., T],
    values: Mapping[str, Any] | None = None,
) -> tuple[Sequence[T], str | None]:
    """The items of an ordered query, made from its columns by name, and the cursor of the next page if any.

    `values`: of its parameters. Raises sqlakeyset's InvalidPage and BadBookmark for another query's cursor.
    """
    if values:
        connection = _Given(connection, values)
    keys = _keys(query)
    if keys:
        query = query.with_only_columns(*keys, *query.selected_columns, maintain_column_froms=True)
    found = await select_page(connection, query, per_page=page.limit, page=page.after)
    names = [*(found.keys() or ())][len(keys) :]
    rows = [row[len(keys) :] for row in found]
    fitting = _fitting(rows)
    items = [make(**dict(zip(names, row, strict=False))) for row in rows[:fitting]]
    if fitting < len(rows):
        return items, found.paging.get_bookmark_at(fitting - 1)  # type: ignore[no-untyped-call]
    return items, found.paging.bookmark_next if found.paging.has_next else None


def _keys(query: Select[Any]) -> Sequence[ColumnElement[Any]]:
    """The keys of the order that are to stand before the other columns: sqlakeyset compares them as text, one by one.

    None where they stand there already, and where one is an expression, whose text is ambiguous.
    """
    keys = [each.comparable_value for each in parse_ob_clause(query)]
    first = zip(keys, query.selected_columns, strict=False)
    if all(each.compare(column) for each, column in first) or not all(isinstance(each, Column) for each in keys):
        return []
    return [each.label(f"_{number}") for number, each in enumerate(keys)]


def _fitting(rows: Sequence[Iterable[Any]]) -> int:
    """How many rows have LARGEST_PAGE bytes of text together: one at least."""
    total = 0
    for number, row in enumerate(rows):
        total += sum(map(_size, row))
        if total > LARGEST_PAGE and number:
            return number
    return len(rows)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + _size(each) for name, each in value.items())
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 0
