"""The waitlist: joining, being offered a place, accepting it, letting it lapse; and who is first in line."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.access import SYSTEM, Caller, Role
from application.booking import waitlist_matching
from application.booking.appointment import CancelAppointment, book_appointment, cancel_appointment
from application.booking.hold import ChangeHold, extend_hold, release_hold
from application.booking.waitlist import (
    AcceptOffer,
    ChangeWaiting,
    JoinWaitlist,
    OfferPlace,
    accept_offer,
    join_waitlist,
    leave_waitlist,
    make_offer,
    offer_place,
)
from application.booking.waitlist_matching import FreedTime, WaitlistServices, lapse, match, waitlist_handlers
from application.jobs.job import Job, NotDueYet
from application.people.customer import (
    CreateCustomer,
    DeleteCustomer,
    create_customer,
    delete_customer,
)
from domain.booking.appointment_status import AppointmentStatus
from domain.booking.calendar_day import Day, SlotTaken
from domain.booking.waitlist import (
    NothingOffered,
    NotWaiting,
    OfferedBefore,
    OfferLapsed,
    Waiting,
    WaitingStatus,
    Wish,
)
from domain.errors import Forbidden, Invalid, NotFound, Stale
from domain.kernel import new_id
from domain.scheduling.schedule import Schedule
from tests.application.booking.test_hold import a_hold
from tests.application.conftest import Clocked
from tests.support.builders import OpenWeek, a_booked_appointment, an_open_week, somebody


async def joined(week: OpenWeek, by: Caller, **more: Any) -> Waiting:
    day = week.monday.date().isoformat()
    said = {"service_id": week.service_id, "dates": {"from": day, "to": day}, "id": new_id()} | more
    return (await join_waitlist(JoinWaitlist(by=by, **said), week.store)).aggregate


async def offered(week: OpenWeek, waiting: Waiting, clock: str = "09:00") -> Waiting:
    offer = OfferPlace(
        by=SYSTEM,
        waiting_id=waiting.id,
        hold_id=new_id(),
        provider_id=week.provider_id,
        start=week.at(clock),
    )
    return (await offer_place(offer, week.store)).aggregate


def accepting(waiting: Waiting, by: Caller) -> AcceptOffer:
    return AcceptOffer(by=by, id=new_id(), waiting_id=waiting.id)


def of(waiting: Waiting, by: Caller) -> ChangeWaiting:
    return ChangeWaiting(by=by, waiting_id=waiting.id)


async def now(store: Clocked, waiting: Waiting) -> Waiting:
    found = (await store.fetch([waiting.id]))[0][waiting.id]
    assert isinstance(found, Waiting)
    return found


@pytest.fixture
def ada() -> Caller:
    return somebody()


class TestJoining:
    @pytest.mark.parametrize(
        ("since", "until", "pointer"),
        [(-1, 0, "/dates/from"), (-2400, -2400, "/dates/from"), (0, 367, "/dates/to"), (3650, 3650, "/dates/from")],
    )
    async def test_wishes_lie_between_today_and_a_year_ahead(
        self, store: Clocked, week: OpenWeek, ada: Caller, since: int, until: int, pointer: str
    ) -> None:
        today = store.now().date()
        dates = {name: (today + timedelta(days=n)).isoformat() for name, n in (("from", since), ("to", until))}
        with pytest.raises(Invalid, match="booking window") as refused:
            await joined(week, ada, dates=dates)
        assert refused.value.pointer == pointer
        await joined(week, ada, dates={"from": today.isoformat(), "to": (today + timedelta(days=366)).isoformat()})

    async def test_wishes_lie_within_the_booking_window_of_the_service(self, store: Clocked, ada: Caller) -> None:
        week = await an_open_week(store, window={"kind": "rolling", "days": 10})
        today = store.now().date()
        for days, fits in ((9, True), (10, False)):
            day = (today + timedelta(days=days)).isoformat()
            with nullcontext() if fits else pytest.raises(Invalid):
                await joined(week, ada, dates={"from": day, "to": day})

    async def test_who_gave_the_time_up_is_not_offered_it(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        mine, other = await joined(week, ada), await joined(week, somebody())
        booked = await a_booked_appointment(store, week, "09:00", ada)
        await cancel_appointment(CancelAppointment(by=ada, appointment_id=booked.id), store)
        line = Queue([wish(mine), wish(other)], [week.at("09:00")])
        day = Day.id_of(week.provider_id, week.monday.date())
        freed = {"since": week.at("09:00").isoformat(), "until": week.at("09:30").isoformat()}
        job = TestJobs.job("match", day, position=7, taker=str(booked.id), **freed)
        assert await TestJobs.run(store, job, line) == "offered"
        assert [(await now(store, each)).status for each in (mine, other)] == ["waiting", "offered"]


class TestOffering:
    async def test_a_place_is_kept_for_who_waits(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting, before = await joined(week, ada), store.position
        told = await offered(week, waiting)
        assert sorted(store.recorded(before)) == [
            "Day.Held",
            "Day.Opened",
            "Hold.Placed",
            "Quota.Kept",
            "Waiting.Offered",
        ]
        assert told.offer is not None
        assert told.offer.expires_at == store.now() + timedelta(minutes=15)
        with pytest.raises(SlotTaken):
            await a_booked_appointment(store, week)

    async def test_a_stranger_who_was_first_has_it(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await joined(week, ada)
        await a_booked_appointment(store, week)
        with pytest.raises(SlotTaken):
            await offered(week, waiting)
        assert (await now(store, waiting)).status is WaitingStatus.WAITING

    async def test_nobody_offers_it_but_time_itself(self, week: OpenWeek, ada: Caller) -> None:
        waiting = await joined(week, ada)
        for by in (ada, week.owner, somebody(Role.ADMIN)):
            offer = OfferPlace(
                by=by,
                waiting_id=waiting.id,
                hold_id=new_id(),
                provider_id=week.provider_id,
                start=week.at("09:00"),
            )
            with pytest.raises(Forbidden):
                await offer_place(offer, week.store)


class TestOfferingByStaff:
    def offer(self, week: OpenWeek, waiting: Waiting, by: Caller | None = None, **more: Any) -> OfferPlace:
        said = {"start": week.at("09:00"), "provider_id": None, **more}
        return OfferPlace(by=by or week.owner, waiting_id=waiting.id, hold_id=new_id(), **said)

    async def test_they_offer_a_free_time_out_of_turn(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        first, second = await joined(week, somebody()), await joined(week, ada)
        before = store.position
        told = (await make_offer(self.offer(week, second), store)).aggregate
        assert "Waiting.Offered" in store.recorded(before)
        assert told.offer is not None
        assert told.offer.expires_at == store.now() + timedelta(minutes=15)
        assert (await now(store, first)).status is WaitingStatus.WAITING
        booked = (await accept_offer(accepting(second, ada), store)).aggregate
        assert (booked.starts_at, booked.customer_id) == (week.at("09:00"), ada.id)

    async def test_one_offer_is_made_at_a_time_and_none_to_those_who_left(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ) -> None:
        waiting = await joined(week, ada)
        await make_offer(self.offer(week, waiting), store)
        with pytest.raises(NotWaiting):
            await make_offer(self.offer(week, waiting, start=week.at("10:00")), store)
        await leave_waitlist(ChangeWaiting(by=ada, waiting_id=waiting.id), store)
        with pytest.raises(NotWaiting):
            await make_offer(self.offer(week, waiting, start=week.at("10:00")), store)

    async def test_a_time_that_is_taken_or_does_not_fit_is_not_offered(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ) -> None:
        waiting = await joined(week, ada, hours=[[540, 600]])
        await a_booked_appointment(store, week)
        before = store.position
        with pytest.raises(SlotTaken):
            await make_offer(self.offer(week, waiting), store)
        with pytest.raises(Invalid):
            await make_offer(self.offer(week, waiting, start=week.at("11:00")), store)
        assert store.position == before

    async def test_others_do_not_know_of_it_and_customers_may_not(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ) -> None:
        waiting = await joined(week, ada)
        with pytest.raises(Forbidden):
            await make_offer(self.offer(week, waiting, ada), store)
        with pytest.raises(NotFound):
            await make_offer(self.offer(week, waiting, somebody(Role.PROVIDER)), store)
        with pytest.raises(Stale):
            await make_offer(self.offer(week, waiting, version=2), store)


class TestAccepting:
    async def test_it_is_booked_in_one_record(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        before = store.position
        booked = (await accept_offer(accepting(waiting, ada), store)).aggregate
        assert store.recorded(before) == [
            "Appointment.Booked",
            "Waiting.Accepted",
            "Hold.Used",
            "Quota.Freed",
            "Quota.Freed",
            "Day.Released",
            "Day.Reserved",
        ]
        assert (booked.starts_at, booked.customer_id) == (week.at("09:00"), ada.id)
        assert (await now(store, waiting)).appointment_id == booked.id
        with pytest.raises(NothingOffered):
            await accept_offer(accepting(waiting, ada), store)

    async def test_what_needs_approval_is_requested(self, store: Clocked, ada: Caller) -> None:
        week = await an_open_week(store, approval=True)
        waiting = await offered(week, await joined(week, ada))
        booked = (await accept_offer(accepting(waiting, ada), store)).aggregate
        assert booked.status is AppointmentStatus.REQUESTED

    async def test_nothing_offered_nothing_accepted(self, week: OpenWeek, ada: Caller) -> None:
        waiting = await joined(week, ada)
        with pytest.raises(NothingOffered):
            await accept_offer(accepting(waiting, ada), week.store)
        with pytest.raises(NotFound):
            await accept_offer(accepting(waiting, somebody()), week.store)

    async def test_too_late_is_too_late(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        store.set_clock(store.now() + timedelta(minutes=15))
        with pytest.raises(OfferLapsed):
            await accept_offer(accepting(waiting, ada), store)


class TestLapsing:
    async def test_it_waits_on_and_the_time_is_free(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        assert waiting.offer is not None
        assert await lapse(waiting.id, store=store) == waiting.offer.expires_at, "ask again then"
        store.set_clock(waiting.offer.expires_at)
        before = store.position
        assert await lapse(waiting.id, store=store) is None
        assert store.recorded(before) == ["Waiting.Lapsed", "Hold.Expired", "Day.Released"]
        assert await lapse(waiting.id, store=store) is None
        with pytest.raises(OfferedBefore):
            await offered(week, waiting)
        await offered(week, waiting, "09:30")

    async def test_an_offer_given_back_lapses_at_once(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        assert waiting.offer is not None
        await release_hold(ChangeHold(by=ada, hold_id=waiting.offer.hold_id), store)
        assert await lapse(waiting.id, store=store) is None
        assert (await now(store, waiting)).status is WaitingStatus.WAITING

    async def test_an_offer_whose_hold_is_extended_is_kept_for_longer(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ) -> None:
        waiting = await offered(week, await joined(week, ada))
        assert waiting.offer is not None
        store.set_clock(waiting.offer.expires_at - timedelta(seconds=1))
        await extend_hold(ChangeHold(by=ada, hold_id=waiting.offer.hold_id), store)
        store.set_clock(waiting.offer.expires_at)
        later = await lapse(waiting.id, store=store)
        assert later is not None
        assert later > store.now()
        await accept_offer(accepting(waiting, ada), store)

    async def test_who_books_with_the_hold_itself_has_accepted(
        self, store: Clocked, week: OpenWeek, ada: Caller
    ) -> None:
        waiting = await offered(week, await joined(week, ada))
        assert waiting.offer is not None
        await book_appointment(week.booking("09:00", ada, hold_id=waiting.offer.hold_id), store)
        await lapse(waiting.id, store=store)
        assert (await now(store, waiting)).status is WaitingStatus.ACCEPTED

    async def test_who_leaves_gives_back_what_was_offered(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        for _ in range(2):
            await leave_waitlist(of(waiting, ada), store)
        await a_booked_appointment(store, week)
        with pytest.raises(NotFound):
            await leave_waitlist(of(waiting, somebody()), store)


@dataclass
class Queue:
    """A line and what is free, as a test says."""

    line: list[Wish]
    free: list[datetime]
    asked: list[int | None] = field(default_factory=list)

    async def wishes(self, *_: Any) -> Sequence[Wish]:
        return self.line

    async def starts(
        self,
        service_id: UUID,
        provider_id: UUID,
        since: datetime,
        until: datetime,
        now: datetime,
        at_least: int | None,
    ) -> Sequence[datetime]:
        self.asked.append(at_least)
        return self.free


def wish(waiting: Waiting, **more: Any) -> Wish:
    day = datetime.fromisoformat(waiting.dates["from"]).date()
    who, what = (waiting.id, waiting.customer_id), (waiting.service_id, waiting.provider_id)
    it = Wish(*who, *what, day, day, waiting.hours, "UTC", waiting.lapsed)
    return it._replace(**more)


class TestMatching:
    @staticmethod
    async def match(week: OpenWeek, line: Queue) -> int:
        freed = FreedTime(week.provider_id, week.at("09:00"), week.at("10:00"), at_least=7)
        return await match(freed, line, week.store)

    async def test_the_first_in_line_whom_it_fits_is_offered_it(self, store: Clocked, week: OpenWeek) -> None:
        late = await joined(week, somebody(), hours=[[600, 660]])
        first, second = [await joined(week, somebody()) for _ in range(2)]
        line = Queue([wish(each) for each in (late, first, second)], [week.at("09:00")])
        assert await self.match(week, line) == 1
        statuses = [(await now(store, each)).status.value for each in (late, first, second)]
        assert statuses == ["waiting", "offered", "waiting"]
        assert line.asked[0] == 7
        assert line.asked[-1] == store.position, "who is next is told what is free after the offer"

    async def test_who_lost_the_race_is_offered_the_next_start(self, store: Clocked, week: OpenWeek) -> None:
        waiting = await joined(week, somebody())
        await a_hold(week, somebody())
        line = Queue([wish(waiting)], [week.at("09:00"), week.at("09:30")])
        assert await self.match(week, line) == 1
        told = (await now(store, waiting)).offer
        assert told is not None
        assert told.starts_at == week.at("09:30")

    async def test_after_a_lapse_the_next_in_line_is_offered_it(self, store: Clocked, week: OpenWeek) -> None:
        first, second = [await joined(week, somebody()) for _ in range(2)]
        line = Queue([wish(first), wish(second)], [week.at("09:00")])
        await self.match(week, line)
        store.set_clock(store.now() + timedelta(minutes=15))
        await lapse(first.id, store=store)
        line.line = [wish(await now(store, first)), wish(second)]
        assert await self.match(week, line) == 1
        assert (await now(store, second)).status is WaitingStatus.OFFERED

    async def test_who_may_not_book_any_more_is_tried_once_and_not_for_each_start(
        self, store: Clocked, week: OpenWeek, ada: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        details = {"name": "Ada", "timezone": None}
        await create_customer(CreateCustomer(by=ada, id=ada.account, details=details), store)
        gone, waiting = await joined(week, ada), await joined(week, somebody())
        await delete_customer(DeleteCustomer(by=ada, customer_id=ada.account), store)
        tried: list[UUID] = []

        async def offering(cmd: OfferPlace, store: Clocked) -> Any:
            tried.append(cmd.waiting_id)
            return await offer_place(cmd, store)

        monkeypatch.setattr(waitlist_matching, "offer_place", offering)
        free = [week.at("09:00"), week.at("09:30"), week.at("10:00")]
        assert await self.match(week, Queue([wish(gone), wish(waiting)], free)) == 1
        assert tried == [gone.id, waiting.id]

    async def test_done_twice_it_offers_nothing_more(self, store: Clocked, week: OpenWeek) -> None:
        waiting = await joined(week, somebody())
        line = Queue([wish(waiting)], [week.at("09:00")])
        assert [await self.match(week, line) for _ in range(2)] == [1, 0]


class TestJobs:
    """What the worker is given, as the rows of the to-do list tell."""

    @staticmethod
    def job(kind: str, subject: UUID, **said: Any) -> Job:
        return Job(new_id(), kind, subject, kind, datetime.now(UTC), said, "a-request", 0)

    @staticmethod
    async def run(store: Clocked, job: Job, line: Queue | None = None) -> str:
        handlers = waitlist_handlers(WaitlistServices(store, line or Queue([], [])))
        return await handlers[job.kind](job, None)  # type: ignore[arg-type]

    async def test_what_is_freed_of_a_day_is_offered(self, store: Clocked, week: OpenWeek) -> None:
        waiting = await joined(week, somebody())
        await a_booked_appointment(store, week, "16:30")
        day = Day.id_of(week.provider_id, week.monday.date())
        line = Queue([wish(waiting)], [week.at("09:00")])
        assert await self.run(store, self.job("match", day, position=7), line) == "offered"
        assert await self.run(store, self.job("match", day, position=7), line) == "done"
        store.set_clock(week.at("00:00", 1))
        assert await self.run(store, self.job("match", day, position=7), line) == "late"

    async def test_new_hours_are_looked_at_as_well(self, store: Clocked, week: OpenWeek) -> None:
        waiting = await joined(week, somebody())
        line = Queue([wish(waiting)], [week.at("09:00")])
        job = self.job("match", Schedule.id_of(week.provider_id), position=7)
        assert await self.run(store, job, line) == "offered"

    async def test_an_offer_lapses_when_its_hold_does(self, store: Clocked, week: OpenWeek, ada: Caller) -> None:
        waiting = await offered(week, await joined(week, ada))
        job = self.job("lapse", waiting.id)
        with pytest.raises(NotDueYet):
            await self.run(store, job)
        store.set_clock(store.now() + timedelta(minutes=15))
        assert await self.run(store, job) == "lapsed"
        assert await self.run(store, self.job("lapse", new_id())) == "gone"
