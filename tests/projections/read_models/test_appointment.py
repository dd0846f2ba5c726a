"""What is on whose day? Events in, rows out."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from domain.booking.orphan import OrphanChoice
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.read_models.agenda.listed import ListedAppointment
from projections.read_models.agenda.selection import EVERY, AppointmentFilter, AppointmentOrder
from projections.read_models.appointment import fewest, find, get
from tests.projections.story import NOW, a_customer, a_place, a_provider, a_service, an_appointment, at

ALL = Page(limit=50)
KEPT = {
    "orphaned",
    "cancellation",
    "reason",
    "move",
    "move_reason",
    "move_outcome",
    "for_staff",
    "service",
    "provider",
    "customer",
}
FIELDS = [*set(ListedAppointment.__dataclass_fields__) - KEPT, "cancelled", "rescheduled", "orphan_state"]
FIELDS = [name for name in FIELDS if not name.startswith("confirmed_")] + ["confirmed_place"]


def as_row(appointment: Appointment) -> dict[str, object]:
    """What the agenda must say of an appointment."""
    said = {name: getattr(appointment, name) for name in FIELDS}
    for name in ("cancelled", "rescheduled", "orphan_state"):
        if (happened := getattr(appointment, name)) is not None:
            said[name] = {**happened, "by": str(happened["by"])}
    return said


def moved(appointment: Appointment) -> None:
    move, terms = a_place(uuid4(), at(16, day=9))
    move = move._replace(reason="the chair is broken")
    appointment.reschedule(uuid4(), move, terms._replace(price=5000), by_customer=False, now=NOW)


def asked_to_move(appointment: Appointment) -> None:
    move, terms = a_place(uuid4(), at(16, day=9))
    until = NOW + timedelta(hours=8)
    appointment.request_move(uuid4(), move, terms._replace(price=5000), until, NOW)


def moved_by_request(appointment: Appointment) -> None:
    asked_to_move(appointment)
    appointment.confirm(uuid4(), NOW)


def not_moved(appointment: Appointment) -> None:
    asked_to_move(appointment)
    appointment.decline(uuid4(), Reason("full"), NOW)


def not_moved_in_time(appointment: Appointment) -> None:
    asked_to_move(appointment)
    appointment.expire(NOW + timedelta(hours=9))


def noted(appointment: Appointment) -> None:
    more = {"staff_note": "talks a lot", "external_id": "crm-1", "metadata": {"a": "b"}}
    appointment.annotate(uuid4(), "bring a towel", {"size": "L"}, NOW, **more)


def cancelled(appointment: Appointment) -> None:
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)


def checked_in(appointment: Appointment) -> None:
    appointment.check_in(uuid4(), NOW)


def completed(appointment: Appointment) -> None:
    appointment.complete(uuid4(), at(11, day=20))


def missed(appointment: Appointment) -> None:
    appointment.miss(uuid4(), at(11, day=20))


def came_after_all(appointment: Appointment) -> None:
    appointment.miss(uuid4(), at(11, day=20))
    appointment.undo_no_show(uuid4(), at(12, day=20))


def orphaned(appointment: Appointment) -> None:
    appointment.orphan(uuid4(), None, NOW)


def asked_to_rebook(appointment: Appointment) -> None:
    appointment.orphan(uuid4(), OrphanChoice.REBOOK, NOW)


def kept(appointment: Appointment) -> None:
    orphaned(appointment)
    appointment.keep(uuid4(), NOW)


def within_hours_again(appointment: Appointment) -> None:
    orphaned(appointment)
    appointment.clear_orphan(uuid4(), NOW)


def rebooked(appointment: Appointment) -> None:
    asked_to_rebook(appointment)
    move, terms = a_place(uuid4(), at(16, day=9))
    appointment.reschedule(appointment.customer_id, move, terms, by_customer=True, now=NOW)


def orphan_came_after_all(appointment: Appointment) -> None:
    orphaned(appointment)
    came_after_all(appointment)


def orphan_cancelled(appointment: Appointment) -> None:
    orphaned(appointment)
    cancelled(appointment)


def orphan_moved_by_request(appointment: Appointment) -> None:
    asked_to_rebook(appointment)
    moved_by_request(appointment)


ORPHANS = [orphaned, asked_to_rebook, kept, within_hours_again, rebooked, orphan_came_after_all, orphan_cancelled]
ASKED = [asked_to_move, moved_by_request, not_moved, not_moved_in_time]
LIFE = [
    *ASKED,
    *ORPHANS,
    orphan_moved_by_request,
    noted,
    moved,
    cancelled,
    checked_in,
    completed,
    missed,
    came_after_all,
]


@pytest.mark.parametrize("change", LIFE, ids=lambda change: change.__name__)
@pytest.mark.parametrize("together", [True, False], ids=["in one page", "in two pages"])
async def test_the_agenda_says_of_an_appointment_what_the_appointment_says_itself(
    write, catch_up, look, change, together
):
    appointment = an_appointment()
    if not together:
        await write(appointment)
        await catch_up()
    change(appointment)
    await write(appointment)
    await catch_up()
    async with look("agenda") as read:
        entry = await get(read, appointment.id)
    assert {name: getattr(entry, name) for name in FIELDS} == as_row(appointment)


async def test_what_does_not_exist_is_not_found(look):
    async with look("agenda") as read:
        assert await get(read, uuid4()) is None


async def test_an_appointment_is_shown_to_its_customer_and_to_the_owner_of_its_provider_alone(write, catch_up, look):
    provider = a_provider()
    appointment = an_appointment(provider.id)
    await write(provider, appointment, an_appointment())
    await catch_up()
    async with look("agenda") as read:
        for of in (appointment.customer_id, provider.owner_id):
            assert (await get(read, appointment.id, owner=Owner(of))) is not None
            found, _ = await find(read, ALL, owner=Owner(of))
            assert [entry.id for entry in found] == [appointment.id]
        for stranger in (uuid4(), provider.id):
            assert await get(read, appointment.id, owner=Owner(stranger)) is None
            assert await find(read, ALL, owner=Owner(stranger)) == ([], None)


async def test_filters_narrow_a_list_each_by_itself_and_together(write, catch_up, look):
    organization = uuid4()
    mine, other = a_provider(organization_id=str(organization)), a_provider()
    early, late = (an_appointment(mine.id, at(hour), organization_id=organization) for hour in (9, 10))
    elsewhere = an_appointment(other.id, at(9, 30))
    late.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW + timedelta(seconds=1))
    early.annotate(uuid4(), "", {}, NOW, external_id="crm-1")
    await write(mine, other, early, late, elsewhere)
    await catch_up()

    async with look("agenda") as read:

        async def ids(**filters):
            return [entry.id for entry in (await find(read, ALL, AppointmentFilter(**filters)))[0]]

        assert await ids() == [early.id, elsewhere.id, late.id]
        assert await ids(since=at(9, 30)) == [elsewhere.id, late.id]
        assert await ids(until=at(10)) == [early.id, elsewhere.id]
        assert await ids(since=at(9), until=at(9)) == []
        assert await ids(statuses=["cancelled"]) == [late.id]
        assert await ids(provider_ids=[mine.id]) == [early.id, late.id]
        assert await ids(customer_id=elsewhere.customer_id) == [elsewhere.id]
        assert await ids(organization_id=organization) == [early.id, late.id]
        assert await ids(organization_id=organization, statuses=["booked"]) == [early.id]
        assert await ids(statuses=["booked", "cancelled"], provider_ids=[mine.id]) == [early.id, late.id]
        assert await ids(service_id=elsewhere.service_id) == [elsewhere.id]
        assert await ids(updated_since=NOW + timedelta(seconds=1)) == [late.id]
        assert await ids(external_id="crm-1") == [early.id]
        assert await ids(provider_ids=[other.id], customer_id=early.customer_id) == []


async def test_a_provider_that_changes_organization_leaves_its_appointments_unless_they_are_transferred(
    write, catch_up, look
):
    provider, former, organization = a_provider(), uuid4(), uuid4()
    left, taken = (an_appointment(provider.id, organization_id=former) for _ in range(2))
    await write(provider, left, taken)
    provider.change(uuid4(), {"organization_id": str(organization)}, NOW)
    taken.transfer(uuid4(), organization, NOW)
    await write(provider, taken)
    await catch_up()
    async with look("agenda") as read:
        for of, appointment in ((former, left), (organization, taken)):
            found, _ = await find(read, ALL, AppointmentFilter(organization_id=of))
            assert [entry.id for entry in found] == [appointment.id]


async def test_pages_follow_one_another_without_gap_or_repetition(write, catch_up, look):
    appointments = [an_appointment(start=at(9 + n // 3, day=8)) for n in range(10)]
    await write(*appointments)
    await catch_up()
    async with look("agenda") as read:
        seen, after = [], None
        for size in (4, 4, 2):
            found, after = await find(read, Page(limit=4, after=after))
            assert len(found) == size
            seen += [(entry.starts_at, entry.id) for entry in found]
    assert after is None
    assert seen == sorted((a.starts_at, a.id) for a in appointments)


async def test_a_part_that_ends_with_the_list_has_no_next(write, catch_up, look):
    await write(an_appointment(), an_appointment())
    await catch_up()
    async with look("agenda") as read:
        found, after = await find(read, Page(limit=2))
    assert len(found) == 2
    assert after is None


class TestFewest:
    """Who of several takes an appointment that is for any of them?"""

    async def rank(self, look, *providers):
        async with look("agenda") as read:
            ids = [provider.id for provider in providers]
            return [ids.index(id) for id in await fewest(read, ids, at(0), at(0, day=14))]

    async def test_the_fewest_appointments_of_the_week_come_first(self, write, catch_up, look):
        busy, calm, next_week = a_provider(), a_provider(), a_provider()
        await write(busy, calm, next_week)
        await write(an_appointment(busy.id, at(9)), an_appointment(busy.id, at(10)))
        await write(an_appointment(calm.id, at(9)), an_appointment(next_week.id, at(0, day=14)))
        await catch_up()
        assert await self.rank(look, busy, calm, next_week) == [2, 1, 0]

    async def test_cancelled_ones_do_not_count(self, write, catch_up, look):
        freed, taken = a_provider(), a_provider()
        off = an_appointment(freed.id, at(9), now=at(8))
        off.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
        await write(freed, taken, off, an_appointment(taken.id, at(9), now=at(7)))
        await catch_up()
        assert await self.rank(look, taken, freed) == [1, 0]

    async def test_of_equals_the_least_recently_booked_comes_first_and_who_never_was_before_all(
        self, write, catch_up, look
    ):
        recently, long_ago, never = a_provider(), a_provider(), a_provider()
        await write(recently, long_ago, never)
        for provider, when in ((recently, at(8)), (long_ago, at(7))):
            await write(an_appointment(provider.id, at(9, day=20), now=when))
        await catch_up()
        assert await self.rank(look, recently, long_ago, never) == [2, 1, 0]

    async def test_a_move_to_a_provider_counts_as_a_booking(self, write, catch_up, look):
        first, second, third = a_provider(), a_provider(), a_provider()
        appointment = an_appointment(first.id, at(9, day=20), now=at(1))
        other = an_appointment(third.id, at(9, day=20), now=at(2))
        appointment.reschedule(uuid4(), *a_place(second.id, at(9, day=21)), by_customer=False, now=at(3))
        await write(first, second, third, appointment, other)
        await catch_up()
        assert await self.rank(look, second, third, first) == [2, 1, 0]


async def test_a_guests_appointments_are_shown_to_who_claimed_the_guest(write, catch_up, look):
    staff, account, stranger = uuid4(), uuid4(), uuid4()
    guest, other = a_customer("Guest", by=staff), a_customer("Other", by=staff)
    theirs, others = an_appointment(customer_id=guest.id), an_appointment(customer_id=other.id)
    guest.claim(account, NOW)
    await write(guest, other, theirs, others)
    await catch_up()
    async with look("agenda") as read:
        found, _ = await find(read, Page(limit=50), owner=Owner(account))
        assert [entry.id for entry in found] == [theirs.id]
        assert found[0].customer_id == guest.id
        assert await get(read, theirs.id, owner=Owner(account)) is not None
        assert await get(read, others.id, owner=Owner(account)) is None
        assert await get(read, theirs.id, owner=Owner(stranger)) is None


async def test_an_appointment_comes_with_the_present_names_of_what_it_is_about(write, catch_up, look):
    ada, carl = a_provider("Ada", phone="+33 1"), a_customer("Carl")
    haircut = a_service(ada, category="Hair", place="Second floor")
    appointment = an_appointment(ada.id, customer_id=carl.id, service_id=haircut.id)
    bare = an_appointment()
    await write(ada, carl, haircut, appointment, bare)
    carl.change(carl.id, {"name": "Carl Gustav", "email": "carl@example.org"}, NOW)
    haircut.change(uuid4(), {"name": "Cut"}, NOW)
    await write(carl, haircut)
    await catch_up()
    async with look("agenda") as read:
        found, _ = await find(read, ALL)
        (named,) = [each for each in found if each.id == appointment.id]
        (unnamed,) = [each for each in found if each.id == bare.id]
        alone = await get(read, appointment.id)
    service = {"name": "Cut", "category": "Hair", "place": "Second floor", "meeting_url": None}
    provider = {"name": "Ada", "address": None, "phone": "+33 1", "email": None, "photo_url": None}
    customer = {"name": "Carl Gustav", "email": "carl@example.org", "phone": None}
    assert (named.service, named.provider, named.customer) == (service, provider, customer)
    assert alone == named
    assert (unnamed.service, unnamed.provider, unnamed.customer) == (None, None, None)


async def test_the_names_go_with_the_person(write, catch_up, look):
    ada, carl = a_provider("Ada"), a_customer("Carl")
    appointment = an_appointment(ada.id, customer_id=carl.id)
    appointment.annotate(ada.owner_id, "", {}, NOW, staff_note="shy", external_id="x", metadata={"a": "b"})
    await write(ada, carl, appointment)
    carl.forget(uuid4(), NOW)
    await write(carl)
    await catch_up()
    async with look("agenda") as read:
        found = await get(read, appointment.id)
    assert found is not None
    assert found.customer == {"name": "", "email": None, "phone": None}
    assert (found.staff_note, found.external_id, found.metadata) == ("", None, {})


async def test_the_staff_note_is_for_those_who_act_for_the_provider(write, catch_up, look):
    ada, carl = a_provider("Ada"), a_customer("Carl")
    appointment = an_appointment(ada.id, customer_id=carl.id)
    await write(ada, carl, appointment)
    await catch_up()
    async with look("agenda") as read:
        shown = {
            owner: (await get(read, appointment.id, owner=owner)).for_staff
            for owner in (None, Owner(ada.owner_id), Owner(carl.id), Owner(carl.id, acts=False))
        }
    assert list(shown.values()) == [True, True, False, False]


@pytest.mark.parametrize("order", AppointmentOrder)
async def test_pages_follow_one_another_in_each_order(write, catch_up, look, order):
    appointments = [an_appointment(start=at(9 + n, day=8), now=NOW + timedelta(seconds=n)) for n in range(3)]
    for n, each in enumerate(appointments):
        each.annotate(uuid4(), f"note {n}", {}, NOW + timedelta(minutes=10 - n))
    await write(*appointments)
    await catch_up()
    ids = [each.id for each in appointments]
    if order in {AppointmentOrder.UPDATED, AppointmentOrder.LATEST_START, AppointmentOrder.LATEST_CREATED}:
        ids.reverse()
    of_several = AppointmentFilter(
        provider_ids=[each.provider_id for each in appointments], since=at(0, day=8), until=at(0, day=9)
    )
    async with look("agenda") as read:
        for wanted in (EVERY, of_several):
            seen, after = [], None
            for _ in range(3):
                (found,), after = await find(read, Page(limit=1, after=after), wanted, order=order)
                seen.append(found.id)
            assert (seen, after) == (ids, None)


async def test_a_list_takes_as_many_statements_however_long_it_is(write, catch_up, look, engine):
    statements: list[str] = []

    def count(connection, cursor, statement, *rest):
        if "appointment" in statement:  # the engine is also asked for the log's end, now and then
            statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", count)
    ada, numbers = a_provider(), []
    await write(ada)
    for _ in range(2):
        customers = [a_customer(f"C{n}") for n in range(10)]
        await write(*customers, *(an_appointment(ada.id, customer_id=each.id) for each in customers))
        await catch_up()
        async with look("agenda") as read:
            statements.clear()
            found, _ = await find(read, ALL, owner=Owner(ada.owner_id))
            assert all(each.customer["name"] for each in found)
            numbers.append((len(found), len(statements)))
    assert numbers == [(10, 1), (20, 1)]
