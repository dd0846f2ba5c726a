"""Consents over HTTP: given in writing or by oneself, withdrawn, and kept on record."""

from typing import Any

import pytest

from domain.kernel import new_id
from tests.interfaces.http.town import Town, pointers, problem

WORDS = "I want the newsletter, until I say otherwise."
CONSENT = {"purpose": "newsletter", "text": WORDS}


async def a_guest(town: Town) -> str:
    return str((await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"])


async def test_staff_record_what_was_signed_on_paper_and_its_withdrawal_stays_on_record(town: Town) -> None:
    path = f"/v1/customers/{await a_guest(town)}/consents"
    said = {**CONSENT, "given_at": "2025-01-31T09:00:00Z"}
    made = await town.api.post(path, said, town.owner)
    assert made.status_code == 201, made.text
    told = made.json()
    by = {"by": str(town.owner.id), "by_customer": False}
    rest = {"withdrawn_at": None, "withdrawn_by": None}
    assert told == {"id": told["id"], "version": 2, "customer_id": path.split("/")[3], **said, **by, **rest}
    one = made.headers["location"]
    assert one == f"{path}/{told['id']}"
    assert (await town.api.get(one, town.owner)).json() == told
    assert problem(await town.api.delete(one, town.owner, if_match=1)) == (412, "stale")
    assert (await town.api.delete(one, town.owner, if_match=2)).status_code == 204
    (listed,) = (await town.api.get(path, town.owner)).json()["items"]
    assert listed["withdrawn_at"] is not None
    assert listed == {**told, "version": 3, "withdrawn_at": listed["withdrawn_at"], "withdrawn_by": by["by"]}
    again = await town.api.delete(one, town.admin, if_match="*")
    assert (again.status_code, (await town.api.get(one, town.owner)).json()) == (204, listed)


async def test_a_customer_consents_and_withdraws_by_themselves(town: Town) -> None:
    await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
    path = f"/v1/customers/{town.customer.id}/consents"
    told = (await town.api.post(path, CONSENT, town.customer)).json()
    assert (told["by"], told["by_customer"]) == (str(town.customer.id), True)
    assert (await town.api.delete(f"{path}/{told['id']}", town.customer, if_match=2)).status_code == 204
    (listed,) = (await town.api.get(path, town.customer)).json()["items"]
    assert listed["withdrawn_by"] == str(town.customer.id)


async def test_a_business_that_is_visited_sees_no_consents_to_others(town: Town) -> None:
    await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
    path = f"/v1/customers/{town.customer.id}/consents"
    told = (await town.api.post(path, CONSENT, town.customer)).json()
    await town.booked()
    assert (await town.api.get(path, town.owner)).json()["items"] == []
    assert problem(await town.api.get(f"{path}/{told['id']}", town.owner)) == (404, "not-found")
    assert problem(await town.api.post(path, CONSENT, town.owner)) == (404, "not-found")


async def test_a_request_that_is_sent_again_records_one_consent(town: Town) -> None:
    path = f"/v1/customers/{await a_guest(town)}/consents"
    first, second = [await town.api.post(path, CONSENT, town.owner, idempotency_key="once") for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    assert len((await town.api.get(path, town.owner)).json()["items"]) == 1


async def test_the_list_has_pages_and_the_last_given_first(town: Town) -> None:
    path = f"/v1/customers/{await a_guest(town)}/consents"
    for year in (2023, 2025, 2024):
        await town.api.post(path, {**CONSENT, "given_at": f"{year}-01-31T09:00:00Z"}, town.owner)
    first = (await town.api.get(f"{path}?limit=2", town.owner)).json()
    second = (await town.api.get(f"{path}?limit=2&cursor={first['next']}", town.owner)).json()
    years = [each["given_at"][:4] for each in first["items"] + second["items"]]
    assert (years, second["next"]) == (["2025", "2024", "2023"], None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"purpose": "The Newsletter"}, "/purpose"),
        ({"text": ""}, "/text"),
        ({"text": "a" * 8001}, "/text"),
        ({"given_at": "2199-01-01T00:00:00Z"}, "/given_at"),
    ],
)
async def test_says_which_field_does_not_fit(town: Town, changes: dict[str, Any], pointer: str) -> None:
    refused = await town.api.post(f"/v1/customers/{await a_guest(town)}/consents", CONSENT | changes, town.owner)
    assert pointers(refused) == [pointer]


async def test_what_is_unknown_or_deleted_gets_no_consent(town: Town) -> None:
    guest = await a_guest(town)
    path = f"/v1/customers/{guest}/consents"
    assert problem(await town.api.delete(f"{path}/{new_id()}", town.owner, if_match="*")) == (404, "not-found")
    await town.api.delete(f"/v1/customers/{guest}", town.owner, if_match="*")
    assert problem(await town.api.post(path, CONSENT, town.owner)) == (409, "customer-deleted")
