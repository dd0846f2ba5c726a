"""What a superuser does to the views log is named, and a rewritten one differs from a signed checkpoint."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from application.view_log import PersonView
from infrastructure.database.row_pool import RowPool
from infrastructure.ledger import checkpoint
from infrastructure.ledger.reader import connected
from infrastructure.ledger.verification import heads_of, verify
from infrastructure.ledger.view_log import ViewLog
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import tamper
from tests.support.waiting import PATIENCE

VIEWER, OTHER = UUID(int=1), UUID(int=2)
RECORD = "SELECT audit.record_views(%s, %s, %s, %s::jsonb[])"
ROW_2 = "views log 2: its digest does not hold"
SEAL_2 = "view seal 2-3: its hash does not hold: a row was changed, added or removed"
PLANTED = """
    INSERT INTO audit.view
    SELECT {id}, earlier, viewer, person, operation, facts,
           audit.view_digest({id}, earlier, viewer, person, operation, facts)
    FROM (SELECT *, at - interval '5 hours' AS earlier FROM audit.view WHERE id = 2) v"""
ATTACKS = [
    *(
        (f"UPDATE audit.view SET {change} WHERE id = 2", ROW_2)
        for change in (
            f"viewer = '{OTHER}'",
            f"person = '{OTHER}'",
            "operation = 'get_user'",
            """facts = '{"role": "admin"}'""",
            "at = at + interval '1 microsecond'",
            "digest = sha256(digest)",
        )
    ),
    ("UPDATE audit.view SET id = 7 WHERE id = 2", SEAL_2),
    ("DELETE FROM audit.view WHERE id = 2", SEAL_2),
    ("DELETE FROM audit.view WHERE id >= 2", SEAL_2),
    ("TRUNCATE audit.view", "view seal 1-1: its hash does not hold: a row was changed, added or removed"),
    (PLANTED.format(id=0), "view seal 1-1: its hash does not hold: a row was changed, added or removed"),
    (PLANTED.format(id=7), "views log 7: it is under no seal"),
    ("DELETE FROM audit.view_seal WHERE upto = 3", "view seal 4-6: it does not follow position 1"),
    ("DELETE FROM audit.view_seal WHERE upto = 6", "views log 4: it is under no seal"),
    ("TRUNCATE audit.view_seal", "views log 1: it is under no seal"),
    ("UPDATE audit.view_seal SET at = now() WHERE upto = 3", SEAL_2),
    ("UPDATE audit.view_seal SET since = 1 WHERE upto = 3", "view seal 1-3: it does not follow position 1"),
    ("UPDATE audit.view_seal SET upto = 2 WHERE upto = 3", "view seal 2-2: its hash does not hold"),
    ("UPDATE audit.view_seal SET hash = sha256(hash) WHERE upto = 3", SEAL_2),
    ("DROP FUNCTION audit.view_digest", "function audit.view_digest: it is missing"),
    ("GRANT INSERT ON audit.view TO daybook_app", "table audit.view: another role may change it"),
    ("GRANT EXECUTE ON FUNCTION audit.record_views TO PUBLIC", "function audit.record_views: its owner or its"),
]


@pytest.fixture
async def viewed(database: Database) -> Database:
    """Three calls, of one to three views."""
    async with RowPool(database.application, patience=PATIENCE) as pool:
        views = ViewLog(pool, lambda: datetime.now(UTC))
        await views.record(PersonView(VIEWER, UUID(int=10), "get_customer", {"role": "é"}))
        for first, count in ((20, 2), (30, 3)):
            persons = [UUID(int=first + n) for n in range(count)]
            names, facts = ["get_appointment"] * count, ["{}"] * count
            await pool.all(RECORD, [[VIEWER] * count, persons, names, facts])
    return database


async def found(database: Database) -> str:
    async with connected(database.application, 5) as connection:
        return (await verify(connection)).broken or ""


async def heads(connection: AsyncConnection) -> checkpoint.SignedCheckpoint:
    """The heads, signed and read."""
    return checkpoint.read(checkpoint.sign(await heads_of(connection), Ed25519PrivateKey.generate()).encode())


async def test_what_nobody_touched_holds(viewed: Database) -> None:
    async with connected(viewed.application, 5) as connection:
        verified = await verify(connection, checkpoint=(await heads(connection)).heads)
    assert (verified.broken, verified.views) == (None, 6)


@pytest.mark.parametrize(("statement", "named"), ATTACKS)
async def test_what_is_done_to_the_views_log_is_named(viewed: Database, statement: str, named: str) -> None:
    tamper(viewed, "SET session_replication_role = replica", statement)
    assert (await found(viewed)).startswith(named)


async def test_one_call_records_each_pair_once_and_answers_its_time(viewed: Database) -> None:
    async with RowPool(viewed.application, patience=PATIENCE) as pool:
        twice = [[VIEWER, OTHER, VIEWER], [UUID(int=10), UUID(int=10), UUID(int=10)], ["a", "b", "c"], ["{}"] * 3]
        answered = await pool.one(RECORD, twice)
        added = await pool.all("SELECT viewer, operation, at FROM audit.view WHERE id > 6")
    assert answered is not None
    assert added == [(OTHER, "b", answered[0])]
    assert await found(viewed) == ""


async def test_a_log_that_was_rewritten_or_cut_off_is_found_against_a_checkpoint(viewed: Database) -> None:
    async with connected(viewed.application, 5) as connection:
        signed = (await heads(connection)).heads
        tamper(viewed, "DELETE FROM audit.view WHERE id > 3", "DELETE FROM audit.view_seal WHERE upto > 3")
        assert (await verify(connection)).holds
        cut = await verify(connection, checkpoint=signed)
        assert cut.broken == "checkpoint: the views log has no seal at position 6"
        persons = ", ".join(f"'{UUID(int=40 + n)}'" for n in range(3))
        tamper(
            viewed,
            f"SELECT audit.record_views(array_fill('{VIEWER}'::uuid, '{{3}}'), ARRAY[{persons}]::uuid[], "
            """'{a,b,c}', '{"{}","{}","{}"}')""",
        )
        assert (await verify(connection)).holds
        rewritten = await verify(connection, checkpoint=signed)
        assert rewritten.broken == "checkpoint: the views log up to position 6 is not what was signed"
