"""Pages are bounded in items and in text, and one after the other they have every row once."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import column, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine

from projections.query.paging import LARGEST_PAGE, Page, fetch
from tests.conftest import Database


def _row(number: int, text: str, more: Mapping[str, Any]) -> tuple[int, int]:
    return number, len(text) + sum(map(len, more.get("lines", ())))


@pytest.mark.parametrize("size", [10, 60_000, LARGEST_PAGE])
async def test_a_page_has_so_much_text_and_the_next_goes_on(database: Database, size: int) -> None:
    numbers = func.generate_series(1, 20).table_valued(column("number")).render_derived()
    text = func.repeat("x", size)
    more = func.jsonb_build_object("lines", func.jsonb_build_array(text), type_=JSONB)
    query = select(numbers.c.number, text.label("text"), more.label("more")).order_by(numbers.c.number)
    engine = create_async_engine(database.url)
    pages, after = [], None
    async with engine.connect() as connection:
        while True:
            items, after = await fetch(connection, query, Page(8, after), _row)
            pages.append(items)
            if after is None:
                break
    await engine.dispose()
    assert [number for page in pages for number, _ in page] == list(range(1, 21))
    for page in pages:
        assert len(page) == 1 or sum(length for _, length in page) <= LARGEST_PAGE
