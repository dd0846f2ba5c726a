"""The arrays of a page of events arrive as the values that they hold."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.engine.arrays import array_of

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "text": st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    "boolean": st.booleans(),
}


@pytest.fixture(scope="module")
def connection(servers):
    with psycopg.connect(servers.superuser_dsn(), autocommit=True) as connection:
        yield connection


@pytest.mark.hypothesis
@pytest.mark.parametrize("sql_type", VALUES)
@given(data=st.data())
def test_every_value_arrives(connection: psycopg.Connection, sql_type: str, data: st.DataObject) -> None:
    sent = data.draw(st.lists(st.none() | VALUES[sql_type], min_size=1))
    (arrived,) = connection.execute(f"SELECT %b::{sql_type}[]", [array_of(sql_type)(sent)]).fetchone() or ()
    assert arrived == sent


def test_ids_may_be_texts_and_nothing_else(connection: psycopg.Connection) -> None:
    ids = array_of("UUID")([str(UUID(int=7)), UUID(int=8)])
    assert connection.execute("SELECT %b::uuid[]", [ids]).fetchone() == ([UUID(int=7), UUID(int=8)],)
    with pytest.raises(ValueError, match="badly formed"):
        connection.execute("SELECT %b::uuid[]", [array_of("UUID")(["Ada"])])


def test_an_empty_list_arrives(connection: psycopg.Connection) -> None:
    assert connection.execute("SELECT %b::bigint[]", [array_of("bigint")([])]).fetchone() == ([],)
