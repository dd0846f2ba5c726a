"""A generation of read models is made whole, by whoever comes first, and used by the application's role."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import Column, Index, MetaData, Text, create_engine, text

from projections.engine.schema import metadata
from projections.rebuild.generations import create, ensure, fingerprint, outdated
from projections.registry import PROJECTIONS


@pytest.fixture
def owner(database):
    engine = create_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def test_ensuring_again_changes_nothing(owner):
    with owner.begin() as connection:
        connection.execute(text("UPDATE read.checkpoint SET position = 7"))
        assert ensure(connection) == 1
        found = connection.execute(text("SELECT DISTINCT position, generation FROM read.bookmark")).all()
    assert found == [(7, 1)]


def test_a_role_that_owns_its_database_moves_checkpoints(owner):
    """There, it owns the view of the checkpoints too: what the table allows it, the view allows."""
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE daybook_owner_alone"))
        for each in ("TABLE read.bookmark", "VIEW read.checkpoint"):
            connection.execute(text(f"ALTER {each} OWNER TO daybook_owner_alone"))
        for _ in range(2):
            ensure(connection, role="daybook_owner_alone")
        connection.execute(text("SET LOCAL ROLE daybook_owner_alone"))
        assert connection.execute(text("UPDATE read.checkpoint SET position = 7")).rowcount == len(PROJECTIONS)
        connection.rollback()


def test_several_processes_may_ensure_at_once(owner):
    with owner.begin() as connection:
        connection.execute(text("DROP SCHEMA read CASCADE; DROP SCHEMA read_1 CASCADE"))

    def once(_: int) -> int:
        with owner.begin() as connection:
            return ensure(connection)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(once, range(4))) == [1, 1, 1, 1]


def test_every_table_has_its_reader_and_every_reader_its_bookmark(owner):
    assert {table for reader in PROJECTIONS for table in reader.tables} == set(metadata.tables.values())
    with owner.connect() as connection:
        marks = connection.execute(text("SELECT reader FROM read.bookmark")).scalars().all()
    assert sorted(marks) == sorted(reader.name for reader in PROJECTIONS)


def test_a_generation_is_made_beside_the_live_one(owner):
    with owner.begin() as connection:
        create(connection, 2, PROJECTIONS)
        tables = text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema")
        of_one, of_two = (connection.execute(tables, {"schema": f"read_{n}"}).scalar_one() for n in (1, 2))
        assert of_one == of_two == len(metadata.tables)
        assert connection.execute(text("SELECT generation FROM read.live")).scalar_one() == 1


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE read.live SET generation = 2",
        "DELETE FROM read.bookmark",
        "INSERT INTO read.bookmark (reader, generation) VALUES ('another', 1)",
        "TRUNCATE read_1.appointment",
        "DROP TABLE read_1.appointment",
        "CREATE TABLE read_1.another (id int)",
    ],
)
def test_the_application_keeps_read_models_but_does_not_own_them(database, forbidden):
    with psycopg.connect(database.application, autocommit=True) as connection:
        connection.execute("DELETE FROM read_1.appointment")
        connection.execute("UPDATE read.checkpoint SET position = position")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(forbidden)


def test_a_generation_of_this_release_is_not_outdated(owner):
    with owner.connect() as connection:
        assert outdated(connection) == []


def test_tables_of_another_shape_are_outdated_and_left_as_they_are(owner):
    with owner.begin() as connection:
        connection.execute(text("UPDATE read.checkpoint SET fingerprint = NULL WHERE reader = 'customer'"))
        connection.execute(text("ALTER TABLE read_1.customer DROP COLUMN version CASCADE"))
        ensure(connection)
        assert outdated(connection) == ["customer"]


@pytest.mark.parametrize(
    "changed",
    [
        lambda table: table.append_column(Column("new", Text)),
        lambda table: Index("customer_new", table.c.id),
        lambda table: table.info.clear(),
    ],
    ids=["column", "index", "row security"],
)
def test_the_fingerprint_tells_of_columns_indexes_and_row_security(changed):
    (projection,) = (each for each in PROJECTIONS if each.name == "customer")
    tables = [table.to_metadata(MetaData()) for table in projection.tables]
    for copy, table in zip(tables, projection.tables, strict=True):
        copy.info = dict(table.info)
    same = replace(projection, tables=tables)
    assert fingerprint(same) == fingerprint(projection)
    changed(tables[0])
    assert fingerprint(same) != fingerprint(projection)
