"""A customer whom staff entered becomes somebody's own record, once."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.kernel import new_id
from domain.people.customer import Customer, CustomerDeleted, GuestClaimed
from domain.personal_data import PersonalData

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
