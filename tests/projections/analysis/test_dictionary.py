"""The dictionary is complete, and what docs/analysts.md says can be asked."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from projections.analysis.metric import Dimension
from projections.analysis.metrics import METRICS
from projections.analysis.views import VIEWS
from tests import analysts
from tests.conftest import Database
from tests.projections.analysis.conftest import Figures

_COLUMNS = """
    SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid) FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'analysis'::regnamespace ORDER BY c.relname, a.attnum"""


def asked(database: Database, statement: str) -> Sequence[tuple[Any, ...]]:
    with psycopg.connect(database.application) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_each_view_and_each_column_says_what_it_is(database: Database) -> None:
    rows = asked(database, _COLUMNS)
    assert {(view, column) for view, column, *_ in rows} == {(v.name, c) for v in VIEWS for c in v.columns}
    assert not [row for row in rows if not row[2] or not row[3]]


@pytest.mark.parametrize("title", analysts.questions())
def test_the_questions_of_the_page_have_answers(title: str, database: Database) -> None:
    asked(database, analysts.questions()[title])


def test_there_are_ten_questions() -> None:
    assert len(analysts.questions()) == 10


@pytest.mark.parametrize("name", METRICS)
async def test_a_metric_can_be_told_apart_by_each_two_of_its_dimensions(name: str, figures: Figures) -> None:
    dimensions: Sequence[Dimension] = METRICS[name].dimensions
    for first in dimensions:
        assert await figures(name, first) == []
        for second in dimensions:
            if first < second:
                assert await figures(name, first, second) == []
