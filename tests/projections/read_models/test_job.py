"""What must be done, and by when? Events in, jobs out; what is planned anew takes the old one's place."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.hold import Hold
from domain.booking.origin import Party
from domain.booking.placement import Booking
from domain.booking.waitlist import Offer, Waiting, WaitlistDates, WaitlistRequest
from domain.people.account import Account
from domain.personal_data import PersonalData
from projections.read_models.jobs.job import job
from tests.projections.story import NOW, a_place, a_seat, an_appointment, at, days

START = at(10, day=20)


@pytest.fixture
def appointment() -> Appointment:
    return an_appointment(start=START)


@pytest.fixture
def jobs_of(write, catch_up, look):
    """Record an appointment's events, and answer what is to be done then: slot -> row."""

    async def jobs_of(appointment: Appointment) -> dict[str, Any]:
        await write(appointment)
        await catch_up()
        async with look("job") as read:
            rows = (await read.connection.execute(select(job).where(job.c.subject == appointment.id))).all()
        return {row.slot: row for row in rows}

    return jobs_of


async def test_a_booking_is_told_reminded_of_and_completed(jobs_of, appointment) -> None:
    found = await jobs_of(appointment)
    assert {slot: row.kind for slot, row in found.items()} == {
        "booked": "notify",
        "staff-booked": "notify",
        "remind-0": "remind",
        "remind-1": "remind",
        "complete": "complete",
    }
    assert found["booked"].due_at == NOW
    assert found["remind-0"].due_at == START - timedelta(hours=24)
    assert found["remind-1"].due_at == START - timedelta(hours=2)
    assert found["complete"].due_at == appointment.ends_at + timedelta(hours=12)


async def test_nobody_is_reminded_of_what_was_booked_after_the_reminders_time(jobs_of) -> None:
    soon = an_appointment(start=NOW + timedelta(hours=3))
    assert set(await jobs_of(soon)) == {"booked", "staff-booked", "remind-1", "complete"}


async def test_a_move_moves_its_jobs_under_keys_of_their_own(jobs_of, appointment) -> None:
    before = await jobs_of(appointment)
    there = at(16, day=25)
    appointment.reschedule(uuid4(), *a_place(uuid4(), there), by_customer=False, now=NOW)
    after = await jobs_of(appointment)
    assert set(after) == {"moved", "staff-moved", "remind-0", "remind-1", "complete"}
    assert after["remind-0"].due_at == there - timedelta(hours=24)
    assert not {row.key for row in before.values()} & {row.key for row in after.values()}


async def test_of_what_is_cancelled_only_that_is_told(jobs_of, appointment) -> None:
    await jobs_of(appointment)
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    assert set(await jobs_of(appointment)) == {"cancelled", "staff-cancelled"}


async def test_a_booking_cancelled_within_one_page_leaves_only_the_news_of_that(jobs_of, appointment) -> None:
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    assert set(await jobs_of(appointment)) == {"cancelled", "staff-cancelled"}


@pytest.mark.parametrize("end", ["complete", "miss"])
async def test_what_has_ended_has_no_jobs(jobs_of, appointment, end: str) -> None:
    await jobs_of(appointment)
    getattr(appointment, end)(uuid4(), START + timedelta(hours=1))
    assert await jobs_of(appointment) == {}


async def test_a_no_show_that_is_undone_will_be_completed(jobs_of, appointment) -> None:
    appointment.miss(uuid4(), START + timedelta(hours=1))
    appointment.undo_no_show(uuid4(), START + timedelta(hours=2))
    found = await jobs_of(appointment)
    assert found["complete"].due_at == START + timedelta(hours=14)


async def test_the_provider_s_owner_is_told_who_made_the_change(jobs_of, appointment) -> None:
    (booker,) = [event.by for event in appointment.pending_events]
    assert (await jobs_of(appointment))["staff-booked"].said["by"] == str(booker)
    mover = uuid4()
    appointment.reschedule(mover, *a_place(uuid4(), at(16, day=25)), by_customer=False, now=NOW)
    assert (await jobs_of(appointment))["staff-moved"].said == {
        "starts_at": at(16, day=25).isoformat(),
        "by": str(mover),
    }


async def test_an_account_has_one_job_for_its_agenda_while_it_is_switched_on(write, catch_up, look) -> None:
    id = uuid4()
    contact = {"email": "ada@example.org", "name": "Ada", "timezone": "UTC", "language": None}
    ada = Account(Account.id_of(id), id, id, "provider", uuid4(), PersonalData(id, contact), NOW)

    async def slots() -> list[str]:
        await write(ada)
        await catch_up()
        async with look("job") as read:
            rows = (await read.connection.execute(select(job).where(job.c.subject == ada.id))).all()
        return [row.slot for row in rows]

    def choose(**notifications: bool) -> None:
        ada.change_contact(id, PersonalData(id, contact | {"notifications": notifications}), NOW)

    assert await slots() == []
    choose(agenda=True)
    assert await slots() == ["agenda"]
    choose(agenda=True, booked=False)
    assert await slots() == ["agenda"]
    choose(agenda=False)
    assert await slots() == []


async def test_a_job_holds_nothing_that_was_told_in_confidence(jobs_of, appointment) -> None:
    appointment.annotate(uuid4(), "allergic to wool", {"size": "L"}, NOW)
    assert all("wool" not in str(row) for row in (await jobs_of(appointment)).values())


async def test_a_request_is_told_to_both_sides_and_expires(jobs_of) -> None:
    found = await jobs_of(a_request())
    kinds = {slot: row.kind for slot, row in found.items()}
    assert kinds.pop("expire") == "expire_request"
    assert set(kinds) == {"requested", "approve", "remind-0", "remind-1", "complete"}
    assert found["expire"].due_at == NOW + timedelta(hours=8)


async def test_a_confirmed_request_is_told_and_expires_no_more(jobs_of) -> None:
    asked = a_request()
    asked.confirm(uuid4(), NOW)
    assert set(await jobs_of(asked)) == {"booked", "remind-0", "remind-1", "complete"}


async def test_of_a_request_that_came_to_nothing_only_that_is_told(jobs_of) -> None:
    declined, expired = a_request(), a_request()
    declined.decline(uuid4(), Reason("full"), NOW)
    expired.expire(NOW + timedelta(hours=9))
    assert set(await jobs_of(declined)) == {"declined"}
    assert set(await jobs_of(expired)) == {"expired"}


def asked_to_move(appointment: Appointment) -> Appointment:
    """Whoever has it asks for another day."""
    move, terms = a_place(uuid4(), at(16, day=9))
    appointment.request_move(uuid4(), move, terms, NOW + timedelta(hours=8), NOW)
    return appointment


async def test_a_requested_move_is_told_to_both_sides_and_expires(jobs_of, appointment) -> None:
    found = await jobs_of(asked_to_move(appointment))
    assert set(found) == {"expire", "requested", "approve", "remind-0", "remind-1", "complete"}
    assert found["expire"].due_at == NOW + timedelta(hours=8)
    assert found["complete"].due_at > at(16, day=9)


@pytest.mark.parametrize("answered", [True, False])
async def test_who_asked_in_vain_is_told_and_reminded_of_the_time_that_stays(jobs_of, appointment, answered) -> None:
    before = await jobs_of(appointment)
    asked_to_move(appointment)
    if answered:
        appointment.decline(uuid4(), Reason("full"), NOW)
    else:
        appointment.expire(NOW + timedelta(hours=8))
    after = await jobs_of(appointment)
    assert set(after) == {"not-moved", "remind-0", "remind-1", "complete"}
    assert {slot: after[slot].due_at for slot in ("remind-0", "complete")} == {
        slot: before[slot].due_at for slot in ("remind-0", "complete")
    }


async def test_who_is_asked_to_rebook_is_told_until_that_is_settled(jobs_of, appointment) -> None:
    appointment.orphan(uuid4(), None, NOW)
    assert "rebook" not in await jobs_of(appointment)
    appointment.ask_to_rebook(uuid4(), NOW)
    assert (await jobs_of(appointment))["rebook"].kind == "notify"
    appointment.keep(uuid4(), NOW)
    assert "rebook" not in await jobs_of(appointment)


async def test_a_hold_expires_unless_something_became_of_it(jobs_of) -> None:
    hold = a_hold()
    first = (await jobs_of(hold))["expire"]
    assert (first.kind, first.due_at) == ("expire_hold", NOW + timedelta(minutes=5))
    hold.extend(uuid4(), NOW + timedelta(minutes=8), NOW)
    second = (await jobs_of(hold))["expire"]
    assert second.due_at == NOW + timedelta(minutes=8)
    assert second.key != first.key
    hold.use(uuid4(), uuid4(), NOW)
    assert await jobs_of(hold) == {}


async def test_an_offer_is_told_and_lapses_unless_something_became_of_it(jobs_of) -> None:
    dates: WaitlistDates = {"from": "2030-01-01", "to": "2030-01-02"}
    waiting = Waiting.join(uuid4(), uuid4(), WaitlistRequest(uuid4(), uuid4(), None, dates, [], "UTC"), NOW)
    waiting.offer_place(Offer(uuid4(), uuid4(), START, NOW + timedelta(minutes=15)), NOW)
    found = await jobs_of(waiting)
    assert {slot: row.kind for slot, row in found.items()} == {"offer": "offer", "lapse": "lapse"}
    assert found["offer"].said == {"hold_id": str(waiting.standing_offer().hold_id)}
    assert found["lapse"].due_at == NOW + timedelta(minutes=15)
    waiting.lapse(uuid4(), NOW + timedelta(minutes=15))
    assert await jobs_of(waiting) == {}
    waiting.leave(by := uuid4(), NOW + timedelta(minutes=15))
    ended = (await jobs_of(waiting))["ended"]
    assert (ended.kind, ended.said) == ("waitlist_ended", {"by": str(by)})


async def test_what_is_freed_of_a_day_is_matched_with_who_waits(jobs_of) -> None:
    seat = a_seat(START)
    (day,) = days(uuid4(), seat.since, seat.until)
    day.give(seat, NOW)
    assert await jobs_of(day) == {}
    day.release(seat.taker, NOW)
    assert {row.kind for row in (await jobs_of(day)).values()} == {"match"}


def a_request() -> Appointment:
    move, terms = a_place(uuid4(), START)
    booking = Booking(uuid4(), uuid4(), uuid4(), move.placement)
    return Appointment.request(uuid4(), booking, terms, None, NOW + timedelta(hours=8), NOW)


def a_hold() -> Hold:
    move, _ = a_place(uuid4(), START)
    return Hold.place(uuid4(), Booking(uuid4(), uuid4(), uuid4(), move.placement), NOW + timedelta(minutes=5), NOW)
