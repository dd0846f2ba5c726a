"""Whatever ends while appointments lie ahead: the caller says what becomes of them, and is told which they are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from application.access import Caller, Role
from tests.interfaces.http.town import Town, pointers, problem
from tests.support.builders import somebody

ENDING = ["customers", "providers", "services", "organizations", "users"]
CANCEL = "appointments=cancel&reason=Closed+for+good"


async def place(town: Town, what: str) -> tuple[str, Caller, dict[str, Any]]:
    """Something with an appointment ahead, who may end it, and the appointment."""
    organization = await town.an_organization(town.provider_id)
    if what != "customers":
        booked = await town.booked()
        ids = {"providers": town.provider_id, "services": town.service_id, "organizations": organization}
        if what == "users":
            details = {"email": "ada@example.org", "name": "Ada", "role": "customer"}
            user = (await town.api.post("/v1/users", details, town.admin)).json()
            booked = await town.booked("10:00", by=Caller(UUID(user["id"]), Role.CUSTOMER))
            return f"/v1/users/{user['id']}", town.admin, booked
        return f"/v1/{what}/{ids[what]}", town.owner, booked
    guest = (await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)).json()
    booked = await town.booked(by=town.owner, customer_id=guest["id"])
    return f"/v1/customers/{guest['id']}", town.owner, booked


async def appointment(town: Town, booked: Mapping[str, Any]) -> Mapping[str, Any]:
    told: Mapping[str, Any] = (await town.api.get(f"/v1/appointments/{booked['id']}", town.admin)).json()
    return told


@pytest.mark.parametrize("what", ENDING)
async def test_it_is_refused_while_something_lies_ahead(town: Town, what: str) -> None:
    path, by, booked = await place(town, what)
    refused = await town.api.delete(path, by, if_match="*")
    assert problem(refused) == (409, "appointments-ahead")
    assert refused.json()["ahead"] == 1
    assert (await appointment(town, booked))["status"] == "booked"
    assert (await town.api.get(path, by)).json().get("deleted") in {None, False}


@pytest.mark.parametrize("what", ENDING)
async def test_kept_they_are_listed_and_stay(town: Town, what: str) -> None:
    path, by, booked = await place(town, what)
    done = await ended(town, path, "appointments=keep", by)
    assert done == {"appointments": "keep", "ids": [booked["id"]]}
    await town.api.people.work()
    assert (await appointment(town, booked))["status"] == "booked"


@pytest.mark.parametrize("what", ENDING)
async def test_cancelled_they_are_listed_and_cancelled_for_the_reason(town: Town, what: str) -> None:
    path, by, booked = await place(town, what)
    assert await ended(town, path, CANCEL, by) == {"appointments": "cancel", "ids": [booked["id"]]}
    await town.api.people.work()
    told = await appointment(town, booked)
    assert (told["status"], told["cancelled"]["reason"]) == ("cancelled", "Closed for good")
    assert (told["cancelled"]["party"], told["cancelled"]["late"]) == ("staff", False)


async def ended(town: Town, path: str, query: str, by: Caller) -> Any:
    answer = await town.api.delete(f"{path}?{query}", by, if_match="*")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
    return answer.json()


async def test_staff_give_a_reason(town: Town) -> None:
    path, by, _ = await place(town, "services")
    assert pointers(await town.api.delete(f"{path}?appointments=cancel", by, if_match="*")) == ["/reason"]


async def test_a_stranger_is_not_told_whether_something_lies_ahead(town: Town) -> None:
    path, _, _ = await place(town, "providers")
    for by, expected in ((somebody(Role.PROVIDER), (404, "not-found")), (somebody(), (403, "forbidden"))):
        assert problem(await town.api.delete(path, by, if_match="*")) == expected
