"""The caller's own account over HTTP."""

from typing import Any

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import PASSWORD, text_of, token_of
from tests.interfaces.http.sign_in import an_account, prove
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody

MOVE = {"email": "hopper@example.org", "password": PASSWORD}


async def with_password(api: Api) -> Caller:
    """Grace, who can prove who she is."""
    me = await an_account(api)
    await api.people.credentials.put(me.account, await api.people.passwords.hash(PASSWORD), long=True)
    return me


class TestGetMe:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.get("/v1/me")) == (401, "unauthenticated")

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.ANONYMOUS])
    async def test_everybody_sees_their_own(self, api: Api, role: Role):
        me = await an_account(api, role=role)
        await an_account(api, "bea@example.org")
        shown = await api.get("/v1/me", me)
        assert shown.json()["id"] == str(me.id)
        assert shown.json()["role"] == role
        assert (await api.get("/v1/me", me, if_none_match=1)).status_code == 304

    async def test_who_has_no_account_has_none(self, api: Api):
        assert problem(await api.get("/v1/me", somebody())) == (404, "not-found")


class TestChangeMe:
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api):
        assert problem(await door.patch("/v1/me", {}, if_match=1)) == (401, "unauthenticated")

    async def test_changes_what_is_said_alone(self, api: Api):
        me = await an_account(api)
        said = {"timezone": "Europe/Paris", "language": "ru", "phone": "+33 1 23"}
        changed = await api.patch("/v1/me", said, me, if_match=1)
        assert changed.headers["etag"] == '"2"'
        shown = (await api.get("/v1/me", me)).json()
        assert shown == changed.json()
        assert shown["name"] == "Grace Hopper"
        assert {name: shown[name] for name in said} == said
        assert problem(await api.patch("/v1/me", {"name": "X"}, me, if_match=1)) == (412, "stale")
        assert problem(await api.patch("/v1/me", {"name": "X"}, me)) == (428, "version-missing")

    async def test_reminders_are_sent_until_they_are_switched_off(self, api: Api):
        me = await an_account(api)
        assert (await api.get("/v1/me", me)).json()["reminders"] is True
        changed = await api.patch("/v1/me", {"reminders": False}, me, if_match=1)
        assert changed.json()["reminders"] is False
        renamed = await api.patch("/v1/me", {"name": "Grace H."}, me, if_match=2)
        assert renamed.json()["reminders"] is False
        assert (await api.get("/v1/me", me)).json() == renamed.json()
        assert problem(await api.patch("/v1/me", {"reminders": None}, me, if_match=3)) == (422, "invalid-fields")

    async def test_each_notification_is_switched_off_by_itself(self, api: Api):
        me = await an_account(api, role=Role.PROVIDER)
        every = {"booked": True, "moved": True, "cancelled": True, "agenda": False, "team": False}
        assert (await api.get("/v1/me", me)).json()["notifications"] == every
        await api.patch("/v1/me", {"notifications": {"booked": False}}, me, if_match=1)
        changed = await api.patch("/v1/me", {"notifications": {"moved": False}}, me, if_match=2)
        assert changed.json()["notifications"] == every | {"booked": False, "moved": False}
        assert (await api.get("/v1/me", me)).json() == changed.json()
        wrong = await api.patch("/v1/me", {"notifications": {"nothing": False}}, me, if_match=3)
        assert pointers(wrong) == ["/notifications/nothing"]

    @pytest.mark.parametrize(
        "said",
        [
            {"role": "admin"},
            {"standing": "active"},
            {"id": str(new_id())},
            {"forgetting_due": None},
            {"disabled": False},
        ],
    )
    async def test_nobody_assigns_themselves_anything_else(self, api: Api, said: dict[str, Any]):
        me = await an_account(api)
        assert pointers(await api.patch("/v1/me", said, me, if_match=1)) == [f"/{next(iter(said))}"]

    async def test_another_address_counts_once_it_is_proven(self, api: Api):
        me = await with_password(api)
        asked = await api.patch("/v1/me", MOVE | {"name": "G. H."}, me, if_match=1)
        assert (asked.json()["email"], asked.json()["name"]) == ("grace@example.org", "G. H.")
        mail = await api.people.last_mail()
        assert (mail["to"], mail["subject"]) == ("hopper@example.org", "Confirm your new e-mail address")
        assert (await prove(api, token_of(mail))).json() == {"account_id": str(me.id)}
        assert (await api.get("/v1/me", me)).json()["email"] == "hopper@example.org"
        told = await api.people.last_mail()
        assert (told["to"], told["subject"]) == ("grace@example.org", "Your e-mail address was changed")
        assert "changed to h***@example.org. Use it to sign in." in text_of(told)
        await an_account(api)  # the former address is free

    async def test_an_address_that_is_taken_is_answered_alike(self, api: Api):
        me = await with_password(api)
        await an_account(api, "bea@example.org")
        free = await api.patch("/v1/me", MOVE, me, if_match=1)
        taken = await api.patch("/v1/me", MOVE | {"email": "bea@example.org"}, me, if_match=1)
        assert (free.status_code, free.content) == (taken.status_code, taken.content)
        told = {mail["to"]: mail["subject"] for mail in await api.people.mails()}
        assert told["bea@example.org"] == "You already have an account"

    @pytest.mark.parametrize("password", [{}, {"password": "not that"}])
    async def test_another_address_needs_the_password(self, api: Api, password: dict[str, str]):
        me = await with_password(api)
        asked = {"email": "hopper@example.org", "name": "G. H.", **password}
        assert problem(await api.patch("/v1/me", asked, me, if_match=1)) == (403, "wrong-password")
        assert await api.people.mails() == []
        assert (await api.get("/v1/me", me)).json()["name"] == "Grace Hopper"
        rows = await api.ports.identity.signing.security.find(limit=9)
        # The answer itself is counted as a denial, which is written a moment later: perhaps by now.
        assert [row.kind for row in rows if row.kind != "denied"] == ["password_refused"]  # type: ignore[union-attr]

    async def test_strangers_can_not_be_mailed_one_after_another(self, api: Api):
        me = await with_password(api)
        asked = [MOVE | {"email": f"{n}@example.org"} for n in range(6)]
        answers = [await api.patch("/v1/me", each, me, if_match="*") for each in asked]
        assert [each.status_code for each in answers] == [200] * 5 + [429]

    async def test_the_own_address_is_not_asked_for_again(self, api: Api):
        me = await an_account(api)
        await api.patch("/v1/me", {"email": "GRACE@example.org"}, me, if_match=1)
        assert await api.people.mails() == []

    async def test_a_code_proves_nothing_for_who_is_disabled_meanwhile(self, api: Api):
        me, admin = await with_password(api), Caller(new_id(), Role.ADMIN)
        await api.patch("/v1/me", MOVE, me, if_match=1)
        token = token_of(await api.people.last_mail())
        await api.patch(f"/v1/users/{me.id}", {"disabled": True}, admin, if_match=1)
        assert problem(await prove(api, token)) == (410, "ticket-void")
