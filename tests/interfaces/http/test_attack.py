"""What somebody tries who wants more than is theirs: what they say, not only what they ask for."""

from typing import Any

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.sign_in import an_account, register
from tests.interfaces.http.town import Api, Town, pointers, problem, service
from tests.support.builders import somebody

NOBODY = "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"
FOREIGN = (404, "not-found")
FORBIDDEN = (403, "forbidden")

# Fields that only Daybook itself, or an admin elsewhere, may set.
ASSIGNED: list[tuple[str, dict[str, Any]]] = [
    ("/id", {"id": NOBODY}),
    ("/version", {"version": 7}),
    ("/role", {"role": "admin"}),
    ("/standing", {"standing": "active"}),
    ("/disabled", {"disabled": False}),
    ("/registered_by", {"registered_by": NOBODY}),
    ("/claimed_by", {"claimed_by": NOBODY}),
    ("/account_id", {"account_id": NOBODY}),
    ("/members", {"members": {NOBODY: "owner"}}),
    ("/owner", {"owner": NOBODY}),
    ("/active", {"active": True}),
    ("/withdrawn", {"withdrawn": False}),
    ("/status", {"status": "completed"}),
    ("/price", {"price": 0}),
]
BODIES: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "register": (
        "POST",
        "/v1/auth/register",
        {"email": "a@example.org", "password": "x", "name": "A"},
        {"/role"},
    ),
    "me": ("PATCH", "/v1/me", {"name": "A"}, set()),
    "new user": ("POST", "/v1/users", {"email": "a@example.org", "name": "A", "role": "customer"}, {"/role"}),
    "user": ("PATCH", f"/v1/users/{NOBODY}", {}, {"/role", "/disabled"}),
    "new provider": ("POST", "/v1/providers", {"name": "A", "timezone": "UTC"}, set()),
    "provider": ("PATCH", "/v1/providers/{provider}", {"name": "A"}, set()),
    "whole provider": ("PUT", "/v1/providers/{provider}", {"name": "A", "timezone": "UTC"}, set()),
    "new service": ("POST", "/v1/services", service(NOBODY), {"/price"}),
    "service": ("PATCH", "/v1/services/{service}", {"name": "A"}, {"/price"}),
    "new customer": ("POST", "/v1/customers", {"name": "A"}, set()),
    "customer": ("PATCH", f"/v1/customers/{NOBODY}", {"name": "A"}, set()),
    "new organization": ("POST", "/v1/organizations", {"name": "A"}, set()),
    "organization": ("PATCH", f"/v1/organizations/{NOBODY}", {"name": "A"}, set()),
    "member": ("POST", f"/v1/organizations/{NOBODY}/members", {"account_id": NOBODY}, {"/account_id"}),
    "rank": ("PUT", f"/v1/organizations/{NOBODY}/members/{NOBODY}", {"rank": "staff"}, set()),
    "appointment": ("PATCH", f"/v1/appointments/{NOBODY}", {"note": "A"}, set()),
    "move": ("POST", f"/v1/appointments/{NOBODY}/reschedule", {"start": "2030-01-31T09:00:00Z"}, set()),
}


class TestMassAssignment:
    @pytest.mark.parametrize("body", BODIES)
    async def test_a_field_that_is_not_theirs_to_set_is_refused(self, village: Town, body: str):
        method, path, said, known = BODIES[body]
        path = path.format(provider=village.provider_id, service=village.service_id)
        by = village.admin if "user" in body else village.owner
        for pointer, more in ASSIGNED:
            if pointer not in known:
                answer = await village.api.ask(method, path, by, {**said, **more}, if_match="*")
                assert pointers(answer) == [pointer]

    async def test_booking_takes_neither_price_nor_status_nor_an_id(self, village: Town):
        for pointer, more in ASSIGNED:
            said = village.booking(**more)
            answer = await village.api.post("/v1/appointments", said, village.customer, idempotency_key="k")
            assert pointers(answer) == [pointer]

    @pytest.mark.parametrize("role", ["admin", "auditor", "analyst", "anonymous", "owner"])
    async def test_nobody_registers_as_more_than_provider(self, door: Api, role: str):
        assert pointers(await register(door, role=role)) == ["/role"]

    @pytest.mark.parametrize(
        ("path", "said"),
        [("/v1/providers", {"name": "A", "timezone": "UTC"}), ("/v1/organizations", {"name": "A"})],
    )
    async def test_nobody_but_an_admin_names_another_owner(self, door: Api, path: str, said: dict[str, Any]):
        by = somebody(Role.PROVIDER)
        assert pointers(await door.post(path, said | {"owner_id": NOBODY}, by)) == ["/owner_id"]

    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    async def test_a_provider_is_given_to_nobody_by_a_change(self, village: Town, method: str):
        said = {"name": "A", "timezone": "UTC", "owner_id": str(village.stranger.id)}
        path = f"/v1/providers/{village.provider_id}"
        assert pointers(await village.api.ask(method, path, village.owner, said, if_match=1)) == ["/owner_id"]


class TestOthersListings:
    async def test_a_filter_by_what_is_another_s_finds_nothing_of_theirs(self, town: Town):
        await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
        organization_id = await town.an_organization(town.provider_id)
        theirs = await town.booked()
        filters = (
            f"provider_id={town.provider_id}",
            f"customer_id={town.customer.id}",
            f"organization_id={organization_id}",
            "status=booked",
        )
        for each in filters:
            found = await town.api.get(f"/v1/appointments?{each}", town.owner)
            assert [item["id"] for item in found.json()["items"]] == [theirs["id"]]
            for by in (town.stranger, somebody()):
                assert (await town.api.get(f"/v1/appointments?{each}", by)).json()["items"] == []
        for by in (town.stranger, somebody()):
            assert (await town.api.get("/v1/customers", by)).json()["items"] == []
            assert problem(await town.api.get(f"/v1/customers?organization_id={organization_id}", by))[0] == 422

    async def test_whose_member_somebody_is_is_told_to_fellow_members(self, town: Town):
        await town.an_organization(town.provider_id)
        path = f"/v1/organizations?member_id={town.owner.id}"
        assert len((await town.api.get(path, town.owner)).json()["items"]) == 1
        for by in (town.stranger, town.customer, somebody(Role.ANALYST)):
            assert (await town.api.get(path, by)).json()["items"] == []
        assert problem(await town.api.get(path)) == (401, "unauthenticated")

    async def test_a_cursor_of_another_or_for_other_filters_is_none(self, town: Town):
        for clock in ("09:00", "10:00"):
            await town.booked(clock)
        path = f"/v1/appointments?limit=1&provider_id={town.provider_id}"
        cursor = (await town.api.get(path, town.owner)).json()["next"]
        assert len((await town.api.get(f"{path}&cursor={cursor}", town.owner)).json()["items"]) == 1
        for by in (town.customer, town.stranger, town.admin):
            answer = await town.api.get(f"{path}&cursor={cursor}", by)
            assert problem(answer) == (400, "bad-cursor")
        for other in ("/v1/appointments?limit=1", f"/v1/appointments?limit=1&customer_id={town.customer.id}"):
            assert problem(await town.api.get(f"{other}&cursor={cursor}", town.owner)) == (400, "bad-cursor")


class TestIds:
    async def test_the_id_of_another_kind_of_thing_is_no_id(self, town: Town):
        made = await town.booked()
        ids = made["id"], town.provider_id, town.service_id, str(town.customer.id)
        kinds = "appointments", "providers", "services", "customers"
        for n, kind in enumerate(kinds):
            for id in ids[:n] + ids[n + 1 :]:
                path = f"/v1/{kind}/{id}"
                assert problem(await town.api.get(path, town.admin)) == FOREIGN
                assert problem(await town.api.delete(path, town.admin, if_match="*")) == FOREIGN

    async def test_nobody_books_for_another_customer(self, town: Town):
        await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
        await town.booked()
        before = await town.api.ports.ledger.head()
        for by in (somebody(), town.stranger):
            said = town.booking("10:00", customer_id=str(town.customer.id))
            answer = await town.api.post("/v1/appointments", said, by, idempotency_key="k")
            assert problem(answer) == FOREIGN
        assert await town.api.ports.ledger.head() == before

    async def test_no_appointment_is_moved_to_a_provider_of_others(self, town: Town):
        other = await _elsewhere(town)
        made = await town.booked()
        said = {"start": town.at("10:00"), "provider_id": other["provider_id"]}
        path = f"/v1/appointments/{made['id']}"
        for by in (town.customer, town.owner, town.admin):
            answer = await town.api.post(f"{path}/reschedule", said, by, if_match=1)
            assert problem(answer) == (409, "not-offered-by")
        shown = (await town.api.get(path, town.customer)).json()
        assert shown == shown | made

    async def test_what_is_one_s_own_does_not_open_what_is_named_beside_it(self, town: Town):
        other = await _elsewhere(town)
        organization_id = await town.an_organization(town.provider_id)
        both = [town.provider_id, other["provider_id"]]
        shared = {"name": "Cut", "duration": 30, "currency": "EUR", "organization_id": organization_id}
        answer = await town.api.post("/v1/services", {**shared, "provider_ids": both}, town.owner)
        assert pointers(answer) == ["/provider_id"]
        path = f"/v1/services/{town.service_id}"
        taken = {"provider_id": other["provider_id"]}
        assert pointers(await town.api.patch(path, taken, town.owner, if_match="*")) == ["/provider_id"]
        guest = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()["id"]
        for named in (other, other | {"service_id": town.service_id}):
            said = {**named, "start": town.at("09:00"), "customer_id": guest}
            answer = await town.api.post("/v1/appointments", said, town.owner, idempotency_key=str(new_id()))
            assert problem(answer) in {FOREIGN, (409, "not-offered-by")}
        found = await town.api.get(f"/v1/appointments?provider_id={other['provider_id']}", town.admin)
        assert found.json()["items"] == []


class TestMembers:
    async def test_a_manager_raises_nobody_to_the_own_rank_and_not_themselves(self, town: Town):
        manager, staff = somebody(Role.PROVIDER), somebody(Role.PROVIDER)
        id = await town.an_organization(town.provider_id, manager=manager, staff=staff)
        members = f"/v1/organizations/{id}/members"
        for who in (manager, staff, town.owner):
            for rank in ("owner", "manager"):
                answer = await town.api.put(f"{members}/{who.id}", {"rank": rank}, manager, if_match="*")
                assert problem(answer) == (403, "rank-too-low")
        for said in (
            {"account_id": NOBODY, "rank": "owner"},
            {"account_id": str(manager.id), "rank": "owner"},
        ):
            assert problem(await town.api.post(members, said, manager)) == (403, "rank-too-low")
        answer = await town.api.delete(f"{members}/{town.owner.id}", manager, if_match="*")
        assert problem(answer) == (403, "rank-too-low")
        left = await town.api.delete(f"{members}/{manager.id}", manager, if_match="*")
        assert left.status_code == 204
        again = {"account_id": str(manager.id), "rank": "owner"}
        assert problem(await town.api.post(members, again, manager)) == FOREIGN

    async def test_a_provider_takes_nobody_s_organization_along_for_rank(self, town: Town):
        id = await town.an_organization(town.provider_id)
        made = await town.api.post("/v1/providers", {"name": "B", "timezone": "UTC"}, town.stranger)
        answer = await town.api.patch(made.headers["location"], {"organization_id": id}, town.stranger, if_match=1)
        assert pointers(answer) == ["/organization_id"]


class TestDemoted:
    """A role that is lost takes along what it opened, wherever the account is still named."""

    async def test_who_is_no_provider_any_more_sees_and_moves_nobody_s_appointments(self, town: Town):
        await town.api.post("/v1/customers", {"name": "Grace"}, town.customer)
        made = await town.booked()
        path = f"/v1/appointments/{made['id']}"
        demoted = Caller(town.owner.id, Role.CUSTOMER)
        assert (await town.api.get("/v1/appointments", demoted)).json()["items"] == []
        assert (await town.api.get("/v1/customers", demoted)).json()["items"] == []
        for each in (path, f"{path}/history", f"/v1/customers/{town.customer.id}"):
            assert problem(await town.api.get(each, demoted)) == FOREIGN
        for said, each in (({"start": town.at("12:00")}, "reschedule"), ({"reason": "spite"}, "cancel")):
            assert problem(await town.api.post(f"{path}/{each}", said, demoted, if_match=1)) == FOREIGN
        assert problem(await town.api.patch(path, {"note": "x"}, demoted, if_match=1)) == FOREIGN
        assert problem(await town.api.delete(path, demoted, if_match=1)) == FOREIGN

    async def test_a_member_who_is_a_customer_sees_nothing_of_the_organization_s_customers(self, town: Town):
        member = somebody()
        id = await town.an_organization(town.provider_id, staff=member)
        guest = {"name": "Guest", "organization_id": id}
        guests = (await town.api.post("/v1/customers", guest, town.owner)).headers["location"]
        made = await town.booked()
        assert (await town.api.get("/v1/appointments", member)).json()["items"] == []
        assert (await town.api.get("/v1/customers", member)).json()["items"] == []
        for each in (f"/v1/appointments/{made['id']}", guests):
            assert problem(await town.api.get(each, member)) == FOREIGN
        assert problem(await town.api.patch(guests, {"note": "x"}, member, if_match="*")) == FOREIGN

    async def test_guests_are_no_longer_theirs_who_made_them(self, town: Town):
        guest = (await town.api.post("/v1/customers", {"name": "Guest"}, town.owner)).headers["location"]
        demoted = Caller(town.owner.id, Role.CUSTOMER)
        assert problem(await town.api.get(guest, demoted)) == FOREIGN
        assert problem(await town.api.patch(guest, {"note": "x"}, demoted, if_match=1)) == FOREIGN
        assert problem(await town.api.delete(guest, demoted, if_match=1)) == FOREIGN


class TestClaimed:
    async def test_a_claimed_guest_s_appointments_are_the_claimer_s_and_no_stranger_s(self, town: Town):
        said = {"name": "Guest", "email": "grace@example.org"}
        guest = (await town.api.post("/v1/customers", said, town.owner)).json()["id"]
        made = await town.booked(by=town.owner, customer_id=guest)
        path = f"/v1/appointments/{made['id']}"
        grace, other = await an_account(town.api), await an_account(town.api, "eve@example.org")
        shown = (await town.api.get(path, grace)).json()
        assert shown == shown | made
        assert [each["id"] for each in await _exported(town.api, grace)] == [made["id"]]
        for by in (other, town.stranger):
            assert problem(await town.api.get(path, by)) == FOREIGN
            assert problem(await town.api.get(f"/v1/customers/{guest}", by)) == FOREIGN
            answer = await town.api.post(f"{path}/cancel", {"reason": "x"}, by, if_match=1)
            assert problem(answer) == FOREIGN
        assert await _exported(town.api, other) == []
        assert (await town.api.post(f"{path}/cancel", {}, grace, if_match=1)).status_code == 200


async def _exported(api: Api, by: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get("/v1/me/export", by)).json()["appointments"]
    return found


async def _elsewhere(town: Town) -> dict[str, str]:
    """A provider of the stranger's, and what they offer."""
    said = {"name": "Bob", "timezone": "UTC"}
    provider_id = (await town.api.post("/v1/providers", said, town.stranger)).json()["id"]
    offered = await town.api.post("/v1/services", service(provider_id), town.stranger)
    return {"provider_id": provider_id, "service_id": offered.json()["id"]}
