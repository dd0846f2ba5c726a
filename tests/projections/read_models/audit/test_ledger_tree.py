"""The projection keeps the subtrees of the log's tree, as its leaves have them; a rebuild finds the same."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.kernel import new_id
from infrastructure.ledger.chain import Broken
from infrastructure.ledger.tree import Span, TreeRoot, leaf_hash, verify_consistency, verify_inclusion
from infrastructure.ledger.tree_rows import LedgerTree, TooFar, tree_of
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.read_models.audit.ledger_tree import project
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.infrastructure.event_log.entries import entry, row
from tests.infrastructure.event_log.test_append import call
from tests.support.sealed import CODEC

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
KEPT = "SELECT level, index, hash FROM read_{}.ledger_tree ORDER BY level, index"
LEAVES = """SELECT digest, notification_id, (extract(epoch FROM recorded_at) * 1000000)::bigint
    FROM log.stored_events ORDER BY notification_id"""

MANY = """INSERT INTO log.stored_events (
        originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, metadata, digest)
    SELECT gen_random_uuid(), 1, 'Voucher.Issued', '{}', n, gen_random_uuid(), now(), '{}', sha256(int8send(n))
    FROM generate_series(1, 65536) n"""


def write(database: Database, *batches: int) -> None:
    """Events of a kind that this release does not know."""
    for events in batches:
        call(database.application, entry(rows=[row(new_id(), 1, "Voucher.Issued") for _ in range(events)]))


def root(leaves: Sequence[bytes]) -> bytes:
    tree = TreeRoot()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def leaves(database: Database) -> list[bytes]:
    with psycopg.connect(database.owner) as connection:
        return [leaf_hash(*found) for found in connection.execute(LEAVES.encode())]


def kept(database: Database, generation: int = 1) -> list[tuple[int, int, bytes]]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(KEPT.format(generation).encode()).fetchall()


def execute(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement.encode())


async def test_full_subtrees_are_kept_whatever_their_events_are(database: Database, catch_up) -> None:
    write(database, 255)
    await catch_up()
    assert kept(database) == []
    write(database, 1, 300, 2, 209, 3)  # 770
    await catch_up()
    found = leaves(database)
    assert kept(database) == [(1, n, root(found[n * 256 : n * 256 + 256])) for n in range(3)]


async def test_a_rebuild_makes_the_same(database: Database, catch_up) -> None:
    write(database, 600)
    await catch_up()
    before = kept(database)
    owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    made = await Rebuild(owner, PROJECTIONS, CODEC).run(grace=0)
    await owner.dispose()
    assert kept(database, made.generation) == before


async def test_those_of_the_next_level_are_made_of_them(database: Database) -> None:
    """Of events that a statement writes: appending so many takes minutes."""
    execute(database, MANY)
    async with await AsyncConnection.connect(database.application) as connection:
        for position in range(1, 65_537):
            rows = RowBatch()
            project(RecordedEvent(position, NOW, UUID(int=position), 1, None, "{}"), rows)
            await rows.flush(connection, "read_1")
    found = leaves(database)
    assert [each[:2] for each in kept(database)] == [*((1, n) for n in range(256)), (2, 0)]
    assert kept(database)[-1][2] == root(found)
    async with await AsyncConnection.connect(database.application) as connection:
        tree = LedgerTree(connection, 65_536, "read_1.ledger_tree", 256)
        path = await tree.inclusion(4_711, 65_536)
        assert verify_inclusion(found[4_710], 4_710, 65_536, path, root(found))


@pytest.fixture(params=[True, False], ids=["kept", "not kept yet"])
async def projected(request, database: Database, catch_up) -> bool:
    write(database, 300, 500, 40, 1)
    if request.param:
        await catch_up()
    return request.param


async def test_every_path_proof_and_root_is_that_of_the_leaves(database: Database, projected: bool) -> None:
    found = leaves(database)
    roots = [root(found[:size]) for size in range(842)]
    async with await AsyncConnection.connect(database.application) as connection:
        tree = await tree_of(connection)
        assert tree.size == 841
        assert await tree.root() == roots[841]
        for size in (1, 2, 255, 256, 257, 511, 512, 513, 840, 841):
            assert await tree.root(size) == roots[size]
            for position in {1, size, size // 2 or 1, min(size, 300)}:
                path = await tree.inclusion(position, size)
                assert verify_inclusion(found[position - 1], position - 1, size, path, roots[size])
            for first in {1, size, size // 2 or 1, min(size, 256)}:
                proof = await tree.consistency(first, size)
                assert verify_consistency(first, size, (roots[first], roots[size]), proof)
        assert await tree.hash_of(Span(3, 800)) == (await LedgerTree(connection, 841, None, None).hash_of(Span(3, 800)))


async def test_a_reader_that_lags_costs_digests_up_to_a_bound(database: Database, projected: bool) -> None:
    async with await AsyncConnection.connect(database.application) as connection:
        tree = await tree_of(connection, 600)
        if projected:
            assert await tree.root() == root(leaves(database))
        else:
            with pytest.raises(TooFar):
                await tree.root()


async def test_an_event_that_is_gone_or_has_no_digest_is_named(database: Database) -> None:
    write(database, 20)
    execute(database, "DELETE FROM log.stored_events WHERE notification_id = 7")
    async with await AsyncConnection.connect(database.application) as connection:
        with pytest.raises(Broken, match="event 7"):
            await (await tree_of(connection)).root()
    execute(database, "DELETE FROM log.stored_events WHERE notification_id > 7")
    async with await AsyncConnection.connect(database.application) as connection:
        with pytest.raises(Broken, match="event 7"):
            await (await tree_of(connection)).root()


async def test_a_subtree_is_not_computed_over_a_gap(database: Database, catch_up, engine) -> None:
    """The projection stops loudly, as all others do."""
    write(database, 256)
    execute(database, "DELETE FROM log.stored_events WHERE notification_id = 7")
    await catch_up()
    assert kept(database) == []
    async with engine.connect() as connection:
        stopped = await connection.execute(text("SELECT stopped_at FROM read.bookmark WHERE reader = 'ledger_tree'"))
        assert stopped.scalar_one() == 7
