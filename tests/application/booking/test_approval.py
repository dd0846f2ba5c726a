"""What needs approval: asked, confirmed, declined, not answered in time."""

from datetime import timedelta
from typing import Any

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking.appointment import (
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.approval import DeclineAppointment, confirm_appointment, decline_appointment, expire_request
from application.booking.attendance import (
    check_in_appointment,
    close_appointment,
    complete_appointment,
    mark_no_show,
)
from application.people.customer import CreateCustomer, create_customer
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import (
    AppointmentEnded,
    AppointmentStatus,
    NotRequested,
    RequestExpired,
    RequestPending,
)
from domain.booking.calendar_day import SlotTaken
from domain.errors import Forbidden, NotFound
from domain.kernel import new_id
from tests.application.booking.test_hold import a_hold
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week, somebody


@pytest.fixture
async def week(store: Clocked) -> OpenWeek:
    return await an_open_week(store, approval=True, approval_ttl=60, cancel_notice=525_600)


@pytest.fixture
async def asked(store: Clocked, week: OpenWeek) -> Appointment:
    return await a_booked_appointment(store, week, by=ADA)


ADA = somebody()


def mark(appointment: Appointment, by: Caller) -> MarkAppointment:
    return MarkAppointment(by=by, appointment_id=appointment.id)


def no(appointment: Appointment, by: Caller, reason: str | None = None) -> DeclineAppointment:
    return DeclineAppointment(by=by, appointment_id=appointment.id, reason=reason)


async def now(store: Clocked, appointment: Appointment) -> Appointment:
    found = (await store.fetch([appointment.id]))[0][appointment.id]
    assert isinstance(found, Appointment)
    return found


class TestAsking:
    async def test_a_customer_asks_and_the_time_is_kept(self, store: Clocked, week: OpenWeek) -> None:
        before = store.position
        asked = await a_booked_appointment(store, week, by=ADA, note="by the window")
        assert store.recorded(before) == ["Appointment.Requested", "Day.Opened", "Day.Held"]
        assert (asked.status, asked.note) == (AppointmentStatus.REQUESTED, "by the window")
        assert asked.expires_at == store.now() + timedelta(hours=1)
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)

    async def test_it_is_asked_for_no_longer_than_until_the_start(self, store: Clocked) -> None:
        week = await an_open_week(store, approval=True, approval_ttl=43_200)
        asked = await a_booked_appointment(store, week)
        assert asked.expires_at == asked.starts_at

    async def test_staff_need_no_approval(self, store: Clocked, week: OpenWeek) -> None:
        details = {"name": "Guest", "email": None, "phone": None, "timezone": None, "note": ""}
        made = await create_customer(CreateCustomer(by=week.owner, id=new_id(), details=details), store)
        booking = week.booking("09:00", week.owner, customer_id=made.aggregate.id)
        assert (await book_appointment(booking, store)).aggregate.status is AppointmentStatus.BOOKED

    async def test_a_hold_becomes_a_request(self, store: Clocked, week: OpenWeek) -> None:
        hold, before = await a_hold(week, ADA), store.position
        booking = week.booking("09:00", ADA, hold_id=hold.id)
        assert (await book_appointment(booking, store)).aggregate.status is AppointmentStatus.REQUESTED
        assert store.recorded(before)[-2:] == ["Day.Released", "Day.Held"]


class TestAnswering:
    async def test_confirmed_it_is_booked(self, store: Clocked, week: OpenWeek, asked: Appointment) -> None:
        before = store.position
        done = await confirm_appointment(mark(asked, week.owner), store)
        assert store.recorded(before) == ["Appointment.Confirmed", "Day.Reserved"]
        assert (done.aggregate.status, done.aggregate.expires_at) == (AppointmentStatus.BOOKED, None)
        await confirm_appointment(mark(asked, week.owner), store)
        assert len(store.recorded(before)) == 2, "already so is not an error"
        store.set_clock(asked.expires_at or store.now())
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)

    async def test_declined_the_time_is_free(self, store: Clocked, week: OpenWeek, asked: Appointment) -> None:
        before = store.position
        done = await decline_appointment(no(asked, week.owner, "full"), store)
        assert store.recorded(before) == ["Appointment.Declined", "Day.Released"]
        said = {"by": week.owner.id, "at": store.now(), "reason": "full", "reason_code": None}
        assert done.aggregate.declined == said
        await decline_appointment(no(asked, week.owner), store)
        await a_booked_appointment(store, week)
        with pytest.raises(AppointmentEnded):
            await confirm_appointment(mark(asked, week.owner), store)

    async def test_what_is_booked_is_not_declined(self, store: Clocked, week: OpenWeek, asked: Appointment) -> None:
        await confirm_appointment(mark(asked, week.owner), store)
        with pytest.raises(NotRequested):
            await decline_appointment(no(asked, week.owner), store)

    async def test_the_customer_does_not_answer(self, store: Clocked, asked: Appointment) -> None:
        for by in (ADA, somebody()):
            with pytest.raises(Forbidden):
                await confirm_appointment(mark(asked, by), store)
        with pytest.raises(NotFound):
            await decline_appointment(no(asked, somebody(Role.PROVIDER)), store)


class TestTime:
    async def test_nobody_answered_so_it_is_free_and_gone(
        self, store: Clocked, week: OpenWeek, asked: Appointment
    ) -> None:
        assert asked.expires_at is not None
        store.set_clock(asked.expires_at)
        with pytest.raises(RequestExpired):
            await confirm_appointment(mark(asked, week.owner), store)
        before = store.position
        await a_booked_appointment(store, week)
        assert "Appointment.Expired" in store.recorded(before)
        assert (await now(store, asked)).status is AppointmentStatus.EXPIRED
        with pytest.raises(RequestExpired):
            await confirm_appointment(mark(asked, week.owner), store)

    async def test_the_sweep_records_it_no_earlier_and_once(self, store: Clocked, asked: Appointment) -> None:
        before = store.position
        await expire_request(mark(asked, SYSTEM), store)
        assert store.position == before
        assert asked.expires_at is not None
        store.set_clock(asked.expires_at)
        await expire_request(mark(asked, SYSTEM), store)
        await expire_request(mark(asked, SYSTEM), store)
        assert store.recorded(before) == ["Appointment.Expired", "Day.Released"]
        with pytest.raises(Forbidden):
            await expire_request(mark(asked, somebody(Role.ADMIN)), store)

    async def test_it_counts_as_completed_some_hours_after_its_end(
        self, store: Clocked, week: OpenWeek, asked: Appointment
    ) -> None:
        await confirm_appointment(mark(asked, week.owner), store)
        due = asked.ends_at + timedelta(minutes=720)
        store.set_clock(due - timedelta(seconds=1))
        assert (await close_appointment(mark(asked, SYSTEM), store)).aggregate.status is AppointmentStatus.BOOKED
        store.set_clock(due)
        assert (await close_appointment(mark(asked, SYSTEM), store)).aggregate.status is AppointmentStatus.COMPLETED
        with pytest.raises(Forbidden):
            await close_appointment(mark(asked, week.owner), store)

    async def test_what_ended_otherwise_stays_as_it_is(
        self, store: Clocked, week: OpenWeek, asked: Appointment
    ) -> None:
        await decline_appointment(no(asked, week.owner), store)
        store.set_clock(asked.ends_at + timedelta(days=9))
        assert (await close_appointment(mark(asked, SYSTEM), store)).aggregate.status is AppointmentStatus.DECLINED


class TestMeanwhile:
    async def test_the_customer_takes_it_back_whatever_the_notice(
        self, store: Clocked, week: OpenWeek, asked: Appointment
    ) -> None:
        await cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), store)
        await a_booked_appointment(store, week)

    @pytest.mark.parametrize("change", [check_in_appointment, complete_appointment, mark_no_show])
    async def test_it_is_not_yet_an_appointment(
        self, store: Clocked, week: OpenWeek, asked: Appointment, change: Any
    ) -> None:
        with pytest.raises(RequestPending):
            await change(mark(asked, week.owner), store)

    async def test_it_is_not_moved(self, store: Clocked, week: OpenWeek, asked: Appointment) -> None:
        move = RescheduleAppointment(by=ADA, appointment_id=asked.id, start=week.at("11:00"))
        with pytest.raises(RequestPending):
            await reschedule_appointment(move, store)
