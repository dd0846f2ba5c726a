"""Who are my customers?"""

from uuid import uuid4

from sqlalchemy import select

from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from domain.personal_data import PersonalData
from projections.query.ownership import Owner
from projections.query.paging import Page
from projections.read_models import customer
from projections.search.customer_duplicates import alike
from tests.projections.story import NOW, a_customer, a_place, a_provider, an_appointment, at

ALL = Page(limit=50)


async def test_a_customer_is_told_as_it_is(write, catch_up, look):
    carl = a_customer("Carl")
    await write(carl)
    details = {"name": "Carla", "email": "carla@example.org", "phone": "+33 1", "note": "tall"}
    carl.change(uuid4(), details, NOW)
    carl.note_for_staff(uuid4(), PersonalData(carl.id, "Prefers silence."), NOW)
    await write(carl)
    await catch_up()
    async with look("customer") as read:
        told = await customer.get(read, carl.id)
    assert told is not None
    fields = told.__dataclass_fields__.keys() - {"for_staff"}
    assert {name: getattr(told, name) for name in fields} == {name: getattr(carl, name) for name in fields}


async def test_who_was_deleted_is_neither_listed_nor_found(write, catch_up, look):
    carl = a_customer()
    carl.delete(uuid4(), NOW)
    await write(carl)
    await catch_up()
    async with look("customer") as read:
        assert await customer.get(read, carl.id) is None
        assert await customer.find(read, ALL) == ([], None)


async def test_a_customer_is_shown_to_themselves_to_who_registered_them_and_to_their_hosts(write, catch_up, look):
    staff, guest, stranger = uuid4(), a_customer("Guest"), a_customer("Stranger")
    host = a_provider()
    mine = a_customer("Mine", by=staff)
    await write(host, guest, mine, stranger, an_appointment(host.id, customer_id=guest.id))
    await catch_up()
    async with look("customer") as read:

        async def names(of):
            return [each.name for each in (await customer.find(read, ALL, owner=of and Owner(of)))[0]]

        assert await names(guest.id) == ["Guest"]
        assert await names(host.owner_id) == ["Guest"]
        assert await names(staff) == ["Mine"]
        assert await names(uuid4()) == []
        assert await names(None) == ["Guest", "Mine", "Stranger"]
        assert (await customer.get(read, guest.id, owner=Owner(host.owner_id))) is not None
        assert await customer.get(read, stranger.id, owner=Owner(host.owner_id)) is None
        assert await customer.get(read, guest.id, owner=Owner(stranger.id)) is None


async def test_the_staff_note_is_for_those_who_keep_the_record_and_not_for_visited_businesses(write, catch_up, look):
    staff, host, account = uuid4(), a_provider(), uuid4()
    guest = a_customer("Guest", by=staff)
    guest.note_address(uuid4(), NOW)
    guest.claim(account, NOW)
    await write(host, guest, an_appointment(host.id, customer_id=guest.id))
    await catch_up()
    async with look("customer") as read:
        told = {of: await customer.get(read, guest.id, owner=Owner(of)) for of in (staff, host.owner_id, account)}
        assert [each is not None and each.for_staff for each in told.values()] == [True, False, False]
        everything = await customer.get(read, guest.id)
        assert everything is not None
        assert everything.for_staff
        (exported,) = await customer.own(read, account)
        assert exported.for_staff


async def test_a_customer_moves_to_another_host_with_the_appointment(write, catch_up, look):
    old, new, guest = a_provider(), a_provider(), a_customer("Guest")
    appointment = an_appointment(old.id, customer_id=guest.id)
    await write(old, new, guest, appointment)
    await catch_up()
    appointment.reschedule(uuid4(), *a_place(new.id, at(9, day=9)), by_customer=False, now=NOW)
    await write(appointment)
    await catch_up()
    async with look("customer") as read:
        assert await customer.get(read, guest.id, owner=Owner(new.owner_id)) is not None
        assert await customer.get(read, guest.id, owner=Owner(old.owner_id)) is None


async def test_a_cancelled_appointment_still_tells_the_host_who_it_was(write, catch_up, look):
    host, guest = a_provider(), a_customer("Guest")
    appointment = an_appointment(host.id, customer_id=guest.id)
    appointment.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    await write(host, guest, appointment)
    await catch_up()
    async with look("customer") as read:
        assert await customer.get(read, guest.id, owner=Owner(host.owner_id)) is not None


async def test_pages_follow_one_another_by_name(write, catch_up, look):
    await write(*(a_customer(f"C{n}") for n in range(5)))
    await catch_up()
    async with look("customer") as read:
        first, after = await customer.find(read, Page(limit=3))
        second, end = await customer.find(read, Page(limit=3, after=after))
    assert [each.name for each in [*first, *second]] == ["C0", "C1", "C2", "C3", "C4"]
    assert end is None


async def test_a_guest_is_shown_to_who_claimed_it(write, catch_up, look):
    guest, account = a_customer("Guest"), uuid4()
    guest.note_address(uuid4(), NOW)
    guest.claim(account, NOW)
    await write(guest)
    await catch_up()
    async with look("customer") as read:
        told = await customer.get(read, guest.id, owner=Owner(account))
        assert told is not None
        assert told.version == guest.version == 3
        assert await customer.get(read, guest.id, owner=Owner(uuid4())) is None


async def test_customers_are_found_by_name_address_and_phone_however_these_are_written(write, catch_up, look):
    lukas = a_customer("Łukasz O'Connor", email="lukasz@example.org", phone="+48 (22) 123-45-67")
    other = a_customer("Bea", email="bea@example.org", phone="030 7654321")
    await write(lukas, other)
    await catch_up()
    async with look("customer") as read:

        async def found(q):
            return [each.name for each in (await customer.find(read, ALL, q=q))[0]]

        for q in ("lukasz", "oconnor luk", "lukasz@EXAMPLE.org", "22 123-45-67", "+48221234567", "022 1234567"):
            assert await found(q) == ["Łukasz O'Connor"], q
        assert await found("example.org") == ["Bea", "Łukasz O'Connor"]
        assert await found("nobody") == []


async def test_records_of_one_person_are_alike(write, catch_up, look):
    first = a_customer("Anna Müller", email="anna@example.org", phone="+49 30 7654321")
    same_name = a_customer("anna muller")
    same_phone = a_customer("Bea", phone="030-7654321")
    both = a_customer("Anna Müller", email="ANNA@example.org")
    gone, other = a_customer("Anna Müller"), a_customer("Carl", email="carl@example.org", phone="112")
    gone.delete(uuid4(), NOW)
    await write(first, same_name, same_phone, both, gone, other, a_customer("Dora", phone="112"))
    await catch_up()
    async with look("customer") as read:
        found, _ = await alike(read, first.id, ALL)
        none, _ = await alike(read, other.id, ALL)
    assert {each.id: (each.name_key, each.email_key, each.phone_key) for each in found} == {
        same_name.id: (True, False, False),
        same_phone.id: (False, False, True),
        both.id: (True, True, False),
    }
    assert none == []


async def test_one_is_alike_only_to_customers_that_the_same_account_may_see(write, catch_up, look):
    staff = uuid4()
    mine, second = a_customer("Anna", by=staff), a_customer("Anna", by=staff)
    await write(mine, second, a_customer("Anna", by=uuid4()))
    await catch_up()
    async with look("customer") as read:
        found, _ = await alike(read, mine.id, ALL, owner=Owner(staff))
    assert [each.id for each in found] == [second.id]


async def test_what_a_customer_is_found_by_goes_with_the_person(write, catch_up, look):
    anna = a_customer("Anna", email="anna@example.org", phone="+49 30 7654321")
    await write(anna)
    anna.forget(uuid4(), NOW)
    await write(anna)
    await catch_up()
    async with look("customer") as read:
        row = (await read.connection.execute(select(customer.customer))).one()
    assert (row.sort_key, row.folded, row.name_key, row.email_key, row.phone_key) == (b"", "", None, None, None)
