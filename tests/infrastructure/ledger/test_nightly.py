"""The nightly verification counts what it finds, and calls for a person when the ledger is forged."""

import psycopg
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from infrastructure.ledger.nightly import report_verification
from tests.conftest import Database
from tests.infrastructure.ledger.test_verification import FORGED, write


def found(outcome: str) -> float:
    return REGISTRY.get_sample_value("daybook_ledger_verifications_total", {"outcome": outcome}) or 0.0


async def test_an_intact_ledger_is_counted(database: Database) -> None:
    write(database)
    before = found("intact"), found("broken")
    await report_verification(database.application)
    assert (found("intact"), found("broken")) == (before[0] + 1, before[1])


async def test_a_forged_row_is_counted_and_logged_as_an_error(own_database: Database) -> None:
    write(own_database)
    before = found("intact"), found("broken")
    with psycopg.connect(own_database.owner, autocommit=True) as connection:
        connection.execute(f"UPDATE log.stored_events SET state = {FORGED} WHERE notification_id = 3".encode())
    with capture_logs() as lines:
        await report_verification(own_database.application)
    assert (found("intact"), found("broken")) == (before[0], before[1] + 1)
    (line,) = [each for each in lines if each["log_level"] == "error"]
    assert line["event"].startswith("ledger verification failed")
    assert line["fault"]
