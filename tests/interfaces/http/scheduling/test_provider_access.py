"""What members of an organization see and do over HTTP, and that it ends with the membership."""

from typing import Any

import pytest

from application.access import Caller, Role
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

FOREIGN = (404, "not-found")


@pytest.fixture
def staff() -> Caller:
    return somebody(Role.PROVIDER)


@pytest.fixture
async def organization_id(town: Town, staff: Caller) -> str:
    """The town's provider belongs to it, and `staff` work there."""
    return await town.an_organization(town.provider_id, staff=staff)


async def test_staff_see_and_change_the_schedule_of_a_colleague(town: Town, staff: Caller, organization_id: str):
    path = f"/v1/providers/{town.provider_id}"
    seen = await town.api.get(f"{path}/schedule", staff)
    hours = {"timezone": "UTC", "weekly": []}
    assert seen.status_code == 200
    changed = await town.api.put(f"{path}/schedule", hours, staff, if_match=seen.json()["version"])
    assert changed.status_code == 200
    assert (await town.api.get(f"{path}/time-off", staff)).json()["items"] == []
    await leave(town, staff, organization_id)
    for part in ("schedule", "time-off"):
        assert problem(await town.api.get(f"{path}/{part}", staff)) == FOREIGN
    assert problem(await town.api.put(f"{path}/schedule", hours, staff, if_match="*")) == FOREIGN


async def test_staff_see_and_tend_the_appointments_of_colleagues(town: Town, staff: Caller, organization_id: str):
    made = await town.booked()
    path = f"/v1/appointments/{made['id']}"
    seen = (await town.api.get(path, staff)).json()
    assert seen == seen | made
    assert (await town.api.get("/v1/appointments", staff)).json()["items"] == [seen]
    assert (await town.api.get(f"{path}/history", staff)).status_code == 200
    moved = await town.api.post(f"{path}/reschedule", {"start": town.at("12:00")}, staff, if_match=1)
    assert moved.status_code == 200
    await leave(town, staff, organization_id)
    for part in (path, f"{path}/history"):
        assert problem(await town.api.get(part, staff)) == FOREIGN
    answer = await town.api.post(f"{path}/cancel", {"reason": "spite"}, staff, if_match=2)
    assert problem(answer) == FOREIGN


async def test_staff_book_for_customers_of_colleagues_and_guests_of_the_organization(
    town: Town, staff: Caller, organization_id: str
):
    await town.api.post("/v1/customers", {"name": "Patron"}, town.customer)
    await town.booked("09:00")
    said = {"name": "Guest", "organization_id": organization_id}
    guest = await town.api.post("/v1/customers", said, town.owner)
    assert guest.json()["organization_id"] == organization_id
    names = [item["name"] for item in (await town.api.get("/v1/customers", staff)).json()["items"]]
    assert names == ["Guest", "Patron"]
    await town.booked("10:00", staff, customer_id=str(town.customer.id))
    await town.booked("11:00", staff, customer_id=guest.json()["id"])
    changed = await town.api.patch(guest.headers["location"], {"note": "tall"}, staff, if_match="*")
    assert changed.json()["note"] == "tall"
    assert changed.json()["organization_id"] == organization_id


async def test_a_guest_is_not_made_for_somebody_elses_organization(town: Town, staff: Caller, organization_id: str):
    said = {"name": "Guest", "organization_id": organization_id}
    for by in (town.stranger, town.customer):
        assert pointers(await town.api.post("/v1/customers", said, by)) == ["/organization_id"]


async def test_a_customer_is_not_moved_to_another_organization_by_a_change(
    town: Town, staff: Caller, organization_id: str
):
    guest = await town.api.post("/v1/customers", {"name": "Guest"}, town.stranger)
    said: dict[str, Any] = {"organization_id": organization_id}
    answer = await town.api.patch(guest.headers["location"], said, town.stranger, if_match=1)
    assert pointers(answer) == ["/organization_id"]


async def test_nobody_puts_a_provider_or_service_under_an_organization_they_do_not_manage(
    town: Town, staff: Caller, organization_id: str
):
    said = {"name": "Mine", "timezone": "UTC", "organization_id": organization_id}
    for by in (staff, town.stranger):
        assert pointers(await town.api.post("/v1/providers", said, by)) == ["/organization_id"]
        terms = {"name": "Cut", "duration": 30, "currency": "EUR", "organization_id": organization_id}
        answer = await town.api.post("/v1/services", {**terms, "provider_ids": [town.provider_id]}, by)
        assert pointers(answer) == ["/organization_id"]


async def test_staff_do_not_change_the_provider_or_the_service(town: Town, staff: Caller, organization_id: str):
    for path in (f"/v1/providers/{town.provider_id}", f"/v1/services/{town.service_id}"):
        assert problem(await town.api.patch(path, {"name": "Mine"}, staff, if_match="*")) == FOREIGN
        assert problem(await town.api.delete(path, staff, if_match="*")) == FOREIGN


async def leave(town: Town, who: Caller, organization_id: str) -> None:
    path = f"/v1/organizations/{organization_id}/members/{who.id}"
    assert (await town.api.delete(path, who, if_match="*")).status_code == 204
