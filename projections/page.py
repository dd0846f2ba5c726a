"""A list's part: so many rows, and where the next part begins."""

from collections.abc import Callable, Sequence
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


async def fetch(
    connection: AsyncConnection, query: Select[Any], page: Page, make: Callable[..., T]
) -> tuple[Sequence[T], str | None]:
    """The items of an ordered query, made from its columns by name, and the bookmark of the next part if any.

    Raises sqlakeyset's InvalidPage and BadBookmark for a bookmark that is not this query's.
    """
    found = await select_page(connection, query, per_page=page.limit, page=page.after)
    names = found.keys() or ()  # without those that it adds to order by
    items = [make(**dict(zip(names, row, strict=False))) for row in found]
    return items, found.paging.bookmark_next if found.paging.has_next else None
