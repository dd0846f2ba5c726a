"""Customers over HTTP."""

from typing import Any

import pytest

from application.access import Role
from domain.kernel import new_id
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody

DETAILS = {
    "name": "Grace Hopper",
    "email": "grace@example.org",
    "phone": "+33 1 23 45 67 89",
    "timezone": "Europe/Paris",
    "note": "Left-handed.",
    "external_id": "crm-12",
    "metadata": {"shelf": "3"},
}
REST = {"organization_id": None, "deleted": False}


class TestFindingCustomers:
    async def test_staff_find_them_by_name_address_phone_and_their_own_id(self, town: Town):
        grace = (await town.api.post("/v1/customers", DETAILS, town.owner)).json()
        await town.api.post("/v1/customers", {"name": "Bea"}, town.owner)
        for query in ("q=hopper", "q=GRACE@example.org", "q=01 23 45 67 89", "external_id=crm-12"):
            found = (await town.api.get(f"/v1/customers?{query}", town.owner)).json()["items"]
            assert [each["id"] for each in found] == [grace["id"]], query
        assert (await town.api.get("/v1/customers?q=hopper", town.stranger)).json()["items"] == []
        assert pointers(await town.api.get("/v1/customers?q=-", town.owner)) == ["/q"]

    async def test_staff_are_told_who_may_be_the_same_person(self, town: Town):
        first = (await town.api.post("/v1/customers", DETAILS, town.owner)).json()
        again = (await town.api.post("/v1/customers", {"name": "G. H.", "phone": "01 23 45 67 89"}, town.owner)).json()
        await town.api.post("/v1/customers", DETAILS, town.stranger)
        path = f"/v1/customers/{first['id']}/duplicates"
        found = (await town.api.get(path, town.owner)).json()["items"]
        assert found == [{**again, "staff_note": "", "alike": ["phone"]}]
        assert problem(await town.api.get(path, town.stranger)) == (404, "not-found")


class TestCreateCustomer:
    async def test_anonymous_callers_are_asked_who_they_are_whatever_they_say(self, door: Api):
        for said in (DETAILS, {}, b"}"):
            assert problem(await door.post("/v1/customers", said)) == (401, "unauthenticated")

    async def test_a_customer_registers_under_the_own_account(self, api: Api):
        by = somebody()
        answer = await api.post("/v1/customers", DETAILS, by)
        assert answer.status_code == 201
        assert answer.json() == {"id": str(by.id), "version": 1, **DETAILS, **REST}
        assert answer.headers["location"] == f"/v1/customers/{by.id}"

    async def test_nobody_registers_twice(self, door: Api):
        by = somebody()
        await door.post("/v1/customers", DETAILS, by)
        assert problem(await door.post("/v1/customers", DETAILS, by)) == (409, "customer-exists")

    async def test_staff_make_guests(self, village: Town):
        guest = (await village.api.post("/v1/customers", {"name": "Guest"}, village.owner)).json()
        rest = {"email": None, "phone": None, "timezone": None, "note": "", "external_id": None, "metadata": {}, **REST}
        assert guest == {"id": guest["id"], "version": 1, "name": "Guest", **rest}
        assert guest["id"] != str(village.owner.id)

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"email": "grace"}, "/email"),
            ({"email": "a@b\0"}, "/email"),
            ({"email": "a@" + "b" * 260}, "/email"),
            ({"phone": "call me"}, "/phone"),
            ({"external_id": ""}, "/external_id"),
            ({"metadata": None}, "/metadata"),
            ({"timezone": "Mars/Olympus"}, "/timezone"),
            ({"note": None}, "/note"),
            ({"id": str(new_id())}, "/id"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, door: Api, changes: dict[str, Any], pointer: str):
        assert pointers(await door.post("/v1/customers", DETAILS | changes, somebody())) == [pointer]


class TestListCustomers:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get("/v1/customers")) == (401, "unauthenticated")

    async def test_staff_see_whom_they_made_and_whom_they_host(self, town: Town):
        await town.api.post("/v1/customers", DETAILS, town.customer)
        await town.booked()
        guest = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"]
        other = (await town.api.post("/v1/customers", {"name": "Other"}, town.stranger)).json()["id"]

        async def seen(by: Any) -> set[str]:
            return {item["id"] for item in (await town.api.get("/v1/customers", by)).json()["items"]}

        assert await seen(town.owner) == {guest, str(town.customer.id)}
        assert await seen(town.stranger) == {other}
        assert await seen(town.customer) == {str(town.customer.id)}
        assert await seen(town.admin) == {guest, other, str(town.customer.id)}


class TestGetCustomer:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get(f"/v1/customers/{new_id()}")) == (401, "unauthenticated")

    async def test_strangers_do_not_know_of_them(self, town: Town):
        made = await town.api.post("/v1/customers", DETAILS, town.customer)
        path = made.headers["location"]
        assert (await town.api.get(path, town.customer)).content == made.content
        for by in (town.stranger, town.owner, somebody()):
            assert problem(await town.api.get(path, by)) == (404, "not-found")
        assert problem(await town.api.get(path, somebody(Role.ANALYST))) == (403, "forbidden")


class TestReplaceCustomer:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.put(f"/v1/customers/{new_id()}", {}, if_match=1)) == (
            401,
            "unauthenticated",
        )

    async def test_replaces_everything(self, door: Api):
        by = somebody()
        path = (await door.post("/v1/customers", DETAILS, by)).headers["location"]
        told = (await door.put(path, {"name": "Grace"}, by, if_match=1)).json()
        assert told == {**told, "name": "Grace", "email": None, "note": "", "version": 2}


class TestChangeCustomer:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.patch(f"/v1/customers/{new_id()}", {}, if_match=1)) == (
            401,
            "unauthenticated",
        )

    async def test_changes_what_is_said_alone(self, door: Api):
        by = somebody()
        made = await door.post("/v1/customers", DETAILS, by)
        told = (await door.patch(made.headers["location"], {"phone": None}, by, if_match=1)).json()
        assert told == {**made.json(), "phone": None, "version": 2}


class TestStaffNote:
    async def test_staff_write_and_read_it_and_nobody_else(self, town: Town):
        path = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).headers["location"]
        told = await town.api.patch(path, {"staff_note": "Prefers silence."}, town.owner, if_match=1)
        assert told.status_code == 200, told.text
        assert (told.json()["staff_note"], told.json()["version"]) == ("Prefers silence.", 2)
        for by in (town.owner, town.admin, somebody(Role.AUDITOR)):
            assert (await town.api.get(path, by)).json()["staff_note"] == "Prefers silence."
        listed = (await town.api.get("/v1/customers", town.owner)).json()["items"]
        assert [each["staff_note"] for each in listed] == ["Prefers silence."]
        assert problem(await town.api.patch(path, {"staff_note": "x"}, town.owner, if_match=1)) == (412, "stale")
        assert problem(await town.api.patch(path, {"staff_note": "x"}, town.stranger, if_match=2))[0] == 404
        renamed = await town.api.patch(path, {"name": "G"}, town.owner, if_match=2)
        assert renamed.json()["name"] == "G"
        assert (await town.api.get(path, town.owner)).json()["staff_note"] == "Prefers silence."

    async def test_the_customer_neither_reads_nor_writes_it(self, town: Town):
        path = (await town.api.post("/v1/customers", DETAILS, town.customer)).headers["location"]
        noted = await town.api.patch(path, {"staff_note": "Prefers silence."}, town.admin, if_match=1)
        assert noted.status_code == 200, noted.text
        for answer in (
            await town.api.get(path, town.customer),
            await town.api.get("/v1/customers", town.customer),
            await town.api.patch(path, {"note": "Hello."}, town.customer, if_match=2),
        ):
            assert answer.status_code == 200
            assert "staff_note" not in answer.text
            assert "silence" not in answer.text
        refused = await town.api.patch(path, {"staff_note": ""}, town.customer, if_match=3)
        assert pointers(refused) == ["/staff_note"]

    async def test_a_business_that_is_visited_does_not_read_it(self, town: Town):
        path = (await town.api.post("/v1/customers", DETAILS, town.customer)).headers["location"]
        await town.api.patch(path, {"staff_note": "Prefers silence."}, town.admin, if_match=1)
        await town.booked()
        seen = await town.api.get(path, town.owner)
        assert seen.status_code == 200
        assert "staff_note" not in seen.json()

    async def test_it_has_2000_characters_at_most(self, town: Town):
        path = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).headers["location"]
        assert pointers(await town.api.patch(path, {"staff_note": "a" * 2001}, town.owner, if_match=1)) == [
            "/staff_note"
        ]
        assert (await town.api.patch(path, {"staff_note": "a" * 2000}, town.owner, if_match=1)).status_code == 200


class TestDeleteCustomer:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.delete(f"/v1/customers/{new_id()}", if_match=1)) == (401, "unauthenticated")

    async def test_a_deleted_customer_books_no_more(self, town: Town):
        path = (await town.api.post("/v1/customers", DETAILS, town.customer)).headers["location"]
        assert (await town.api.delete(path, town.customer, if_match=1)).status_code == 204
        assert problem(await town.api.get(path, town.customer)) == (404, "not-found")
        refused = await town.api.post("/v1/appointments", town.booking(), town.customer, idempotency_key="k")
        assert problem(refused) == (409, "customer-deleted")
