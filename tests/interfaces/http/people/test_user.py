"""Everybody's accounts, for admins alone."""

from typing import Any

import pytest

from application.access import ANONYMOUS, Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import token_of
from tests.interfaces.http.sign_in import an_account, signed_in, void
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody
from tests.support.signing import PASSWORD
from tests.support.signing import an_account as an_account_with_password

BEA = {"email": "bea@example.org", "name": "Bea", "role": "auditor"}
OTHERS = [somebody(role) for role in Role if role not in {Role.ADMIN, Role.ANONYMOUS}]
REFUSALS = [(ANONYMOUS, (401, "unauthenticated")), *((by, (403, "forbidden")) for by in OTHERS)]


@pytest.mark.parametrize(("by", "refusal"), REFUSALS)
async def test_nobody_else_gets_in(door: Api, by: Caller, refusal: tuple[int, str]):
    path = f"/v1/users/{new_id()}"
    assert problem(await door.get("/v1/users", by)) == refusal
    assert problem(await door.get(path, by)) == refusal
    assert problem(await door.post("/v1/users", BEA, by)) == refusal
    assert problem(await door.patch(path, {"role": "admin"}, by, if_match=1)) == refusal
    assert problem(await door.delete(path, by, if_match=1)) == refusal


class TestEndSessions:
    async def test_an_admin_ends_all_sessions_and_keys_of_another(self, api: Api):
        signing = api.ports.identity.signing
        bea = Caller(await an_account_with_password(signing, "bea@example.org"), Role.CUSTOMER)
        session = (await signed_in(api, "bea@example.org")).json()
        key = {"name": "screen", "scopes": ["read"], "current_password": PASSWORD}
        assert (await api.post("/v1/api-keys", key, bea)).status_code == 201
        admin = somebody(Role.ADMIN)
        assert (await api.post(f"/v1/users/{bea.id}/end-sessions", {}, admin)).status_code == 204
        listed = (await api.get("/v1/auth/sessions", bea)).json()
        assert (listed["items"], listed["api_keys"]) == ([], [])
        await void(api, session["access_token"])
        (event,) = await signing.security.find(limit=5, kind="sessions_ended")
        assert (event.account_id, event.facts) == (bea.account, {"count": 1, "keys": 1, "by": str(admin.id)})
        assert problem(await api.post(f"/v1/users/{new_id()}/end-sessions", {}, admin)) == (404, "not-found")


class TestCreateUser:
    async def test_the_mail_lets_its_owner_set_the_password(self, api: Api):
        made = await api.post("/v1/users", BEA, somebody(Role.ADMIN))
        assert made.status_code == 201
        assert made.json() == made.json() | BEA | {"standing": "active", "version": 1}
        assert made.headers["location"] == f"/v1/users/{made.json()['id']}"
        mail = await api.people.last_mail()
        assert (mail["to"], mail["subject"]) == ("bea@example.org", "You have an account")
        assert str(await api.people.tickets.redeem(token_of(mail), "reset")) == made.json()["id"]
        assert (await api.get(made.headers["location"], somebody(Role.ADMIN))).json() == made.json()

    async def test_the_first_password_is_confirmed_and_alarms_nobody(self, api: Api):
        await api.post("/v1/users", BEA, somebody(Role.ADMIN))
        for password, subject in ((PASSWORD, "Your account is ready"), (PASSWORD * 2, "Your password was changed")):
            if subject == "Your password was changed":
                await api.post("/v1/auth/password/forgot", {"email": BEA["email"]})
            ticket = token_of(await api.people.last_mail())
            answer = await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": password})
            assert answer.status_code == 204
            mail = await api.people.last_mail()
            assert (mail["to"], mail["subject"]) == ("bea@example.org", subject)

    async def test_an_address_has_one_account(self, api: Api):
        await an_account(api, "bea@example.org")
        assert problem(await api.post("/v1/users", BEA, somebody(Role.ADMIN))) == (409, "address-taken")

    async def test_the_same_key_makes_one(self, api: Api):
        admin = somebody(Role.ADMIN)
        first = await api.post("/v1/users", BEA, admin, idempotency_key="k")
        again = await api.post("/v1/users", BEA, admin, idempotency_key="k")
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [({"role": "anonymous"}, "/role"), ({"role": "root"}, "/role"), ({"email": "b"}, "/email")],
    )
    async def test_says_which_field_does_not_fit(self, door: Api, changes: dict[str, Any], pointer: str):
        assert pointers(await door.post("/v1/users", BEA | changes, somebody(Role.ADMIN))) == [pointer]


class TestListUsers:
    async def test_filters_narrow_and_pages_follow(self, api: Api):
        admin = somebody(Role.ADMIN)
        made = [await an_account(api, f"user{n}@example.org") for n in range(3)]
        auditor = await an_account(api, "ada@example.net", Role.AUDITOR)
        await api.patch(f"/v1/users/{made[0].id}", {"disabled": True}, admin, if_match=1)

        async def found(query: str) -> list[str]:
            return [item["id"] for item in (await api.get(f"/v1/users?{query}", admin)).json()["items"]]

        everybody = [str(each.id) for each in [*made, auditor]]
        assert await found("") == everybody
        assert await found("role=auditor") == [str(auditor.id)]
        assert await found("standing=disabled") == [str(made[0].id)]
        assert await found("q=EXAMPLE.NET") == [str(auditor.id)]
        assert await found("q=hopper") == everybody
        assert await found("q=%25") == []
        first = (await api.get("/v1/users?limit=3", admin)).json()
        assert [item["id"] for item in first["items"]] == everybody[:3]
        assert await found(f"limit=3&cursor={first['next']}") == everybody[3:]
        assert problem(await api.get(f"/v1/users?role=auditor&cursor={first['next']}", admin)) == (
            400,
            "bad-cursor",
        )


class TestChangeUser:
    async def test_gives_a_role_and_disables(self, api: Api):
        admin, bea = somebody(Role.ADMIN), await an_account(api, "bea@example.org")
        path = f"/v1/users/{bea.id}"
        changed = await api.patch(path, {"role": "provider", "disabled": True}, admin, if_match=1)
        told = changed.json()
        assert (told["role"], told["standing"], told["version"]) == ("provider", "disabled", 3)
        assert (await api.get(path, admin)).json() == told
        assert problem(await api.patch(path, {"role": "admin"}, admin, if_match=1)) == (412, "stale")
        assert (await api.patch(path, {"disabled": False}, admin, if_match=3)).json()["standing"] == "active"

    async def test_to_disable_says_what_becomes_of_appointments(self, town: Town):
        bea = await an_account(town.api, "bea@example.org")
        booked = await town.booked(by=bea)
        path, said = f"/v1/users/{bea.id}", {"disabled": True}
        answer = await town.api.patch(path, said, town.admin, if_match="*")
        assert problem(answer) == (409, "appointments-ahead")
        assert answer.json()["ahead"] == 1
        assert pointers(await town.api.patch(f"{path}?appointments=cancel", said, town.admin, if_match="*")) == [
            "/reason"
        ]
        done = await town.api.patch(f"{path}?appointments=cancel&reason=Closed", said, town.admin, if_match="*")
        assert done.json()["standing"] == "disabled"
        await town.api.people.work()
        seen = (await town.api.get(f"/v1/appointments/{booked['id']}", town.owner)).json()
        assert (seen["status"], seen["cancelled"]["reason"]) == ("cancelled", "Closed")

    async def test_what_becomes_of_appointments_goes_with_disabling_alone(self, door: Api):
        path = f"/v1/users/{new_id()}?appointments=keep"
        for said in ({"role": "provider"}, {"disabled": False}):
            assert pointers(await door.patch(path, said, somebody(Role.ADMIN), if_match=1)) == ["/appointments"]

    async def test_nobody_changes_their_own_role_or_standing(self, api: Api):
        me = await an_account(api, role=Role.ADMIN)
        await an_account(api, "bea@example.org", Role.ADMIN)
        path = f"/v1/users/{me.id}"
        assert problem(await api.patch(path, {"role": "auditor"}, me, if_match=1)) == (403, "own-role")
        assert problem(await api.patch(path, {"disabled": True}, me, if_match=1)) == (403, "own-role")
        assert problem(await api.delete(path, me, if_match=1)) == (403, "own-role")

    async def test_one_active_admin_stays(self, api: Api):
        me = await an_account(api, role=Role.ADMIN)
        path = f"/v1/users/{me.id}"
        by = somebody(Role.ADMIN)
        assert problem(await api.patch(path, {"role": "auditor"}, by, if_match=1)) == (409, "last-admin")
        assert problem(await api.delete(path, by, if_match=1)) == (409, "last-admin")

    @pytest.mark.parametrize("said", [{"email": "x@example.org"}, {"name": "X"}, {"standing": "active"}])
    async def test_what_people_say_of_themselves_is_theirs(self, door: Api, said: dict[str, Any]):
        answer = await door.patch(f"/v1/users/{new_id()}", said, somebody(Role.ADMIN), if_match=1)
        assert pointers(answer) == [f"/{next(iter(said))}"]


class TestDeleteUser:
    async def test_disables(self, api: Api):
        admin, bea = somebody(Role.ADMIN), await an_account(api, "bea@example.org")
        assert (await api.delete(f"/v1/users/{bea.id}", admin, if_match=1)).status_code == 204
        assert (await api.get(f"/v1/users/{bea.id}", admin)).json()["standing"] == "disabled"
        assert problem(await api.delete(f"/v1/users/{new_id()}", admin, if_match=1)) == (404, "not-found")
