"""Customers on the waitlist are told when somebody else ends their entry."""

from datetime import timedelta

import pytest

from application.access import SYSTEM, Caller
from application.booking.waitlist import ChangeWaiting, leave_waitlist
from application.booking.waitlist_matching import lapse
from application.notifications.notice import NoticeKind
from application.notifications.notice_jobs import NoticeServices
from application.notifications.optional_mails import SetOptionalMails, set_optional_mails
from application.notifications.waitlist_notice import waitlist_ended
from domain.booking.waitlist import LAPSES, Waiting
from tests.application.booking.test_waitlist import joined, offered
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, Told, a_job, an_account
from tests.infrastructure.mail.gallery import LETTERS, letter
from tests.infrastructure.mail.test_email_channel import text
from tests.support.builders import OpenWeek, an_open_week


@pytest.fixture
def store() -> Clocked:
    return Clocked()


@pytest.fixture
async def week(store: Clocked) -> OpenWeek:
    return await an_open_week(store)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def means(store: Clocked, told: Told) -> NoticeServices:
    return NoticeServices(store, channels=[told])


@pytest.fixture
async def me(store: Clocked) -> Caller:
    return await an_account(store, language="en", timezone="UTC")


async def left(waiting: Waiting, by: Caller, store: Clocked) -> None:
    await leave_waitlist(ChangeWaiting(by=by, waiting_id=waiting.id), store)


async def outcome(waiting: Waiting, by: Caller, means: NoticeServices) -> str:
    return await waitlist_ended(a_job(waiting, "ended", by=str(by.id)), Held(), means)


async def test_whose_offers_lapsed_too_often_is_told_that_the_entry_ended(store, week, me, told, means) -> None:
    waiting = await joined(week, me)
    for n in range(LAPSES):
        assert await outcome(waiting, SYSTEM, means) == "gone", "it waits still"
        await offered(week, waiting, f"{9 + n:02}:00")
        store.set_clock(store.now() + timedelta(minutes=16))
        await lapse(waiting.id, store=store)
    assert await outcome(waiting, SYSTEM, means) == "done"
    notice, recipient = told.last
    assert (notice.kind, recipient.name) == (NoticeKind.WAITLIST_ENDED, "Bea")
    mail = text(LETTERS.message(letter(notice, recipient)))
    assert "We offered you several places and you did not book one" in mail
    assert "you were on the waitlist for Haircut" in mail
    assert f"/waitlist/{waiting.id}?t=" in mail


async def test_whom_staff_take_off_is_told_by_whom(store, week, me, told, means) -> None:
    waiting = await joined(week, me)
    await left(waiting, week.owner, store)
    assert await outcome(waiting, week.owner, means) == "done"
    assert "Ada has removed your entry from the waitlist for Haircut." in text(LETTERS.message(letter(*told.last)))


async def test_who_leaves_is_not_told(store, week, me, told, means) -> None:
    waiting = await joined(week, me)
    await left(waiting, me, store)
    assert await outcome(waiting, me, means) == "own"
    assert told.sent == []


async def test_who_wants_no_offers_is_not_told_either(store, week, me, means) -> None:
    waiting = await joined(week, me)
    await set_optional_mails(SetOptionalMails(by=me, customer_id=me.account), store)
    await left(waiting, week.owner, store)
    assert await outcome(waiting, week.owner, means) == "unwanted"
