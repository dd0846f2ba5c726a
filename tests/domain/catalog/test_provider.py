"""Providers and customers change, end, and stay ended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.catalog.provider import Provider, ProviderInactive
from domain.kernel import new_id
from domain.people.customer import Customer, CustomerDeleted
from domain.personal_data import PersonalData
from tests.support.builders import profile

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME = new_id()


def test_a_provider_keeps_what_is_not_changed_and_ends_once() -> None:
    provider = Provider.join(new_id(), ME, profile(name="Ada"), NOW)
    provider.pending_events.clear()
    provider.change(ME, {"bio": "cuts hair"}, NOW)
    provider.change(ME, {"bio": "cuts hair"}, NOW)
    assert (provider.details["name"], provider.details["bio"]) == ("Ada", "cuts hair")
    provider.deactivate(ME, NOW)
    provider.deactivate(ME, NOW)
    assert [type(event).__name__ for event in provider.pending_events] == ["Changed", "Deactivated"]
    with pytest.raises(ProviderInactive):
        provider.change(ME, {"bio": ""}, NOW)


def test_a_customer_keeps_what_is_not_changed_and_ends_once() -> None:
    details: dict[str, Any] = {"name": "Bob", "email": None, "phone": None, "timezone": None, "note": ""}
    id = new_id()
    customer = Customer(id=id, by=ME, details=PersonalData(id, details), timestamp=NOW)
    customer.pending_events.clear()
    customer.change(ME, {"phone": "+49 30 1"}, NOW)
    customer.change(ME, {"phone": "+49 30 1"}, NOW)
    assert (customer.name, customer.phone) == ("Bob", "+49 30 1")
    customer.delete(ME, NOW)
    customer.delete(ME, NOW)
    assert [type(event).__name__ for event in customer.pending_events] == ["Changed", "Deleted"]
    with pytest.raises(CustomerDeleted):
        customer.change(ME, {"name": "Rob"}, NOW)
