"""Asking the views, as an analyst who sees everything."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from projections.analysis.metric import Dimension
from projections.analysis.metrics import METRICS
from tests.conftest import Database

Figures = Callable[..., Awaitable[Sequence[dict[str, Any]]]]
SINCE, UNTIL = date(2029, 12, 1), date(2030, 12, 31)


@pytest.fixture
def figures(database: Database) -> Figures:
    """The rows of a metric by dimensions, over all dates unless told otherwise."""

    async def ask(name: str, *by: Dimension, since: date = SINCE, until: date = UNTIL) -> Sequence[dict[str, Any]]:
        connection = await AsyncConnection.connect(database.application, row_factory=dict_row)
        async with connection:
            statement = METRICS[name].statement(by).encode()
            return await (await connection.execute(statement, {"since": since, "until": until})).fetchall()

    return ask
