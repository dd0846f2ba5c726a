"""A verification in steps finds what one in a single pass finds, and goes on where a killed worker left it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from application.ledger import LedgerVerification, VerificationState
from application.view_log import PersonView
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.security_log import SecurityLog
from infrastructure.ledger.chain import Broken
from infrastructure.ledger.verification import verify
from infrastructure.ledger.verification_steps import DONE, LedgerVerifications, Stage, next_stage
from infrastructure.ledger.view_log import ViewLog
from tests.conftest import Database
from tests.infrastructure.ledger.test_nightly import found
from tests.infrastructure.ledger.test_verification import FORGED, kept, log, tamper, write  # noqa: F401  fixtures
from tests.support.waiting import PATIENCE

ADMIN, FIRST = new_id(), Stage()
FORGERIES = {
    "an event": f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 5",
    "the last event": f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 9",
    "an event is gone": "DELETE FROM log.stored_events WHERE notification_id = 4",
    "the last events are gone": "DELETE FROM log.stored_events WHERE notification_id > 6",
    "a seal": "UPDATE log.seal SET hash = sha256('x') WHERE upto = 6",
    "an event under no seal": "DELETE FROM log.seal WHERE upto = 9",
    "a time": "UPDATE log.stored_events SET recorded_at = recorded_at + interval '1 s' WHERE notification_id = 8",
    "a key": "UPDATE log.command_key SET version = 7 WHERE number = 3",
    "the last key": "DELETE FROM log.command_key WHERE number = 5",
}


async def verified(connection: AsyncConnection, most: int, at: Stage = FIRST) -> list[Stage]:
    """The stages up to the end; raises Broken."""
    stages = [at]
    while stages[-1].part != DONE:
        stages.append(await next_stage(connection, stages[-1], most))
    return stages


@asynccontextmanager
async def auditor(database: Database) -> AsyncIterator[AsyncConnection]:
    """As the application's role."""
    async with await AsyncConnection.connect(database.application, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("most", [1, 3, 4, 100])
async def test_every_event_is_checked_whatever_the_size_of_a_step(log: Database, most: int) -> None:  # noqa: F811
    async with auditor(log) as connection:
        stages = await verified(connection, most)
    assert sum(each.rows for each in stages) == 9
    assert all(each.rows <= most + 2 for each in stages), "a step ends with a batch"
    assert len(stages) > 2 + 9 // (most + 2)


@pytest.mark.parametrize("most", [1, 3, 4, 100])
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_one_pass_finds_is_found_in_steps(log: Database, forgery: str, most: int) -> None:  # noqa: F811
    tamper(log, FORGERIES[forgery])
    async with auditor(log) as connection:
        expected = (await verify(connection)).broken
        assert expected is not None
        with pytest.raises(Broken) as broken:
            await verified(connection, most)
    assert str(broken.value) == expected


async def test_a_removed_end_is_found_by_the_next_step(log: Database) -> None:  # noqa: F811
    async with auditor(log) as connection:
        at = await next_stage(connection, Stage(), 6)
        tamper(log, "DELETE FROM log.seal WHERE upto > 3", "DELETE FROM log.stored_events WHERE notification_id > 3")
        with pytest.raises(Broken, match="seal up to 6: it was changed or removed"):
            await next_stage(connection, at, 6)


async def test_a_gap_in_the_keys_is_found_though_it_is_made_behind_a_step(log: Database) -> None:  # noqa: F811
    async with auditor(log) as connection:
        at = await next_stage(connection, Stage(), 6)
        tamper(log, "DELETE FROM log.command_key WHERE number = 2")
        with pytest.raises(Broken, match="command keys: one is missing"):
            await verified(connection, 100, at)


async def test_pruned_keys_are_no_fault_between_two_steps(log: Database) -> None:  # noqa: F811
    """Those of whole seals, from the first on."""
    async with auditor(log) as connection:
        at = await next_stage(connection, Stage(), 3)
        tamper(log, "DELETE FROM log.command_key WHERE number <= 2")
        assert (await verified(connection, 100, at))[-1].part == DONE


@pytest.fixture
async def pool(own_database: Database) -> AsyncIterator[RowPool]:
    async with RowPool(own_database.application, patience=PATIENCE) as rows:
        yield rows


async def begun(pool: RowPool, id: UUID) -> None:
    """With its job, which a worker has."""
    await pool.all(
        "INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, enqueued)"
        " VALUES (%s, 'verify_ledger', %s, '', clock_timestamp(), clock_timestamp(), true)",
        [id, id],
    )


async def state(verifications: LedgerVerifications) -> LedgerVerification:
    last = await verifications.last()
    assert last is not None
    return last


async def test_a_row_of_the_other_logs_is_checked_too(own_database: Database, pool: RowPool) -> None:
    write(own_database)
    for _ in range(4):
        await SecurityLog(pool, b"k").note("signed_in", new_id())
        await ViewLog(pool, lambda: datetime.now(UTC)).record(
            PersonView(new_id(), new_id(), "get_customer", {"role": "admin"})
        )
    async with auditor(own_database) as connection:
        assert sum(each.rows for each in await verified(connection, 2)) == 17
        for table, name in (("auth.security_log", "security"), ("audit.view", "view")):
            tamper(own_database, f'UPDATE {table} SET facts = \'{{"a": "b"}}\' WHERE id = 3')
            with pytest.raises(Broken, match=f"{name}.* 3: its digest does not hold"):
                await verified(connection, 2)
            tamper(own_database, f"DELETE FROM {table}", f"DELETE FROM {table.replace('_log', '')}_seal")


async def test_it_goes_on_where_another_worker_left_it(own_database: Database, pool: RowPool) -> None:
    write(own_database)
    id, first = new_id(), LedgerVerifications(pool, own_database.application, most=3)
    assert await first.begin(id, ADMIN)
    await begun(pool, id)
    assert await first.advance(id) is None
    shown = await state(first)
    assert (shown.state, shown.checked, shown.total, shown.by) == (VerificationState.RUNNING, 3, 9, ADMIN)
    tamper(own_database, f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 1")
    other = LedgerVerifications(pool, own_database.application, most=100)
    outcomes = [await other.advance(id) for _ in range(3)]
    assert outcomes == [None, None, "intact"], "the first event was checked before it was forged"
    shown = await state(first)
    assert (shown.state, shown.checked, shown.broken) == (VerificationState.INTACT, 9, None)
    assert shown.finished_at is not None


async def test_a_fault_is_kept_counted_and_an_error_in_the_log(own_database: Database, pool: RowPool) -> None:
    write(own_database)
    tamper(own_database, f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 5")
    id, verifications = new_id(), LedgerVerifications(pool, own_database.application, most=3)
    await verifications.begin(id, ADMIN)
    before = found("broken")
    with capture_logs() as lines:
        assert [await verifications.advance(id) for _ in range(2)] == [None, "broken"]
    shown = await state(verifications)
    assert (shown.state, shown.broken) == (VerificationState.BROKEN, "event 5: its digest does not hold")
    assert found("broken") == before + 1
    (line,) = [each for each in lines if each["log_level"] == "error"]
    assert line["fault"] == shown.broken
    assert await verifications.advance(id) == "broken", "and not again"
    assert found("broken") == before + 1


async def test_one_runs_at_a_time_and_one_whose_job_is_dead_gives_way(own_database: Database, pool: RowPool) -> None:
    verifications = LedgerVerifications(pool, own_database.application)
    first, second = new_id(), new_id()
    assert await verifications.begin(first, ADMIN)
    await begun(pool, first)
    assert not await verifications.begin(second, ADMIN)
    await pool.all("UPDATE work.job SET dead_at = clock_timestamp(), error = 'OSError' WHERE key = %s", [first])
    shown = await state(verifications)
    assert (shown.id, shown.state, shown.error) == (first, VerificationState.FAILED, "OSError")
    assert await verifications.begin(second, ADMIN)
    await begun(pool, second)
    assert await verifications.advance(first) == "failed", "an admin retries the dead job: the other goes on"
    assert (await state(verifications)).id == second


async def test_the_table_is_not_the_applications_to_empty(own_database: Database) -> None:
    with psycopg.connect(own_database.application) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM work.verification")
