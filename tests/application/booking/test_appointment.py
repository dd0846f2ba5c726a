"""Booking, moving, cancelling: who may, what is recorded, and what a start is refused for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.access import ANONYMOUS, Caller, Role
from application.booking.appointment import (
    BookAppointment,
    CancelAppointment,
    ChangeAppointment,
    MarkAppointment,
    RescheduleAppointment,
    book_appointment,
    cancel_appointment,
    change_appointment,
    reschedule_appointment,
)
from application.booking.attendance import check_in_appointment, complete_appointment, mark_no_show, undo_no_show
from application.booking.ports import CUSTOMER_KNOWN, NoBookingQueries, RankingRequest
from application.booking.refusals import OffGrid, OutsideHours, OutsideWindow, TooSoon
from application.catalog.provider import DeleteProvider, delete_provider
from application.catalog.service import ChangeService, DeleteService, change_service, delete_service
from application.event_log import KeyReused
from application.people.customer import (
    CreateCustomer,
    DeleteCustomer,
    create_customer,
    delete_customer,
)
from application.scheduling.schedule import (
    ReplaceSchedule,
    TakeTimeOff,
    replace_schedule,
    take_time_off,
)
from domain.booking.appointment import Appointment
from domain.booking.appointment_status import (
    AppointmentEnded,
    AppointmentStatus,
    NotANoShow,
    TooEarly,
    TooLateToCancel,
    TooLateToReschedule,
)
from domain.booking.calendar_day import Day, SlotTaken
from domain.catalog.provider import ProviderInactive
from domain.catalog.service import NotOfferedBy, ServiceWithdrawn
from domain.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from domain.kernel import new_id
from domain.people.customer import CustomerDeleted
from domain.scheduling.interval import Interval
from tests.application.conftest import Clocked
from tests.support.builders import (
    OpenWeek,
    a_booked_appointment,
    a_key,
    a_provider,
    a_service,
    an_open_week,
    somebody,
)

STAFF_ROLES = [Role.PROVIDER, Role.ADMIN]
ADMIN = somebody(Role.ADMIN)


async def taken(store: Clocked, provider_id: UUID, week: OpenWeek, day: int = 0) -> list[str]:
    """The starts taken with a provider on one day of the week."""
    id = Day.id_of(provider_id, (week.monday + timedelta(days=day)).date())
    found, _ = await store.fetch([id])
    known = found[id]
    return sorted(f"{s.starts_at:%H:%M}" for s in known.seats.values()) if isinstance(known, Day) else []


def cancel(appointment: Appointment, by: Caller, reason: str | None = None, **more: Any) -> CancelAppointment:
    return CancelAppointment(by=by, appointment_id=appointment.id, reason=reason, **more)


def move(appointment: Appointment, by: Caller, week: OpenWeek, clock: str, **more: Any) -> RescheduleAppointment:
    return RescheduleAppointment(by=by, appointment_id=appointment.id, start=week.at(clock), **more)


class TestBooking:
    async def test_a_booking_is_recorded_with_the_day_it_occupies(self, store: Clocked, week: OpenWeek) -> None:
        before = store.position
        done = await book_appointment(week.booking("09:00", note="window seat"), store)
        assert sorted(store.recorded(before)) == ["Appointment.Booked", "Day.Opened", "Day.Reserved"]
        assert done.position == store.position
        assert (done.aggregate.note, done.aggregate.status) == ("window seat", AppointmentStatus.BOOKED)
        assert await taken(store, week.provider_id, week) == ["09:00"]

    async def test_it_keeps_price_and_policy_of_the_moment(self, store: Clocked, week: OpenWeek) -> None:
        booked = await a_booked_appointment(store, week)
        change = ChangeService(by=week.owner, service_id=week.service_id, terms={"price": 1, "cancel_notice": 9})
        await change_service(change, store)
        (found,), _ = (await store.fetch([booked.id]))[0].values(), None
        assert isinstance(found, Appointment)
        assert (found.price, found.policy["cancel_notice"]) == (2500, 0)

    @pytest.mark.parametrize(
        ("terms", "clock", "refusal"),
        [
            ({}, "08:30", OutsideHours),
            ({}, "16:45", OutsideHours),
            ({}, "09:15", OffGrid),
            ({"min_notice": 60 * 24 * 30}, "09:00", TooSoon),
            ({"window": {"kind": "rolling", "days": 2}}, "09:00", OutsideWindow),
        ],
    )
    async def test_a_start_that_is_not_offered_is_refused_by_name(
        self, store: Clocked, terms: dict[str, Any], clock: str, refusal: type[Exception]
    ) -> None:
        week = await an_open_week(store, **terms)
        before = store.position
        with pytest.raises(refusal):
            await book_appointment(week.booking(clock), store)
        assert store.position == before

    async def test_time_off_is_not_offered(self, store: Clocked, week: OpenWeek) -> None:
        off = Interval(week.at("10:00"), week.at("11:00"))
        await take_time_off(TakeTimeOff(by=week.owner, calendar_id=week.provider_id, id=new_id(), off=off), store)
        with pytest.raises(OutsideHours):
            await book_appointment(week.booking("10:30"), store)
        await book_appointment(week.booking("11:00"), store)

    async def test_a_start_in_the_past_is_refused(self, store: Clocked, week: OpenWeek) -> None:
        store.set_clock(week.at("09:01"))
        with pytest.raises(TooSoon):
            await book_appointment(week.booking("09:00"), store)

    async def test_a_time_is_given_once(self, store: Clocked, week: OpenWeek) -> None:
        await a_booked_appointment(store, week)
        with pytest.raises(SlotTaken):
            await book_appointment(week.booking("09:00"), store)

    async def test_a_group_takes_as_many_as_it_has_seats(self, store: Clocked) -> None:
        week = await an_open_week(store, capacity=3)
        for _ in range(3):
            await a_booked_appointment(store, week)
        with pytest.raises(SlotTaken):
            await book_appointment(week.booking("09:00"), store)

    async def test_buffers_occupy_time_too(self, store: Clocked) -> None:
        week = await an_open_week(store, buffer_after=15)
        await a_booked_appointment(store, week)
        with pytest.raises(SlotTaken):
            await book_appointment(week.booking("09:30"), store)
        await book_appointment(week.booking("10:00"), store)

    async def test_a_provider_who_does_not_offer_the_service_is_refused(self, store: Clocked, week: OpenWeek) -> None:
        other = await a_provider(store)
        with pytest.raises(NotOfferedBy):
            await book_appointment(week.booking("09:00", provider_id=other), store)

    async def test_a_withdrawn_service_and_an_inactive_provider_take_no_bookings(
        self, store: Clocked, week: OpenWeek
    ) -> None:
        await delete_provider(DeleteProvider(by=week.owner, provider_id=week.provider_id), store)
        with pytest.raises(ProviderInactive):
            await book_appointment(week.booking("09:00"), store)
        await delete_service(DeleteService(by=week.owner, service_id=week.service_id), store)
        with pytest.raises(ServiceWithdrawn):
            await book_appointment(week.booking("09:00"), store)

    async def test_an_unknown_service_is_not_found(self, store: Clocked, week: OpenWeek) -> None:
        with pytest.raises(NotFound):
            await book_appointment(week.booking("09:00", service_id=new_id()), store)

    async def test_staff_book_for_customers_whom_they_name(self, store: Clocked, week: OpenWeek) -> None:
        details = {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""}
        guest = await create_customer(CreateCustomer(by=week.owner, id=new_id(), details=details), store)
        with pytest.raises(Invalid):
            await book_appointment(week.booking("09:00", week.owner), store)
        with pytest.raises(NotFound):
            await book_appointment(week.booking("09:00", week.owner, customer_id=new_id()), store)
        booked = await a_booked_appointment(store, week, by=week.owner, customer_id=guest.aggregate.id)
        assert booked.customer_id == guest.aggregate.id
        await delete_customer(DeleteCustomer(by=week.owner, customer_id=guest.aggregate.id), store)
        with pytest.raises(CustomerDeleted):
            await book_appointment(week.booking("10:00", week.owner, customer_id=guest.aggregate.id), store)

    async def test_a_customer_books_for_nobody_else(self, store: Clocked, week: OpenWeek) -> None:
        with pytest.raises(NotFound):
            await book_appointment(week.booking("09:00", customer_id=new_id()), store)

    async def test_a_provider_books_in_no_calendar_but_their_own(self, store: Clocked, week: OpenWeek) -> None:
        stranger = somebody(Role.PROVIDER)
        details = {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""}
        guest = await create_customer(CreateCustomer(by=stranger, id=new_id(), details=details), store)
        for provider_id in (week.provider_id, None):
            booking = week.booking("09:00", stranger, customer_id=guest.aggregate.id, provider_id=provider_id)
            with pytest.raises((NotFound, OutsideHours)):
                await book_appointment(booking, store)

    @pytest.mark.parametrize(
        ("by", "refusal"),
        [
            (ANONYMOUS, Unauthenticated),
            (somebody(Role.AUDITOR), Forbidden),
            (somebody(Role.ANALYST), Forbidden),
        ],
    )
    async def test_other_roles_do_not_book(
        self, store: Clocked, week: OpenWeek, by: Caller, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            await book_appointment(replace(week.booking("09:00"), by=by), store)


class Ranked(NoBookingQueries):
    """Read models that rank in this order, and count how often they are asked."""

    def __init__(self, *order: UUID) -> None:
        self.order, self.asked = order, 0

    async def rank(self, request: RankingRequest, start: datetime, taker: UUID) -> Sequence[UUID]:
        self.asked += 1
        return self.order


class TestAnyProvider:
    @pytest.fixture
    async def team(self, store: Clocked) -> OpenWeek:
        """A service of three providers of one owner."""
        owner = somebody(Role.PROVIDER)
        ids = [await a_provider(store, owner) for _ in range(3)]
        service_id = await a_service(store, owner, *ids)
        return OpenWeek(store, owner, ids[0], service_id, (await an_open_week(store)).monday)

    @staticmethod
    def anybody(team: OpenWeek, **more: Any) -> BookAppointment:
        return team.booking("09:00", provider_id=None, **more)

    async def providers(self, store: Clocked, team: OpenWeek) -> list[UUID]:
        found, _ = await store.fetch([team.service_id])
        return found[team.service_id].provider_ids  # type: ignore[union-attr, no-any-return]

    async def test_the_first_of_the_ranking_who_is_free_is_taken(self, store: Clocked, team: OpenWeek) -> None:
        one, two, three = await self.providers(store, team)
        ranked = Ranked(three, one, two)
        took = [(await book_appointment(self.anybody(team), store, ranked)).aggregate.provider_id for _ in range(3)]
        assert took == [three, one, two]

    async def test_with_a_provider_named_no_ranking_is_asked_for(self, store: Clocked, team: OpenWeek) -> None:
        ranked = Ranked(*await self.providers(store, team))
        await book_appointment(team.booking("09:00"), store, ranked)
        assert ranked.asked == 0

    async def test_a_service_of_one_provider_asks_for_no_ranking(self, store: Clocked, week: OpenWeek) -> None:
        ranked = Ranked()
        await book_appointment(week.booking("09:00", provider_id=None), store, ranked)
        assert ranked.asked == 0

    async def test_repeated_under_its_key_it_answers_the_same_provider_whatever_the_ranking(
        self, store: Clocked, team: OpenWeek
    ) -> None:
        one, two, three = await self.providers(store, team)
        booking = self.anybody(team, key=a_key())
        first = await book_appointment(booking, store, Ranked(two, one, three))
        again = await book_appointment(replace(booking, id=new_id()), store, Ranked(three, two, one))
        assert (again.aggregate.id, again.aggregate.provider_id, again.replayed) == (first.aggregate.id, two, True)

    async def test_a_caller_is_refused_only_when_nobody_is_free(self, store: Clocked, team: OpenWeek) -> None:
        for _ in range(3):
            await book_appointment(self.anybody(team), store)
        with pytest.raises(SlotTaken):
            await book_appointment(self.anybody(team), store)

    async def test_those_who_are_closed_or_gone_are_passed_over(self, store: Clocked, team: OpenWeek) -> None:
        one, two, three = await self.providers(store, team)
        closed = ReplaceSchedule(by=team.owner, calendar_id=one, timezone="UTC", weekly={})
        await replace_schedule(closed, store)
        await delete_provider(DeleteProvider(by=team.owner, provider_id=two), store)
        done = await book_appointment(self.anybody(team), store, Ranked(one, two, three))
        assert done.aggregate.provider_id == three
        with pytest.raises(SlotTaken):
            await book_appointment(self.anybody(team), store, Ranked(one, two, three))

    async def test_one_who_is_taken_while_this_one_decides_is_tried_no_more(
        self, store: Clocked, team: OpenWeek
    ) -> None:
        """Another process books the first choice; the cache here does not know."""
        one, two, three = await self.providers(store, team)
        await book_appointment(replace(self.anybody(team), provider_id=one, start=team.at("12:00")), store)
        elsewhere = Clocked()
        elsewhere.journal = store.journal
        await book_appointment(replace(self.anybody(team), provider_id=one), elsewhere)
        done = await book_appointment(self.anybody(team), store, Ranked(one, two, three))
        assert done.aggregate.provider_id == two


class TestRescheduling:
    async def test_the_old_time_is_free_and_the_new_one_taken_in_one_record(
        self, store: Clocked, week: OpenWeek
    ) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        before = store.position
        await reschedule_appointment(move(booked, customer, week, "11:00"), store)
        assert sorted(store.recorded(before)) == ["Appointment.Rescheduled", "Day.Released", "Day.Reserved"]
        assert await taken(store, week.provider_id, week) == ["11:00"]

    async def test_a_failed_move_loses_nothing(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        await a_booked_appointment(store, week, "11:00")
        before = store.position
        for clock, refusal in (("11:00", SlotTaken), ("20:00", OutsideHours), ("09:10", OffGrid)):
            with pytest.raises(refusal):
                await reschedule_appointment(move(booked, customer, week, clock), store)
        assert store.position == before
        assert await taken(store, week.provider_id, week) == ["09:00", "11:00"]

    async def test_it_can_move_onto_a_part_of_its_own_time(self, store: Clocked) -> None:
        week = await an_open_week(store, duration=60, step=30)
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        await reschedule_appointment(move(booked, customer, week, "09:30"), store)
        assert await taken(store, week.provider_id, week) == ["09:30"]

    async def test_moving_to_another_provider_frees_the_first(self, store: Clocked) -> None:
        owner, customer = somebody(Role.PROVIDER), somebody()
        one, two = [await a_provider(store, owner) for _ in range(2)]
        service_id = await a_service(store, owner, one, two)
        week = OpenWeek(store, owner, one, service_id, (await an_open_week(store)).monday)
        booked = await a_booked_appointment(store, week, by=customer)
        await reschedule_appointment(move(booked, customer, week, "09:00", provider_id=two), store)
        assert await taken(store, one, week) == []
        assert await taken(store, two, week) == ["09:00"]

    async def test_moving_to_where_it_is_records_nothing(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        before = store.position
        done = await reschedule_appointment(move(booked, customer, week, "09:00"), store)
        assert (done.aggregate.version, store.position) == (1, before)

    async def test_what_has_ended_is_not_moved_not_even_to_where_it_was(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        await cancel_appointment(cancel(booked, customer), store)
        for clock in ("09:00", "11:00"):
            with pytest.raises(AppointmentEnded):
                await reschedule_appointment(move(booked, customer, week, clock), store)

    async def test_a_customer_is_held_to_the_notice_and_staff_are_not(self, store: Clocked) -> None:
        week = await an_open_week(store, reschedule_notice=60)
        customer = somebody()
        booked = await a_booked_appointment(store, week, "10:00", by=customer)
        store.set_clock(week.at("09:01"))
        with pytest.raises(TooLateToReschedule):
            await reschedule_appointment(move(booked, customer, week, "15:00"), store)
        await reschedule_appointment(move(booked, week.owner, week, "15:00"), store)


class TestCancelling:
    async def test_the_time_is_free_again(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        await cancel_appointment(cancel(booked, customer), store)
        assert await taken(store, week.provider_id, week) == []
        await a_booked_appointment(store, week)

    async def test_already_cancelled_is_not_an_error(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        await cancel_appointment(cancel(booked, customer), store)
        before = store.position
        done = await cancel_appointment(cancel(booked, customer), store)
        assert (done.aggregate.status, store.position) == (AppointmentStatus.CANCELLED, before)

    async def test_what_passes_midnight_is_freed_on_both_days(self, store: Clocked) -> None:
        owner, customer = somebody(Role.PROVIDER), somebody()
        provider_id = await a_provider(store, owner, {"0": [[20 * 60, 26 * 60]]})
        service_id = await a_service(store, owner, provider_id, duration=120, step=60)
        week = OpenWeek(store, owner, provider_id, service_id, (await an_open_week(store)).monday)
        booked = await a_booked_appointment(store, week, "23:00", customer)
        assert [await taken(store, provider_id, week, day) for day in (0, 1)] == [["23:00"], ["23:00"]]
        await cancel_appointment(cancel(booked, customer), store)
        assert [await taken(store, provider_id, week, day) for day in (0, 1)] == [[], []]

    async def test_staff_say_why(self, store: Clocked, week: OpenWeek) -> None:
        booked = await a_booked_appointment(store, week)
        with pytest.raises(Invalid):
            await cancel_appointment(cancel(booked, week.owner), store)
        done = await cancel_appointment(cancel(booked, week.owner, "ill"), store)
        assert done.aggregate.cancelled
        assert done.aggregate.cancelled["reason"] == "ill"

    async def test_a_customer_is_held_to_the_policy_and_staff_are_not(self, store: Clocked) -> None:
        week = await an_open_week(store, cancel_notice=60)
        customer = somebody()
        booked = await a_booked_appointment(store, week, "10:00", by=customer)
        store.set_clock(week.at("09:01"))
        with pytest.raises(TooLateToCancel):
            await cancel_appointment(cancel(booked, customer), store)
        await cancel_appointment(cancel(booked, week.owner, "ill"), store)


class TestMarking:
    @pytest.mark.parametrize(
        ("mark", "status"),
        [
            (check_in_appointment, AppointmentStatus.CHECKED_IN),
            (complete_appointment, AppointmentStatus.COMPLETED),
            (mark_no_show, AppointmentStatus.NO_SHOW),
        ],
    )
    async def test_staff_record_what_became_of_it(
        self, store: Clocked, week: OpenWeek, mark: Any, status: AppointmentStatus
    ) -> None:
        booked = await a_booked_appointment(store, week)
        store.set_clock(booked.starts_at)
        done = await mark(MarkAppointment(by=week.owner, appointment_id=booked.id), store)
        assert done.aggregate.status is status
        assert await taken(store, week.provider_id, week) == ["09:00"]

    @pytest.mark.parametrize("mark", [complete_appointment, mark_no_show])
    async def test_not_before_it_starts(self, store: Clocked, week: OpenWeek, mark: Any) -> None:
        booked = await a_booked_appointment(store, week)
        with pytest.raises(TooEarly):
            await mark(MarkAppointment(by=week.owner, appointment_id=booked.id), store)

    async def test_a_no_show_is_undone(self, store: Clocked, week: OpenWeek) -> None:
        booked = await a_booked_appointment(store, week)
        store.set_clock(booked.ends_at)
        mark = MarkAppointment(by=week.owner, appointment_id=booked.id)
        await mark_no_show(mark, store)
        store.set_clock(booked.ends_at + timedelta(hours=24))
        assert (await undo_no_show(mark, store)).aggregate.status is AppointmentStatus.BOOKED
        with pytest.raises(NotANoShow):
            await undo_no_show(mark, store)

    async def test_note_and_answers_are_changed_one_by_one(self, store: Clocked, week: OpenWeek) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        change = ChangeAppointment(by=customer, appointment_id=booked.id)
        await change_appointment(replace(change, note="late"), store)
        done = await change_appointment(replace(change, answers={"q": 1}), store)
        assert (done.aggregate.note, done.aggregate.answers) == ("late", {"q": 1})


def commands(appointment_id: UUID, week: OpenWeek, by: Caller) -> dict[str, tuple[Any, Any]]:
    said: dict[str, Any] = {"by": by, "appointment_id": appointment_id}
    mark = MarkAppointment(**said)
    return {
        "change": (change_appointment, ChangeAppointment(**said, note="x")),
        "reschedule": (reschedule_appointment, RescheduleAppointment(**said, start=week.at("12:00"))),
        "cancel": (cancel_appointment, CancelAppointment(**said, reason="x")),
        "check in": (check_in_appointment, mark),
        "complete": (complete_appointment, mark),
        "miss": (mark_no_show, mark),
        "undo no-show": (undo_no_show, mark),
    }


MARKS = ["check in", "complete", "miss", "undo no-show"]
ALL = ["change", "reschedule", "cancel", *MARKS]


class TestAccess:
    @pytest.mark.parametrize("name", ALL)
    @pytest.mark.parametrize(
        ("by", "refusal"),
        [
            (ANONYMOUS, Unauthenticated),
            (somebody(Role.ANALYST), Forbidden),
            (somebody(Role.AUDITOR), Forbidden),
            (somebody(Role.PROVIDER), NotFound),
            (somebody(Role.CUSTOMER), NotFound),
        ],
    )
    async def test_what_is_a_stranger_s_does_not_exist_for_them(
        self, store: Clocked, week: OpenWeek, name: str, by: Caller, refusal: type[Exception]
    ) -> None:
        booked = await a_booked_appointment(store, week)
        before = store.position
        run, cmd = commands(booked.id, week, by)[name]
        expected = Forbidden if by.role is Role.CUSTOMER and name in MARKS else refusal
        with pytest.raises(expected) as refused:
            await run(cmd, store)
        unknown = new_id()
        run, cmd = commands(unknown, week, by)[name]
        with pytest.raises(expected) as missing:  # told apart by nothing
            await run(cmd, store)
        assert str(refused.value).replace(str(booked.id), "") == str(missing.value).replace(str(unknown), "")
        assert store.position == before

    @pytest.mark.parametrize("name", MARKS)
    async def test_customers_do_not_mark_their_own(self, store: Clocked, week: OpenWeek, name: str) -> None:
        customer = somebody()
        booked = await a_booked_appointment(store, week, by=customer)
        run, cmd = commands(booked.id, week, customer)[name]
        with pytest.raises(Forbidden):
            await run(cmd, store)

    @pytest.mark.parametrize("name", ["change", "reschedule", "cancel", "check in"])
    async def test_the_provider_s_owner_and_admins_may(self, store: Clocked, week: OpenWeek, name: str) -> None:
        for by, clock in ((week.owner, "09:00"), (ADMIN, "10:00")):
            booked = await a_booked_appointment(store, week, clock)
            run, cmd = commands(booked.id, replace_day(week, by), by)[name]
            assert (await run(cmd, store)).aggregate.version == 2

    async def test_a_provider_moves_nothing_into_a_stranger_s_calendar(self, store: Clocked) -> None:
        mine, theirs = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
        one, two = await a_provider(store, mine), await a_provider(store, theirs)
        service_id = await a_service(store, ADMIN, one, two)
        week = OpenWeek(store, mine, one, service_id, (await an_open_week(store)).monday)
        booked = await a_booked_appointment(store, week)
        with pytest.raises(NotFound):
            await reschedule_appointment(move(booked, mine, week, "12:00", provider_id=two), store)
        await reschedule_appointment(move(booked, ADMIN, week, "12:00", provider_id=two), store)


def replace_day(week: OpenWeek, by: Caller) -> OpenWeek:
    """So that two moves do not meet."""
    return replace(week, monday=week.monday + timedelta(days=1)) if by is ADMIN else week


class TestVersionsAndKeys:
    @pytest.mark.parametrize("name", ["change", "reschedule", "cancel", "check in"])
    async def test_a_change_of_an_old_version_is_refused(self, store: Clocked, week: OpenWeek, name: str) -> None:
        booked = await a_booked_appointment(store, week)
        note = ChangeAppointment(by=ADMIN, appointment_id=booked.id, note="seen by nobody")
        await change_appointment(note, store)
        run, cmd = commands(booked.id, week, ADMIN)[name]
        with pytest.raises(Stale) as stale:
            await run(replace(cmd, version=1), store)
        assert stale.value.facts["current_version"] == 2
        await run(replace(cmd, version=2), store)

    async def test_the_same_key_again_gives_the_same_answer_and_records_nothing(
        self, store: Clocked, week: OpenWeek
    ) -> None:
        booking = week.booking("09:00", key=a_key("once"))
        first = await book_appointment(booking, store)
        before = store.position
        again = await book_appointment(replace(booking, id=new_id()), store)
        assert (again.aggregate.id, again.position, again.replayed) == (
            first.aggregate.id,
            first.position,
            True,
        )
        assert store.position == before

    async def test_the_same_key_for_something_else_is_refused(self, store: Clocked, week: OpenWeek) -> None:
        await book_appointment(week.booking("09:00", key=a_key("once", "nine")), store)
        with pytest.raises(KeyReused):
            await book_appointment(week.booking("10:00", key=a_key("once", "ten")), store)

    async def test_a_cancellation_under_a_key_is_answered_as_then(self, store: Clocked, week: OpenWeek) -> None:
        booked = await a_booked_appointment(store, week)
        order = cancel(booked, week.owner, "ill", key=a_key("once"))
        first = await cancel_appointment(order, store)
        again = await cancel_appointment(order, store)
        assert (again.aggregate.version, again.position) == (first.aggregate.version, first.position)


class TestWhoIsStaff:
    """Staff are those whose calendar it is; who has another is a customer here."""

    async def test_a_provider_who_is_the_customer_says_nothing_of_what_became_of_it(
        self, store: Clocked, week: OpenWeek
    ) -> None:
        account = somebody()
        booked = await a_booked_appointment(store, week, "09:00", account)
        as_provider = Caller(account.id, Role.PROVIDER)
        for mark in (check_in_appointment, complete_appointment, mark_no_show):
            with pytest.raises(NotFound):
                await mark(MarkAppointment(by=as_provider, appointment_id=booked.id), store)

    async def test_a_provider_who_is_the_customer_is_held_to_the_notice(self, store: Clocked) -> None:
        week = await an_open_week(store, cancel_notice=525_600, reschedule_notice=525_600)
        account = somebody()
        booked = await a_booked_appointment(store, week, "09:00", account)
        as_provider = Caller(account.id, Role.PROVIDER)
        with pytest.raises(TooLateToCancel):
            await cancel_appointment(cancel(booked, as_provider), store)
        with pytest.raises(TooLateToReschedule):
            await reschedule_appointment(move(booked, as_provider, week, "10:00"), store)

    async def test_a_provider_books_nobody_whom_they_do_not_know(self, store: Clocked, week: OpenWeek) -> None:
        details = {"name": "Vic", "email": "vic@example.org", "phone": None, "timezone": None, "note": ""}
        account = somebody()
        await create_customer(CreateCustomer(by=account, id=new_id(), details=details), store)
        booking = week.booking("09:00", week.owner, customer_id=account.id)
        with pytest.raises(NotFound):
            await book_appointment(booking, store)
        await book_appointment(booking, store, CUSTOMER_KNOWN)
