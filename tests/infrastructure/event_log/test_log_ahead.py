"""The database's clock was a day ahead for one batch: the log's time waits for it, and the present goes on."""

from datetime import datetime, timedelta

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from application.access import Role
from application.booking.appointment import book_appointment
from application.booking.hold import FindHold, PlaceHold, find_hold, place_hold
from application.booking.refusals import TooSoon
from application.event_log import EventStore
from domain.booking.hold import HoldExpired
from domain.kernel import new_id
from infrastructure.event_log.append_call import APPEND, arguments
from infrastructure.event_log.postgres_journal import PostgresJournal
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.identity.services import IdentityServices
from infrastructure.identity.token_revocation import TokenRevocation
from projections.engine import lag
from tests.conftest import Database
from tests.infrastructure.conftest import Open
from tests.infrastructure.event_log.entries import entry
from tests.infrastructure.event_log.test_append import ask, call
from tests.infrastructure.identity.test_token_revocation import counts
from tests.support.builders import an_open_week, somebody
from tests.support.signing import SECRET, an_account, change

DAY = timedelta(days=1)
CLOSE = timedelta(seconds=20)  # that a busy machine may take between two clocks


@pytest.fixture
def ahead(database: Database) -> datetime:
    """The log's time: a day ahead of the clock, as after a step of the clock for one batch."""
    call(database.application, entry(new_id()))
    ((at,),) = ask(database.owner, f"UPDATE log.seal SET at = now() + interval '{DAY.days} day' RETURNING at")
    assert isinstance(at, datetime)
    return at


def wait(store: EventStore, minutes: float) -> None:
    """As if so many minutes passed on this machine, in which nobody appends."""
    assert isinstance(store.journal, PostgresJournal)
    clock = store.journal._clock
    before = clock.monotonic
    clock.monotonic = lambda: before() + minutes * 60


def clock_of(database: Database) -> datetime:
    ((now,),) = ask(database.owner, "SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


@pytest.mark.fault(16)
async def test_now_follows_the_clock_and_the_log_s_time_stands_still(
    database: Database, open_store: Open, ahead: datetime
) -> None:
    store = await open_store(database.application)
    with capture_logs() as lines:
        for _ in range(3):
            await store.journal.append(entry(new_id()))
            assert abs(store.now() - clock_of(database)) < CLOSE
    assert ask(database.owner, "SELECT DISTINCT at FROM log.seal") == [(ahead,)]
    assert ask(database.owner, "SELECT DISTINCT recorded_at FROM log.stored_events WHERE notification_id > 1") == [
        (ahead,)
    ]
    assert [line["event"] for line in lines] == ["time of the log is ahead of the database's clock"]


async def test_holds_lapse_and_notice_moves_on(database: Database, open_store: Open, ahead: datetime) -> None:
    store = await open_store(database.application)
    week = await an_open_week(store, hold_ttl=15, min_notice=60)
    customer = somebody()
    hold = PlaceHold(
        by=customer, id=new_id(), service_id=week.service_id, provider_id=week.provider_id, start=week.at("10:00")
    )
    held = (await place_hold(hold, store)).aggregate
    assert timedelta(minutes=14) < held.expires_at - clock_of(database) < timedelta(minutes=16)
    asked = FindHold(by=customer, hold_id=held.id)
    await find_hold(asked, store)
    wait(store, 16)
    with pytest.raises(HoldExpired):
        await find_hold(asked, store)
    await book_appointment(week.booking("10:00"), store)  # its append sets the clock right
    soon = (week.at("10:30") - clock_of(database)) / timedelta(minutes=1) - 59
    wait(store, soon)
    with pytest.raises(TooSoon):
        await book_appointment(week.booking("10:30"), store)


async def test_a_booking_for_today_is_taken(database: Database, open_store: Open, ahead: datetime) -> None:
    """By the log's time, it would lie in the past."""
    store = await open_store(database.application)
    week = await an_open_week(store, min_notice=60)
    await store.journal.append(entry(new_id()))
    wait(store, ((week.at("10:00") - clock_of(database)) - DAY / 2) / timedelta(minutes=1))
    await book_appointment(week.booking("10:00"), store)


async def test_a_process_of_the_release_before_takes_the_clock_for_the_present(
    database: Database, ahead: datetime
) -> None:
    """It calls the append with its own arguments, and reads the columns that it knows."""
    with psycopg.connect(database.application, autocommit=True) as connection:
        rows = connection.execute(APPEND, arguments([entry(new_id())]), binary=True).fetchall()
    ((kind, _, _, _, position, verdicts, seal, at),) = rows
    assert (kind, position, verdicts, len(seal)) == ("batch", 1, "r", 32)
    assert abs(at - clock_of(database)) < CLOSE


async def test_a_metric_says_how_far_the_log_is_ahead(database: Database, ahead: datetime) -> None:
    engine = create_async_engine(database.url)
    async with engine.connect() as connection:
        await lag.measure(connection)
    shown = REGISTRY.get_sample_value("daybook_log_ahead_seconds")
    assert shown is not None
    assert abs(shown - DAY.total_seconds()) < CLOSE.total_seconds()
    ask(database.owner, "UPDATE log.seal SET at = now() RETURNING at")
    async with engine.connect() as connection:
        await lag.measure(connection)
    await engine.dispose()
    assert REGISTRY.get_sample_value("daybook_log_ahead_seconds") == 0


async def test_who_signs_in_after_a_change_of_role_is_in(
    database: Database, opened: IdentityServices, ahead: datetime
) -> None:
    """A token from after the change has a time before that of the log."""
    account = await an_account(opened.signing, "ada@example.org", role=Role.PROVIDER)
    await change(opened.signing.store, account, "role", "customer")
    async with TokenRevocation(database.application) as revocation:
        tokens = AccessTokens(SECRET, revocation=revocation)
        assert counts(tokens, tokens.issue(account, Role.CUSTOMER))
