"""A customer whose appointment lies outside changed hours is asked to choose another time, as long as that is so."""

from datetime import timedelta

import pytest

from application.access import SYSTEM, Caller
from application.booking.appointment import MarkAppointment, RescheduleAppointment, reschedule_appointment
from application.notifications.notice import NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify
from application.orphans.settlement import CheckAppointment, check_appointment, keep_appointment
from application.scheduling.hours_change import OrphanHandling
from application.scheduling.schedule import ReplaceSchedule, replace_schedule
from domain.booking.appointment import Appointment
from domain.booking.orphan import OrphanChoice
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, Told, a_job, an_account
from tests.support.builders import OpenWeek, a_booked_appointment


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def means(store: Clocked, told: Told) -> NoticeServices:
    return NoticeServices(store, channels=[told])


@pytest.fixture
async def me(store: Clocked) -> Caller:
    return await an_account(store)


@pytest.fixture
async def orphan(store: Clocked, week: OpenWeek, me: Caller) -> Appointment:
    """At nine, which the hours no longer cover; its customer was asked."""
    booked = await a_booked_appointment(store, week, by=me)
    late = {str(day): [[600, 1020]] for day in range(7)}
    await replace_schedule(
        ReplaceSchedule(by=week.owner, calendar_id=week.provider_id, timezone="UTC", weekly=late), store
    )
    orphans = OrphanHandling(choice=OrphanChoice.REBOOK)
    check = CheckAppointment(by=SYSTEM, appointment_id=booked.id, on_behalf=week.owner.account, orphans=orphans)
    return (await check_appointment(check, store)).aggregate


async def test_the_customer_is_asked_and_may_move_and_cancel(store, orphan, told, means) -> None:
    assert await notify(a_job(orphan, "rebook"), Held(), means) == "done"
    notice, recipient = told.last
    assert (notice.kind, recipient.name) == (NoticeKind.REBOOK, "Bea")
    assert notice.visit.may_move
    assert notice.visit.cancel_until == orphan.starts_at


async def test_once_it_is_kept_nobody_is_asked(store, week, orphan, told, means) -> None:
    await keep_appointment(MarkAppointment(by=week.owner, appointment_id=orphan.id), store)
    assert await notify(a_job(orphan, "rebook"), Held(), means) == "settled"
    assert told.sent == []


async def test_once_it_is_moved_nobody_is_asked(store, week, me, orphan, told, means) -> None:
    moving = RescheduleAppointment(by=me, appointment_id=orphan.id, start=week.at("10:00"))
    await reschedule_appointment(moving, store)
    assert await notify(a_job(orphan.id, "rebook"), Held(), means) == "settled"


async def test_nor_once_it_has_begun(store, orphan, told, means) -> None:
    store.set_clock(orphan.starts_at + timedelta(minutes=1))
    assert await notify(a_job(orphan, "rebook"), Held(), means) == "late"
