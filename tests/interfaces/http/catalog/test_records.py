"""Records belong to the organization under which they were made: the past stays with it, the future by choice."""

from typing import Any

import pytest

from application.access import Caller, Role
from tests.interfaces.http.town import Town, problem
from tests.support.builders import somebody

FORMER, LATER = somebody(Role.PROVIDER), somebody(Role.PROVIDER)


async def moved(town: Town, query: str = "") -> dict[str, Any]:
    """An appointment of a guest made under one organization, whose provider is in another one now."""
    await town.an_organization(town.provider_id, staff=FORMER)
    guest = (await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)).json()
    booked = await town.booked(by=town.owner, customer_id=guest["id"])
    there = await town.an_organization(staff=LATER)
    path = f"/v1/providers/{town.provider_id}{query}"
    assert (await town.api.patch(path, {"organization_id": there}, town.owner, if_match="*")).status_code == 200
    await town.api.catch_up()
    await town.api.people.work()
    return booked


async def sees(town: Town, by: Caller, booked: dict[str, Any]) -> set[str]:
    """What the caller sees of the appointment and its guest."""
    paths = {"appointment": f"/v1/appointments/{booked['id']}", "guest": f"/v1/customers/{booked['customer_id']}"}
    paths["history"] = f"{paths['appointment']}/history"
    seen = {name for name, path in paths.items() if (await town.api.get(path, by)).status_code == 200}
    for name, path in (("appointments", "/v1/appointments"), ("guests", "/v1/customers")):
        items = (await town.api.get(path, by)).json()["items"]
        seen |= {name for item in items if item["id"] in {booked["id"], booked["customer_id"]}}
    return seen


EVERYTHING = {"appointment", "history", "guest", "appointments", "guests"}


@pytest.mark.parametrize("query", ["", "?appointments=leave"])
async def test_left_they_are_the_former_organization_s_alone(town: Town, query: str) -> None:
    booked = await moved(town, query)
    assert await sees(town, FORMER, booked) == EVERYTHING
    assert await sees(town, LATER, booked) == set()
    assert await sees(town, town.owner, booked) == EVERYTHING
    path, said = f"/v1/appointments/{booked['id']}/cancel", {"reason": "Closed."}
    assert problem(await town.api.post(path, said, LATER, if_match="*")) == (404, "not-found")
    assert (await town.api.post(path, said, FORMER, if_match="*")).json()["status"] == "cancelled"


async def test_taken_along_they_are_the_new_organization_s_alone(town: Town) -> None:
    booked = await moved(town, "?appointments=take")
    assert await sees(town, LATER, booked) == EVERYTHING
    assert await sees(town, FORMER, booked) == set()
    path, said = f"/v1/appointments/{booked['id']}/cancel", {"reason": "Closed."}
    assert problem(await town.api.post(path, said, FORMER, if_match="*")) == (404, "not-found")
    assert (await town.api.post(path, said, LATER, if_match="*")).json()["status"] == "cancelled"


async def test_what_is_over_stays_though_the_rest_is_taken_along(town: Town) -> None:
    await town.an_organization(town.provider_id, staff=FORMER)
    booked = await town.booked()
    await town.api.post(f"/v1/appointments/{booked['id']}/cancel", {}, town.customer, if_match="*")
    there = await town.an_organization(staff=LATER)
    path = f"/v1/providers/{town.provider_id}?appointments=take"
    await town.api.patch(path, {"organization_id": there}, town.owner, if_match="*")
    await town.api.catch_up()
    await town.api.people.work()
    assert "appointment" in await sees(town, FORMER, booked)
    assert "appointment" not in await sees(town, LATER, booked)
