"""Reminders and offers can be switched off, by the person they go to; all other mails go on."""

from uuid import UUID

import pytest

from application.access import Caller, Role
from application.booking.hold import PlaceHold, place_hold
from application.current_state import current_state
from application.notifications.notice import OPTIONAL, NoticeKind
from application.notifications.notice_jobs import NoticeServices, notify, remind
from application.notifications.optional_mails import SetOptionalMails, set_optional_mails
from application.notifications.waitlist_notice import offer
from application.people.contact import ChangeContact, change_contact
from application.people.customer import CreateCustomer, create_customer
from domain.errors import NotFound
from domain.kernel import new_id
from domain.people.account import Account
from tests.application.conftest import Clocked
from tests.application.notifications.test_notice import Held, Told, a_job, an_account
from tests.support.builders import OpenWeek, a_booked_appointment, somebody


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def means(store: Clocked, told: Told) -> NoticeServices:
    return NoticeServices(store, channels=[told])


async def a_guest(week: OpenWeek, email: str = "guest@example.org") -> UUID:
    known = {"name": "Guest", "email": email, "phone": None, "timezone": None, "note": ""}
    address = await week.store.address_id(email)
    making = CreateCustomer(by=week.owner, id=new_id(), details=known, address=address)
    return (await create_customer(making, week.store)).aggregate.id


async def switch(customer_id: UUID, store: Clocked, by: UUID | None = None, *, wanted: bool = False) -> None:
    person = Caller(by or customer_id, Role.CUSTOMER)
    await set_optional_mails(SetOptionalMails(by=person, customer_id=customer_id, wanted=wanted), store)


async def test_an_account_that_switches_them_off_still_hears_of_changes(store, week, told, means) -> None:
    me = await an_account(store)
    appointment = await a_booked_appointment(store, week, by=me)
    await switch(me.account, store)
    assert await remind(a_job(appointment), Held(), means) == "unwanted"
    assert told.sent == []
    assert await notify(a_job(appointment), Held(), means) == "done"
    await switch(me.account, store, wanted=True)
    assert await remind(a_job(appointment), Held(), means) == "done"


async def test_the_setting_of_an_account_is_one_of_its_details(store, week, means) -> None:
    me = await an_account(store)
    appointment = await a_booked_appointment(store, week, by=me)
    await change_contact(ChangeContact(by=me, contact={"reminders": False}), store)
    await change_contact(ChangeContact(by=me, contact={"name": "Bea B."}), store)
    assert await remind(a_job(appointment), Held(), means) == "unwanted"


async def test_no_offer_goes_to_whoever_has_switched_them_off(store, week, told, means) -> None:
    me = await an_account(store)
    where = {"service_id": week.service_id, "provider_id": week.provider_id, "start": week.at("09:00")}
    hold = (await place_hold(PlaceHold(by=me, id=new_id(), **where), store)).aggregate
    await switch(me.account, store)
    assert await offer(a_job(new_id(), "offer", hold_id=str(hold.id)), Held(), means) == "unwanted"
    assert told.sent == []


async def test_all_guests_of_one_address_share_its_setting(store, week, told, means) -> None:
    first, second, other = await a_guest(week), await a_guest(week), await a_guest(week, "other@example.org")
    await switch(first, store)
    later = await a_guest(week, "Guest@example.org")
    outcomes = []
    for n, guest in enumerate((first, second, later, other)):
        appointment = await a_booked_appointment(store, week, clock=f"{9 + n:02}:00", by=week.owner, customer_id=guest)
        outcomes.append(await remind(a_job(appointment), Held(), means))
    assert outcomes == ["unwanted", "unwanted", "unwanted", "done"]


async def test_an_account_of_that_address_starts_with_its_setting(store, week, means) -> None:
    me = new_id()
    await switch(await a_guest(week, f"{me}@example.org"), store)
    await an_account(store, id=me)
    account = await current_state(Account, Account.id_of(me), store)
    assert account is not None
    assert account.contact.get("reminders") is False


async def test_a_claimed_guest_is_the_account_s(store, week, means) -> None:
    me = new_id()
    guest = await a_guest(week, f"{me}@example.org")
    appointment = await a_booked_appointment(store, week, by=week.owner, customer_id=guest)
    await an_account(store, id=me)
    await switch(guest, store, by=me)
    assert await remind(a_job(appointment), Held(), means) == "unwanted"


async def test_nobody_switches_off_the_mails_of_others(store, week) -> None:
    guest, me = await a_guest(week), await an_account(store)
    for whose in (guest, me.account):
        for by in (somebody(), week.owner):
            with pytest.raises(NotFound):
                await set_optional_mails(SetOptionalMails(by=by, customer_id=whose), store)
    with pytest.raises(NotFound):
        await switch(new_id(), store)


async def test_the_same_setting_again_records_nothing(store, week) -> None:
    guest, me = await a_guest(week), await an_account(store)
    await switch(guest, store)
    await switch(me.account, store)
    before = store.position
    await switch(guest, store)
    await switch(me.account, store)
    assert store.position == before


def test_confirmations_moves_and_cancellations_are_never_optional() -> None:
    assert {NoticeKind.REMINDER, NoticeKind.OFFER, NoticeKind.WAITLIST_ENDED} == OPTIONAL
