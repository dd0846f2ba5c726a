"""An e-mail address has one holder."""

from datetime import UTC, datetime

import pytest

from domain.kernel import new_id
from domain.people.email_address import Address, AddressTaken

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
ADA, BEA, GUEST, OTHER = new_id(), new_id(), new_id(), new_id()


def test_it_is_the_first_ones_until_they_leave_it() -> None:
    address = Address(id=new_id(), timestamp=NOW)
    address.claim(ADA, NOW)
    address.claim(ADA, NOW)
    with pytest.raises(AddressTaken):
        address.claim(BEA, NOW)
    address.release(BEA, NOW)
    assert address.holder == ADA
    address.release(ADA, NOW)
    address.claim(BEA, NOW)
    assert address.holder == BEA


def test_guests_are_noted_once_and_dropped() -> None:
    address = Address(id=new_id(), timestamp=NOW)
    for guest in (GUEST, OTHER, GUEST):
        address.note_guest(guest, NOW)
    assert address.guests == (GUEST, OTHER)
    address.drop_guest(GUEST, NOW)
    address.drop_guest(GUEST, NOW)
    assert address.guests == (OTHER,)
    assert len(address.collect_events()) == 4
