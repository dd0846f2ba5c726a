"""A customer whom staff entered becomes somebody's own record, once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import Invalid, NotFound
from domain.kernel import new_id
from domain.people.consent import MOST_CONSENTS, Consent, ConsentExists, TooManyConsents
from domain.people.customer import (
    Customer,
    CustomerDeleted,
    CustomerMerged,
    GuestClaimed,
    NotOfOneKeeper,
    SameCustomer,
)
from domain.personal_data import MOST_WRITTEN, PersonalData, TextBudgetSpent

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
STAFF, ADA, BEA = new_id(), new_id(), new_id()


def a_customer(id: UUID | None = None, by: UUID = STAFF) -> Customer:
    id = id or new_id()
    return Customer(id=id, by=by, details=PersonalData(id, {"name": "Guest"}), timestamp=NOW)


def test_the_first_claim_of_a_guest_wins() -> None:
    guest = a_customer()
    assert guest.is_guest
    guest.claim(ADA, NOW)
    guest.claim(ADA, NOW)
    assert guest.owners == (guest.id, ADA)
    assert not guest.is_guest
    with pytest.raises(GuestClaimed):
        guest.claim(BEA, NOW)


def test_who_registered_by_themselves_is_nobodys_guest() -> None:
    customer = a_customer(ADA, by=ADA)
    assert not customer.is_guest
    customer.claim(ADA, NOW)
    with pytest.raises(GuestClaimed):
        customer.claim(BEA, NOW)
    assert customer.owners == (ADA,)


def test_nobody_claims_a_record_that_has_ended() -> None:
    guest = a_customer()
    guest.delete(STAFF, NOW)
    with pytest.raises(CustomerDeleted):
        guest.claim(ADA, NOW)


def test_an_address_is_noted_once() -> None:
    guest, address = a_customer(), new_id()
    guest.note_address(None, NOW)
    guest.note_address(address, NOW)
    guest.note_address(address, NOW)
    assert guest.address == address
    assert guest.version == 2


def test_a_staff_note_is_replaced_and_cleared_and_the_same_one_is_no_event() -> None:
    guest = a_customer()
    guest.note_for_staff(STAFF, PersonalData(guest.id, "Prefers silence."), NOW)
    assert guest.staff_note == "Prefers silence."
    guest.note_for_staff(STAFF, PersonalData(guest.id, "Prefers silence."), NOW)
    assert guest.version == 2
    guest.note_for_staff(STAFF, None, NOW)
    assert (guest.staff_note, guest.version) == ("", 3)


def test_the_versions_of_a_staff_note_have_a_budget() -> None:
    guest, longest = a_customer(), "\N{SNOWMAN}" * 1_999
    each = PersonalData(guest.id, f"0{longest}").size
    for number in range(MOST_WRITTEN // each):
        guest.note_for_staff(STAFF, PersonalData(guest.id, f"{number % 10}{longest}"), NOW)
    with pytest.raises(TextBudgetSpent):
        guest.note_for_staff(STAFF, PersonalData(guest.id, f"x{longest}"), NOW)
    guest.note_for_staff(STAFF, None, NOW)


def a_consent(guest: Customer, *, by: UUID = STAFF, given_at: datetime = NOW) -> Consent:
    consent = Consent(new_id(), "newsletter", given_at, by, by == guest.id)
    guest.give_consent(consent, PersonalData(guest.id, "I want it."), NOW)
    return consent


def test_a_consent_keeps_its_words_and_who_gave_it_and_is_withdrawn_once() -> None:
    guest = a_customer()
    consent = a_consent(guest, given_at=NOW - timedelta(days=30))
    assert guest.consent(consent.id) == consent
    assert guest.consent_text(consent.id) == "I want it."
    later = NOW + timedelta(days=1)
    guest.withdraw_consent(ADA, consent.id, later)
    guest.withdraw_consent(BEA, consent.id, later + timedelta(days=1))
    assert guest.consent(consent.id) == consent._replace(withdrawn_at=later, withdrawn_by=ADA)
    assert guest.consent_text(consent.id) == "I want it."
    assert guest.version == 3


def test_a_consent_is_neither_of_the_future_nor_recorded_twice_nor_withdrawn_unknown() -> None:
    guest = a_customer()
    with pytest.raises(Invalid):
        a_consent(guest, given_at=NOW + timedelta(seconds=1))
    consent = a_consent(guest)
    with pytest.raises(ConsentExists):
        guest.give_consent(consent, PersonalData(guest.id, "Other words."), NOW)
    with pytest.raises(NotFound):
        guest.withdraw_consent(STAFF, new_id(), NOW)


def test_the_consents_of_a_customer_have_a_limit() -> None:
    guest = a_customer()
    for _ in range(MOST_CONSENTS):
        a_consent(guest)
    with pytest.raises(TooManyConsents):
        a_consent(guest)


def test_a_merged_guest_ends_and_both_streams_say_so() -> None:
    guest, into = a_customer(), a_customer()
    guest.merge(STAFF, into, NOW)
    assert (guest.deleted, guest.merged_into) == (True, into.id)
    assert into.absorbed == (guest.id,)
    with pytest.raises(CustomerMerged):
        guest.merge(STAFF, into, NOW)
    with pytest.raises(CustomerMerged):
        a_customer().merge(STAFF, guest, NOW)


def test_a_guest_is_not_merged_into_itself_nor_into_what_has_ended() -> None:
    guest, gone, erased = a_customer(), a_customer(), a_customer()
    gone.delete(STAFF, NOW)
    erased.forget(STAFF, NOW)
    with pytest.raises(SameCustomer):
        guest.merge(STAFF, guest, NOW)
    for other in (gone, erased):
        with pytest.raises(CustomerDeleted):
            guest.merge(STAFF, other, NOW)
        with pytest.raises(CustomerDeleted):
            other.merge(STAFF, guest, NOW)


def test_only_guests_of_one_keeper_are_merged_and_no_account_and_no_guest_of_an_account() -> None:
    guest, account, claimed, shared, elsewhere = a_customer(), a_customer(ADA, by=ADA), *(a_customer() for _ in "123")
    claimed.claim(BEA, NOW)
    shared.share(STAFF, new_id(), NOW)
    elsewhere.share(STAFF, new_id(), NOW)
    with pytest.raises(GuestClaimed):
        claimed.merge(STAFF, guest, NOW)
    for one, other in (
        (guest, account),
        (account, guest),
        (guest, shared),
        (shared, elsewhere),
        (guest, a_customer(by=BEA)),
    ):
        with pytest.raises(NotOfOneKeeper):
            one.merge(STAFF, other, NOW)
    guest.merge(STAFF, claimed, NOW)
    assert claimed.absorbed == (guest.id,)


def test_an_adopted_consent_keeps_its_dates() -> None:
    guest, into = a_customer(), a_customer()
    stands, withdrawn = a_consent(guest, given_at=NOW - timedelta(days=9)), a_consent(guest)
    guest.withdraw_consent(STAFF, withdrawn.id, NOW)
    later = NOW + timedelta(days=3)
    for _ in range(2):
        for each in guest.consents.values():
            into.adopt_consent(each, PersonalData(into.id, "I want it."), later)
    assert dict(into.consents) == dict(guest.consents)
    assert into.consent(stands.id).withdrawn_at is None
    assert into.version == 4
