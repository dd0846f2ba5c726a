"""Those who ask from outside get the ledger one after another, and nobody waits for ever."""

import asyncio

import psycopg
import pytest

from application.event_log import Unavailable
from infrastructure.ledger.reader import LedgerReader
from infrastructure.ledger.verification import LogHead, VerificationResult
from tests.conftest import Database
from tests.infrastructure.event_log.gate import until
from tests.infrastructure.ledger.test_verification import write

WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'log.seal'::regclass AND NOT granted"


async def test_one_long_look_at_a_time(database: Database) -> None:
    write(database)
    view = LedgerReader(database.application, patience=0.1)
    with (
        psycopg.connect(database.owner) as holder,
        psycopg.connect(database.owner, autocommit=True) as watcher,
    ):
        holder.execute("LOCK TABLE log.seal")
        first = asyncio.create_task(view.verify(1, None))
        await until(lambda: watcher.execute(WAITING).fetchone() == (1,))
        with pytest.raises(Unavailable):
            await view.verify(1, None)
        holder.rollback()
        assert await first == VerificationResult(1, 9, 5)
    assert await view.verify(5, 5) == VerificationResult(4, 6, 1)


async def test_a_look_that_is_given_up_makes_way(database: Database) -> None:
    view = LedgerReader(database.application, patience=0.1)
    with (
        psycopg.connect(database.owner) as holder,
        psycopg.connect(database.owner, autocommit=True) as watcher,
    ):
        holder.execute("LOCK TABLE log.seal")
        look = asyncio.create_task(view.verify(1, None))
        await until(lambda: watcher.execute(WAITING).fetchone() == (1,))
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
    assert await view.verify(1, None) == VerificationResult(1, 0, 0)
    assert await view.head() == LogHead(0, b"", None)


async def test_a_database_that_is_not_there_is_said(database: Database) -> None:
    view = LedgerReader(f"{database.application}_nowhere")
    for look in (view.head(), view.verify(1, None)):
        with pytest.raises(psycopg.OperationalError):
            await look
