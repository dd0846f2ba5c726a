"""A confirmed appointment that its customer moves is requested again where the service needs approval."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from application.access import SYSTEM, Caller
from application.booking.appointment import (
    CancelAppointment,
    MarkAppointment,
    RescheduleAppointment,
    cancel_appointment,
    reschedule_appointment,
)
from application.booking.approval import DeclineAppointment, confirm_appointment, decline_appointment, expire_request
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import AppointmentStatus, RequestExpired, RequestPending, TooLateToCancel
from domain.booking.calendar_day import Day, SlotTaken
from domain.errors import Refusal
from tests.application.booking.test_approval import mark, now
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week, somebody
from tests.support.recomputation import Book, changes, records

ADA = somebody()


@pytest.fixture
async def week(store: Clocked) -> OpenWeek:
    return await an_open_week(store, approval=True, approval_ttl=60, step=15, cancel_notice=1440, late_cancel="refuse")


@pytest.fixture
async def confirmed(store: Clocked, week: OpenWeek) -> Appointment:
    """At nine, half an hour."""
    asked = await a_booked_appointment(store, week, by=ADA)
    return (await confirm_appointment(mark(asked, week.owner), store)).aggregate


async def move(store: Clocked, appointment: Appointment, week: OpenWeek, clock: str, by: Caller = ADA) -> Appointment:
    command = RescheduleAppointment(by=by, appointment_id=appointment.id, start=week.at(clock))
    return (await reschedule_appointment(command, store)).aggregate


async def taken(store: Clocked, week: OpenWeek) -> list[str]:
    """The time that is occupied on the day, piece by piece."""
    id = Day.id_of(week.provider_id, week.monday.date())
    day = (await store.fetch([id]))[0][id]
    assert isinstance(day, Day)
    return sorted(
        f"{seat.since:%H:%M}-{seat.until:%H:%M}" for seat in day.seats.values() if not seat.lapsed(store.now())
    )


class TestAsking:
    async def test_it_is_requested_again_and_both_times_are_kept(
        self, store: Clocked, week: OpenWeek, confirmed: Appointment
    ) -> None:
        moved = await move(store, confirmed, week, "11:00")
        assert (moved.status, moved.starts_at) == (AppointmentStatus.REQUESTED, week.at("11:00"))
        assert moved.confirmed is not None
        assert moved.confirmed.placement.starts_at == week.at("09:00")
        assert moved.expires_at == store.now() + timedelta(hours=1)
        assert await taken(store, week) == ["09:00-09:30", "11:00-11:30"]
        for clock in ("09:00", "11:00"):
            with pytest.raises(SlotTaken):
                await a_booked_appointment(store, week, clock)

    @pytest.mark.parametrize(
        ("clock", "pieces"), [("09:15", ["09:00-09:30", "09:30-09:45"]), ("09:30", ["09:00-09:30", "09:30-10:00"])]
    )
    async def test_times_that_overlap_are_kept_together(
        self, store: Clocked, week: OpenWeek, confirmed: Appointment, clock: str, pieces: list[str]
    ) -> None:
        moved = await move(store, confirmed, week, clock)
        assert await taken(store, week) == pieces
        await confirm_appointment(mark(moved, week.owner), store)
        end = week.at(clock) + timedelta(minutes=30)
        assert await taken(store, week) == [f"{clock}-{end:%H:%M}"]

    async def test_it_is_answered_before_the_old_time_begins(self, store: Clocked) -> None:
        week = await an_open_week(store, approval=True, approval_ttl=43_200)
        asked = await a_booked_appointment(store, week, by=ADA)
        confirmed = (await confirm_appointment(mark(asked, week.owner), store)).aggregate
        assert (await move(store, confirmed, week, "11:00")).expires_at == week.at("09:00")

    async def test_staff_move_it_at_once(self, store: Clocked, week: OpenWeek, confirmed: Appointment) -> None:
        moved = await move(store, confirmed, week, "11:00", by=week.owner)
        assert (moved.status, moved.confirmed) == (AppointmentStatus.BOOKED, None)
        assert await taken(store, week) == ["11:00-11:30"]

    async def test_it_is_moved_at_once_where_the_service_needs_no_approval(self, store: Clocked) -> None:
        week = await an_open_week(store)
        booked = await a_booked_appointment(store, week, by=ADA)
        assert (await move(store, booked, week, "11:00")).status is AppointmentStatus.BOOKED

    async def test_one_request_at_a_time(self, store: Clocked, week: OpenWeek, confirmed: Appointment) -> None:
        await move(store, confirmed, week, "11:00")
        with pytest.raises(RequestPending):
            await move(store, confirmed, week, "12:00")


class TestAnswering:
    async def test_confirmed_the_old_time_is_free(self, store: Clocked, week: OpenWeek, confirmed: Appointment) -> None:
        asked = await move(store, confirmed, week, "11:00")
        done = (await confirm_appointment(mark(asked, week.owner), store)).aggregate
        assert (done.status, done.starts_at, done.confirmed) == (AppointmentStatus.BOOKED, week.at("11:00"), None)
        assert await taken(store, week) == ["11:00-11:30"]
        await a_booked_appointment(store, week, "09:00")

    async def test_declined_it_stays_where_it_was(self, store: Clocked, week: OpenWeek, confirmed: Appointment) -> None:
        asked = await move(store, confirmed, week, "11:00")
        no = DeclineAppointment(by=week.owner, appointment_id=asked.id, reason="I am away")
        done = (await decline_appointment(no, store)).aggregate
        assert (done.status, done.starts_at, done.confirmed) == (AppointmentStatus.BOOKED, week.at("09:00"), None)
        assert (done.expires_at, done.reschedules) == (None, 0)
        assert await taken(store, week) == ["09:00-09:30"]
        await a_booked_appointment(store, week, "11:00")

    async def test_unanswered_it_stays_where_it_was(
        self, store: Clocked, week: OpenWeek, confirmed: Appointment
    ) -> None:
        asked = await move(store, confirmed, week, "11:00")
        assert asked.expires_at is not None
        store.set_clock(asked.expires_at)
        with pytest.raises(RequestExpired):
            await confirm_appointment(mark(asked, week.owner), store)
        before = store.position
        for _ in range(2):
            await expire_request(mark(asked, SYSTEM), store)
        assert store.recorded(before) == ["Appointment.MoveExpired", "Day.Released"]
        stays = await now(store, asked)
        assert (stays.status, stays.starts_at) == (AppointmentStatus.BOOKED, week.at("09:00"))
        assert await taken(store, week) == ["09:00-09:30"]

    async def test_whoever_takes_the_time_after_it_records_that_the_request_expired(
        self, store: Clocked, week: OpenWeek, confirmed: Appointment
    ) -> None:
        asked = await move(store, confirmed, week, "11:00")
        assert asked.expires_at is not None
        store.set_clock(asked.expires_at)
        await a_booked_appointment(store, week, "11:00")
        stays = await now(store, asked)
        assert (stays.status, stays.starts_at) == (AppointmentStatus.BOOKED, week.at("09:00"))
        assert await taken(store, week) == ["09:00-09:30", "11:00-11:30"]


class TestCancelling:
    async def test_both_times_are_free(self, store: Clocked, week: OpenWeek, confirmed: Appointment) -> None:
        asked = await move(store, confirmed, week, "11:00")
        await cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), store)
        assert await taken(store, week) == []

    async def test_asking_for_another_time_does_not_make_a_late_cancellation_free(
        self, store: Clocked, week: OpenWeek, confirmed: Appointment
    ) -> None:
        store.set_clock(week.at("09:00") - timedelta(hours=3))
        asked = await move(store, confirmed, week, "11:00")
        with pytest.raises(TooLateToCancel):
            await cancel_appointment(CancelAppointment(by=ADA, appointment_id=asked.id), store)


async def test_an_answer_and_a_stranger_s_booking_never_both_win(store: Clocked, week: OpenWeek) -> None:
    asked = await a_booked_appointment(store, week, by=ADA)
    confirmed = (await confirm_appointment(mark(asked, week.owner), store)).aggregate

    async def tried(attempt: object) -> bool:
        try:
            await attempt  # type: ignore[misc]
        except Refusal:
            return False
        return True

    for clock in ("11:00", "12:00", "13:00"):
        moved = await move(store, confirmed, week, clock)
        answers = confirm_appointment(mark(moved, week.owner), store), a_booked_appointment(store, week, clock)
        assert await asyncio.gather(*map(tried, answers)) == [True, False]


class Recorded(NamedTuple):
    """A row of the log as the checker reads it."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    at: datetime


class Story:
    """Requests, answers, moves and cancellations at random, by three customers; the clock goes on meanwhile."""

    def __init__(self, store: Clocked, week: OpenWeek, seed: int) -> None:
        self.store, self.week, self.chance = store, week, Random(seed)
        self.people, self.made = [somebody() for _ in range(3)], list[tuple[UUID, Caller]]()
        self.ends, self.clocks = set[int](), dict[int, datetime]()
        store.set_clock(week.at("08:00") - timedelta(days=1))

    def clock(self) -> str:
        return f"{self.chance.randrange(9, 12):02}:{self.chance.choice(('00', '15', '30', '45'))}"

    async def step(self) -> None:
        """One request, which may be refused; then a while passes, and what is due ends."""
        by, done = self.chance.choice(self.people), None
        if not self.made or self.chance.random() < 0.3:
            done = a_booked_appointment(self.store, self.week, self.clock(), by)
        else:
            id, by = self.chance.choice(self.made)
            move = RescheduleAppointment(by=by, appointment_id=id, start=self.week.at(self.clock()))
            owner = MarkAppointment(by=self.week.owner, appointment_id=id)
            no = DeclineAppointment(by=self.week.owner, appointment_id=id)
            wanted: list[Awaitable[Any]] = [
                reschedule_appointment(move, self.store),
                confirm_appointment(owner, self.store),
                decline_appointment(no, self.store),
                cancel_appointment(CancelAppointment(by=by, appointment_id=id), self.store),
            ]
            done = self.chance.choices(wanted, [4, 5, 1, 1])[0]
            for each in wanted:
                if each is not done:
                    each.close()  # type: ignore[attr-defined]
        try:
            found = await done
            if isinstance(found, Appointment):
                self.made.append((found.id, by))
        except Refusal:
            pass
        self.note()
        self.store.set_clock(self.store.now() + timedelta(minutes=self.chance.randrange(0, 30)))
        if self.chance.random() < 0.5:
            await self.sweep()

    async def sweep(self) -> None:
        for id, _ in self.made:
            await expire_request(MarkAppointment(by=SYSTEM, appointment_id=id), self.store)
            self.note()

    def note(self) -> None:
        """A record ends here."""
        for position in range(len(self.clocks) + 1, self.store.position + 1):
            self.clocks[position] = self.store.now()
        self.ends.add(self.store.position)

    def violations(self) -> list[str]:
        rows = [
            Recorded(n, row.stream, row.version, row.topic, row.state, self.clocks[n])
            for n, row in enumerate(self.store.memory.rows, 1)
        ]
        book = Book()
        found = [each for record in records(changes(rows), self.ends) for each in book.take(record)]
        return [*found, *book.at_the_end()]


async def test_no_story_of_requests_gives_a_time_twice_or_loses_one() -> None:
    topics = Counter[str]()
    for seed in range(8):
        store = Clocked()
        terms = {"approval": True, "approval_ttl": 60, "step": 15}
        story = Story(store, await an_open_week(store, **terms), seed)
        story.note()
        for _ in range(60):
            await story.step()
        await story.sweep()
        assert story.violations() == []
        topics.update(row.topic for row in store.memory.rows)
    for name in ("MoveRequested", "MoveDeclined", "MoveExpired", "Confirmed", "Cancelled"):
        assert topics[f"Appointment.{name}"], f"no story tells of {name}"
