"""Passwords over HTTP: forgotten, reset, changed."""

from datetime import timedelta

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import token_of
from tests.interfaces.http.sign_in import ADA, bearing, refreshed, signed_in, void
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.signing import PASSWORD, an_account, change

ANOTHER = "seven herons over the weir"
HOUR = timedelta(hours=1)


class TestForgot:
    async def test_says_the_same_for_every_address_and_enqueues_the_same_job(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        answers = [
            await api.post("/v1/auth/password/forgot", {"email": email})
            for email in (ADA, "nobody@example.org", "not an address")
        ]
        assert {each.status_code for each in answers} == {202}
        assert len({each.content for each in answers}) == 1
        enqueued = await api.people.enqueued()
        assert [kind for kind, _ in enqueued] == ["reset_password"] * 3
        assert enqueued[0][1]["email"] == ADA

    async def test_is_limited_by_address_and_network(self, api: Api):
        said = {"email": ADA}
        answers = [await api.post("/v1/auth/password/forgot", said) for _ in range(4)]
        assert [each.status_code for each in answers] == [202, 202, 202, 429]
        others = [await api.post("/v1/auth/password/forgot", {"email": f"{n}@example.org"}) for n in range(20)]
        assert [each.status_code for each in others].count(202) == 16

    async def test_the_code_is_in_the_mail_and_nowhere_else(self, api: Api):
        """Not in what is kept of the mail: whoever has stolen a token could read it there, and take over."""
        await an_account(api.ports.identity.signing, ADA)
        bearer = (await signed_in(api)).json()["access_token"]
        await api.post("/v1/auth/password/forgot", {"email": ADA})
        code = token_of(await api.people.last_mail())
        await api.catch_up()
        told = await bearing(api, "GET", "/v1/me/export", bearer)
        assert [mail["kind"] for mail in told.json()["mails"]] == ["reset"]
        assert code not in told.text


class TestReset:
    async def test_sets_a_new_password_once_and_ends_all_sessions(self, api: Api):
        signing = api.ports.identity.signing
        account = await an_account(signing, ADA)
        before = (await signed_in(api)).json()
        ticket = await signing.tickets.issue(account, "reset", HOUR)
        said = {"ticket": ticket, "password": ANOTHER}
        assert (await api.post("/v1/auth/password/reset", said)).status_code == 204
        assert problem(await api.post("/v1/auth/password/reset", said)) == (410, "ticket-void")
        await void(api, before["access_token"])
        assert problem(await refreshed(api, before["refresh_token"])) == (401, "unauthenticated")
        assert problem(await signed_in(api)) == (401, "invalid-credentials")
        assert (await signed_in(api, password=ANOTHER)).status_code == 200
        assert await api.people.enqueued() == [("account_notice", {"letter": "password-changed"})]
        mail = await api.people.last_mail()
        assert (mail["to"], mail["subject"]) == (ADA, "Your password was changed")

    @pytest.mark.parametrize("weak", ["too short", "x" * 257, "gracehopper12345", "passwordpassword"])
    async def test_a_weak_password_is_refused_and_the_ticket_stays_good(self, api: Api, weak: str):
        account = await an_account(api.ports.identity.signing, ADA)
        ticket = await api.ports.identity.signing.tickets.issue(account, "reset", HOUR)
        answer = await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": weak})
        assert problem(answer) == (422, "weak-password")
        assert pointers(answer) == ["/password"]
        said = {"ticket": ticket, "password": ANOTHER}
        assert (await api.post("/v1/auth/password/reset", said)).status_code == 204

    async def test_what_is_no_ticket_is_void(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA)
        other = await api.ports.identity.signing.tickets.issue(account, "verify", HOUR)
        for ticket in ("", "x" * 43, other):
            answer = await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": ANOTHER})
            assert problem(answer) == (410, "ticket-void")

    async def test_a_disabled_account_stays_out(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA)
        ticket = await api.ports.identity.signing.tickets.issue(account, "reset", HOUR)
        await change(api.ports.store, account, "disable")
        answer = await api.post("/v1/auth/password/reset", {"ticket": ticket, "password": ANOTHER})
        assert problem(answer) == (410, "ticket-void")


class TestChange:
    async def test_ends_all_other_sessions(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        mine, other = [(await signed_in(api)).json() for _ in range(2)]
        said = {"old": PASSWORD, "password": ANOTHER}
        answer = await bearing(api, "POST", "/v1/auth/password/change", mine["access_token"], said)
        assert answer.status_code == 204
        await void(api, other["access_token"])
        assert (await refreshed(api, mine["refresh_token"])).status_code == 200
        assert problem(await signed_in(api)) == (401, "invalid-credentials")
        assert (await signed_in(api, password=ANOTHER)).status_code == 200

    async def test_needs_the_present_password_which_can_not_be_guessed(self, api: Api):
        account = Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)
        said = {"old": "wrong", "password": ANOTHER}
        answers = [await api.post("/v1/auth/password/change", said, account) for _ in range(6)]
        assert [problem(each) for each in answers[:5]] == [(403, "wrong-password")] * 5
        assert problem(answers[5]) == (429, "too-many-requests")

    async def test_a_weak_password_is_refused(self, api: Api):
        account = Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)
        said = {"old": PASSWORD, "password": "ada@example.org"}
        answer = await api.post("/v1/auth/password/change", said, account)
        assert pointers(answer) == ["/password"]

    async def test_who_has_no_password_can_not_change_it(self, api: Api):
        said = {"old": PASSWORD, "password": ANOTHER}
        answer = await api.post("/v1/auth/password/change", said, Caller(new_id(), Role.ADMIN))
        assert problem(answer) == (403, "wrong-password")
