"""Row-level security: without a context no personal row shows, and no context outlives its snapshot."""

import asyncio
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from projections.query.ownership import ownership_of
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.projections.story import a_customer, a_provider, an_appointment
from tests.support.sealed import CODEC

OWNED = [table for each in PROJECTIONS for table in each.tables if ownership_of(table) is not None]
PERSONAL = {"name", "email", "phone", "note", "answers", "reason", "staff_note", "move_reason", "text"}
PUBLIC = {"provider", "service", "tag", "organization", "organization_holiday", "schedule_time_off", "vacancy_holiday"}
PUBLIC |= {"fact_organization", "fact_service"}


def test_every_table_with_something_personal_is_owned_or_public():
    tables = [table for each in PROJECTIONS for table in each.tables]
    bare = {table.name for table in tables if PERSONAL & set(table.c.keys()) and table not in OWNED}
    assert bare <= PUBLIC
    assert {"appointment", "customer", "account"} <= {table.name for table in OWNED}


@pytest.fixture
async def world(write, catch_up):
    """A customer, their appointment with a provider, and somebody else's."""
    carl, ada = a_customer("Carl"), a_provider("Ada")
    mine = an_appointment(ada.id, customer_id=carl.id)
    await write(carl, ada, mine, a_customer("Dora"), an_appointment())
    await catch_up()
    return carl, ada, mine


_SMUGGLED = text("""
    INSERT INTO read_1.account (stream, id, version, role, standing, created_at)
    VALUES (:id, :id, 1, 'admin', 'active', now())""")


async def seen(connection, table: str) -> int:
    return (await connection.execute(text(f"SELECT count(*) FROM read_1.{table}"))).scalar_one()


@pytest.mark.parametrize("table", [table.name for table in OWNED])
async def test_without_a_context_no_row_shows_and_none_is_written(engine, world, table):
    async with engine.connect() as connection:
        assert await seen(connection, table) == 0
        changed = await connection.execute(text(f"DELETE FROM read_1.{table}"))
        assert changed.rowcount == 0
    async with engine.connect() as connection:
        await connection.execute(text("SELECT set_config('app.sub', '', true)"))  # as it is after a reset
        assert await seen(connection, table) == 0


async def test_a_row_can_not_be_smuggled_in(engine, world):
    async with engine.connect() as connection:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await connection.execute(_SMUGGLED.bindparams(id=uuid4()))


async def test_one_s_own_rows_show_and_no_others(reads: Snapshots, world):
    carl, ada, mine = world
    for who in (carl.id, ada.owner_id):
        async with reads.open("agenda", sees=who) as read:
            rows = await read.connection.execute(text("SELECT id FROM read_1.appointment"))
            assert rows.scalars().all() == [mine.id]
    async with reads.open("customer", sees=uuid4()) as read:
        assert await seen(read.connection, "customer") == 0
    async with reads.open("customer", sees=EVERYTHING) as read:
        assert await seen(read.connection, "customer") == 2


async def test_no_context_leaks_to_the_next_snapshot_of_the_pool(engine, reads: Snapshots, world):
    """Many snapshots over few connections, in turns: each shows its own rows, a bare connection none."""
    carl, _, _ = world

    async def open_one(n: int) -> None:
        if n % 3 == 0:
            async with reads.open("customer", sees=EVERYTHING) as read:
                assert await seen(read.connection, "customer") == 2
        elif n % 3 == 1:
            async with reads.open("customer", sees=carl.id) as read:
                assert await seen(read.connection, "customer") == 1
        else:
            async with engine.connect() as connection:
                assert await seen(connection, "customer") == 0

    await asyncio.gather(*(open_one(n) for n in range(60)))


async def test_the_next_generation_has_the_same_policies(world, database):
    query = b"""
        SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polname,
               replace(pg_get_expr(p.polqual, p.polrelid), n.nspname, 'read_n')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_policy p ON p.polrelid = c.oid
        WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1"""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        before = connection.execute(query, ["read_1"]).fetchall()
        owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://", 1))
        await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
        await owner.dispose()
        assert connection.execute(query, ["read_2"]).fetchall() == before
    assert sum(row[1] and row[2] for row in before) == len(OWNED)
