"""Whatever a page asks for, its coalesced changes leave what one change after the other would."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text, create_engine
from sqlalchemy.dialects.postgresql import TSTZRANGE

from projections.engine.row_batch import Derivation, RowBatch
from projections.engine.schema import instant, json, schemas, uuid
from tests.projections.story import at
from tests.support.hypothesis_profiles import examples

note = Table(
    "note",
    MetaData(schema="read"),
    Column("a", Integer, primary_key=True),
    Column("b", Text, primary_key=True),
    Column("text", Text),
    Column("count", BigInteger, nullable=False),
    json("data", nullable=True),
)
mark = Table("mark", note.metadata, Column("id", Integer, primary_key=True))
broad = Table(
    "broad",
    note.metadata,
    uuid("id", primary_key=True),
    Column("flag", Boolean),
    instant("at", nullable=True),
    Column("stretch", TSTZRANGE),
    json("data", nullable=True),
)

keys = st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.sampled_from(["x", 'y"\\{}', "ü,NULL"])})
texts = st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5)
values = {
    "text": texts,
    "count": st.integers(-(2**63), 2**63 - 1),
    "data": st.none() | st.dictionaries(st.sampled_from("pq"), st.integers() | texts, max_size=2),
}
puts = st.tuples(st.just("put"), keys, st.fixed_dictionaries(values))
sets = st.tuples(st.just("set"), keys, st.fixed_dictionaries({}, optional=values).filter(bool))
drops = st.tuples(st.just("drop"), keys, st.just({}))
Step = tuple[str, dict[str, Any], dict[str, Any]]
steps = st.lists(puts | sets | drops, max_size=12)


@pytest.fixture(scope="module")
def notebook(new_database) -> str:
    """A database with the tables; its address."""
    address: str = new_database().owner
    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        note.metadata.create_all(connection.execution_options(schema_translate_map=schemas(1)))
    engine.dispose()
    return address


def applied(before: dict[Any, Any], changes: list[Step]) -> dict[Any, Any]:
    """What one change after the other makes of the rows."""
    rows = {key: dict(row) for key, row in before.items()}
    for verb, key, columns in changes:
        place = key["a"], key["b"]
        if verb == "put" or (verb == "set" and place in rows):
            rows[place] = {**rows.get(place, {}), **columns}
        elif verb == "drop":
            rows.pop(place, None)
    return rows


async def flushed(connection: psycopg.AsyncConnection[Any], *pages: list[Step]) -> dict[Any, Any]:
    """What the table has after each page was written at once."""
    await connection.execute("TRUNCATE read_1.note")
    for page in pages:
        rows = RowBatch()
        for verb, key, columns in page:
            if verb == "put":
                rows.put(note, **key, **columns)
            elif verb == "set":
                rows.set(note, key, **columns)
            else:
                rows.drop(note, key)
        await rows.flush(connection, "read_1")
    cursor = await connection.execute("SELECT a, b, text, count, data FROM read_1.note")
    return {(a, b): {"text": t, "count": n, "data": d} for a, b, t, n, d in await cursor.fetchall()}


def test_a_page_at_once_is_the_same_as_its_changes_one_by_one(notebook):
    with asyncio.Runner() as runner:
        connection = runner.run(psycopg.AsyncConnection.connect(notebook))

        @settings(max_examples=examples(150))
        @given(first=steps, second=steps)
        def check(first: list[Step], second: list[Step]) -> None:
            kept = runner.run(flushed(connection, first, second))
            assert kept == applied(applied({}, first), second)

        check()
        runner.run(connection.close())


def test_no_change_is_no_rows():
    rows = RowBatch()
    assert not rows
    rows.drop(mark, {"id": 1})
    assert rows


async def test_a_table_of_keys_alone_takes_a_row_twice(notebook):
    async with await psycopg.AsyncConnection.connect(notebook) as connection:
        for _ in range(2):
            rows = RowBatch()
            rows.put(mark, id=7)
            await rows.flush(connection, "read_1")
        assert await (await connection.execute("SELECT id FROM read_1.mark")).fetchall() == [(7,)]


async def test_every_kind_of_column_comes_back_as_it_went(notebook):
    rows, first, second = RowBatch(), uuid4(), uuid4()
    stretch = f"[{at(9).isoformat()},{at(10).isoformat()})"
    rows.put(broad, id=first, flag=True, at=at(9), stretch=stretch, data={"of": second})
    rows.put(broad, id=second, flag=None, at=None, stretch=None, data=None)
    async with await psycopg.AsyncConnection.connect(notebook) as connection:
        await rows.flush(connection, "read_1")
        found = await (
            await connection.execute(
                "SELECT id, flag, at, lower(stretch), upper(stretch), data FROM read_1.broad ORDER BY flag"
            )
        ).fetchall()
    assert found == [
        (first, True, at(9), at(9), at(10), {"of": str(second)}),
        (second, None, None, None, None, None),
    ]


async def test_a_derivation_sees_all_other_changes_of_the_page(notebook):
    """Though it was asked for before them; its values come as rows, in order."""
    counted = Derivation(
        "INSERT INTO {schema}.note (a, b, count) SELECT id, word, (SELECT count(*) FROM {schema}.mark) FROM {given}",
        {"id": "int", "word": "text"},
    )
    rows = RowBatch()
    assert not rows
    rows.derive(counted, id=41, word="first")
    assert rows
    rows.put(mark, id=41)
    rows.derive(counted, id=42, word="second")
    async with await psycopg.AsyncConnection.connect(notebook) as connection:
        ((before,),) = await (await connection.execute("SELECT count(*) FROM read_1.mark")).fetchall()
        await rows.flush(connection, "read_1")
        found = await (await connection.execute("SELECT a, b, count FROM read_1.note WHERE a > 40")).fetchall()
        assert sorted(found) == [(41, "first", before + 1), (42, "second", before + 1)]
        await connection.rollback()


def test_a_row_without_all_its_columns_is_refused(notebook):
    rows = RowBatch()
    rows.put(note, a=1, b="x", text="half a row")
    with pytest.raises(KeyError, match="count"):
        asyncio.run(_flush(notebook, rows))


async def _flush(address: str, rows: RowBatch) -> None:
    async with await psycopg.AsyncConnection.connect(address) as connection:
        await rows.flush(connection, "read_1")
