"""A list's part: so many rows, and where the next part begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlakeyset.asyncio import select_page
from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """What part of a list is wanted: at most `limit` items, after those that ended with the bookmark."""

    limit: int = 50
    after: str | None = None


def narrowed(query: Select[Any], *filters: tuple[Any, Callable[[Any], ColumnElement[bool]]]) -> Select[Any]:
    """The query under the conditions whose value is given: not None."""
    return query.where(*(condition(value) for value, condition in filters if value is not None))


class _Given(AsyncConnection):
    """The same connection, which executes with values for the statement's parameters: paging gives none."""

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
    """The items of an ordered query, made from its columns by name, and the bookmark of the next part if any.

    `values`: of its parameters. Raises sqlakeyset's InvalidPage and BadBookmark for a bookmark that is not
    this query's.
    """
    if values:
        connection = _Given(connection, values)
    found = await select_page(connection, query, per_page=page.limit, page=page.after)
    names = found.keys() or ()  # without those that it adds to order by
    items = [make(**dict(zip(names, row, strict=False))) for row in found]
    return items, found.paging.bookmark_next if found.paging.has_next else None
