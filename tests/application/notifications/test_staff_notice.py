"""The provider's owner is told of what others do to their appointments, unless they switch it off."""

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import (
    CancelAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.notifications.appointment_details import FormerPlace
from application.notifications.notice import STAFF, NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify
from application.people.contact import ChangeContact, change_contact
from domain.booking.appointment import Appointment
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
async def owner(store: Clocked, week: OpenWeek) -> Caller:
    return await an_account(store, Role.PROVIDER, week.owner.account, name="Ada", language="en")


@pytest.fixture
async def me(store: Clocked) -> Caller:
    return await an_account(store)


@pytest.fixture
async def appointment(store: Clocked, week: OpenWeek, owner: Caller, me: Caller) -> Appointment:
    return await a_booked_appointment(store, week, by=me)


async def a_move(store: Clocked, week: OpenWeek, appointment: Appointment, by: Caller) -> Appointment:
    moving = RescheduleAppointment(by=by, appointment_id=appointment.id, start=week.at("10:00"))
    return (await reschedule_appointment(moving, store)).aggregate


async def a_cancellation(store: Clocked, appointment: Appointment, by: Caller) -> None:
    await cancel_appointment(CancelAppointment(by=by, appointment_id=appointment.id, reason="ill"), store)


async def test_the_owner_is_told_who_booked(store, appointment, me, told, means) -> None:
    assert await notify(a_job(appointment, "staff-booked", by=str(me.account)), Held(), means) == "done"
    notice, recipient = told.last
    assert (notice.kind, notice.facts["customer"], recipient.name) == (NoticeKind.STAFF_BOOKED, "Bea", "Ada")


async def test_the_owner_is_told_of_a_move_from_where(store, week, appointment, me, told, means) -> None:
    moved = await a_move(store, week, appointment, me)
    assert await notify(a_job(moved, "staff-moved", by=str(me.account)), Held(), means) == "done"
    notice, _ = told.last
    assert (notice.former, notice.facts["by"]) == (FormerPlace(week.at("09:00"), "Ada"), "customer")


@pytest.mark.parametrize("by_system", [False, True])
async def test_the_owner_is_told_of_a_cancellation(store, appointment, me, told, means, by_system: bool) -> None:
    await a_cancellation(store, appointment, SYSTEM if by_system else me)
    assert await notify(a_job(appointment, "staff-cancelled"), Held(), means) == "done"
    assert told.last[0].facts == {"customer": "Bea", "reason": "ill", "by": "system" if by_system else "customer"}


async def test_nobody_is_told_of_what_they_did_themselves(store, week, appointment, owner, told, means) -> None:
    by = {"by": str(owner.account)}
    assert await notify(a_job(appointment, "staff-booked", **by), Held(), means) == "own"
    moved = await a_move(store, week, appointment, owner)
    assert await notify(a_job(moved, "staff-moved", **by), Held(), means) == "own"
    await a_cancellation(store, moved, owner)
    assert await notify(a_job(moved, "staff-cancelled"), Held(), means) == "own"
    assert told.sent == []


@pytest.mark.parametrize("kind", STAFF)
async def test_each_kind_can_be_switched_off(store, week, appointment, owner, me, means, kind: NoticeKind) -> None:
    await change_contact(ChangeContact(by=owner, contact={"notifications": {STAFF[kind]: False}}), store)
    await change_contact(ChangeContact(by=owner, contact={"notifications": {}}), store)
    by = {"by": str(me.account)}
    outcomes = {"staff-booked": await notify(a_job(appointment, "staff-booked", **by), Held(), means)}
    moved = await a_move(store, week, appointment, me)
    outcomes["staff-moved"] = await notify(a_job(moved, "staff-moved", **by), Held(), means)
    await a_cancellation(store, moved, me)
    outcomes["staff-cancelled"] = await notify(a_job(moved, "staff-cancelled"), Held(), means)
    assert outcomes == {each: "unwanted" if each is kind else "done" for each in STAFF}


async def test_a_booking_that_is_cancelled_by_now_is_not_told(store, appointment, me, means) -> None:
    await a_cancellation(store, appointment, me)
    assert await notify(a_job(appointment, "staff-booked", by=str(me.account)), Held(), means) == "gone"
