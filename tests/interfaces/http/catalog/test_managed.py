"""Lists of what the caller may act for, whatever its state."""

from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.sign_in import an_account
from tests.interfaces.http.town import Api, Town


async def listed(api: Api, path: str, by: Caller) -> list[dict[str, Any]]:
    answer = await api.get(path, by)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize("kind", ["providers", "services"])
async def test_owners_and_members_find_theirs_and_nobody_else_does(town: Town, kind: str) -> None:
    colleague = await an_account(town.api, "colleague@example.org", Role.PROVIDER)
    await town.an_organization(town.provider_id, staff=colleague)
    path = f"/v1/{kind}?managed=true"
    mine = town.provider_id if kind == "providers" else town.service_id
    for caller in (town.owner, colleague, town.admin):
        assert mine in [each["id"] for each in await listed(town.api, path, caller)]
    for caller in (town.stranger, town.customer, Caller(new_id(), Role.PROVIDER)):
        assert await listed(town.api, path, caller) == []
    assert (await town.api.get(path, ANONYMOUS)).status_code == 401


@pytest.mark.parametrize("kind", ["providers", "services"])
async def test_what_is_paused_is_listed_with_its_state(town: Town, kind: str) -> None:
    id = town.provider_id if kind == "providers" else town.service_id
    paused = await town.api.post(f"/v1/{kind}/{id}/pause", {}, town.owner, if_match="*")
    assert paused.status_code == 200
    assert id not in [each["id"] for each in await listed(town.api, f"/v1/{kind}", town.owner)]
    (found,) = [each for each in await listed(town.api, f"/v1/{kind}?managed=true", town.owner) if each["id"] == id]
    assert found["status"] == "paused"


async def test_words_narrow_the_list(town: Town) -> None:
    await town.a_service(name="Shave")
    names = [each["name"] for each in await listed(town.api, "/v1/services?managed=true&q=sha", town.owner)]
    assert names == ["Shave"]
    of = f"/v1/services?managed=true&provider_id={new_id()}"
    assert await listed(town.api, of, town.owner) == []


async def test_providers_are_narrowed_to_a_service_and_a_tag(town: Town) -> None:
    said = {"name": "Bea", "timezone": "UTC", "tags": ["barber"]}
    bea = (await town.api.post("/v1/providers", said, town.owner)).json()["id"]
    shave = (await town.a_service(name="Shave"))["id"]
    path = "/v1/providers?managed=true"
    for query, ids in (
        (f"service_id={shave}", [town.provider_id]),
        (f"service_id={new_id()}", []),
        ("tag=barber", [bea]),
    ):
        assert [each["id"] for each in await listed(town.api, f"{path}&{query}", town.owner)] == ids
        assert await listed(town.api, f"{path}&{query}", town.stranger) == []


async def test_customers_are_found_by_words_of_name_address_and_phone(town: Town) -> None:
    said = {"name": "Zoë Ågren", "email": "zoe@example.org", "phone": "+46 70 123"}
    zoe = (await town.api.post("/v1/customers", said, town.owner)).json()["id"]
    await town.api.post("/v1/customers", {"name": "Bob"}, town.owner)
    for q in ("zoe", "agren", "ZOE%20agren", "zoe%40example", "123"):
        assert [each["id"] for each in await listed(town.api, f"/v1/customers?q={q}", town.owner)] == [zoe]
    assert await listed(town.api, "/v1/customers?q=zoe", town.stranger) == []
