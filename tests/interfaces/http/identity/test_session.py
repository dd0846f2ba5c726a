"""Signing in over HTTP."""

import asyncio

import jwt
import pyotp
import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.conftest import Database
from tests.interfaces.http.sign_in import ADA, TOKEN, bearing, form, refreshed, signed_in, void
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody
from tests.support.instances import ask
from tests.support.signing import PASSWORD, an_account, change


class TestToken:
    async def test_signs_in_with_the_password(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA, role=Role.PROVIDER)
        answer = await signed_in(api)
        told = answer.json()
        assert answer.status_code == 200
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 600, "provider")
        assert answer.headers["cache-control"] == "no-store"
        claims = jwt.decode(told["access_token"], options={"verify_signature": False})
        assert (claims["sub"], claims["role"]) == (str(account), "provider")
        listed = await bearing(api, "GET", "/v1/auth/sessions", told["access_token"])
        (session,) = listed.json()["items"]
        assert (session["id"], session["current"], session["client"]) == (claims["sid"], True, "curl/8.0")

    async def test_an_address_is_the_same_in_capitals(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        assert (await signed_in(api, "Ada@Example.ORG")).status_code == 200

    async def test_says_the_same_whatever_is_wrong(self, api: Api):
        signing = api.ports.identity.signing
        await an_account(signing, ADA)
        disabled = await an_account(signing, "grace@example.org")
        await change(api.ports.store, disabled, "disable")
        forgotten = await an_account(signing, "mary@example.org")
        await change(api.ports.store, forgotten, "forget")
        answers = [
            await signed_in(api, ADA, "a quiet harbour at dusk"),
            await signed_in(api, "nobody@example.org"),
            await signed_in(api, "no address at all"),
            await signed_in(api, "grace@example.org"),
            await signed_in(api, "mary@example.org"),
        ]
        assert [problem(each) for each in answers] == [(401, "invalid-credentials")] * 5
        assert {each.headers["www-authenticate"] for each in answers} == {'Bearer realm="daybook"'}
        assert len({each.content for each in answers}) == 1
        assert {each.headers["www-authenticate"] for each in answers} == {answers[0].headers["www-authenticate"]}

    @pytest.mark.parametrize("odd", ["x" * 72, "é" * 72, "x" * 73, "x" * 257, "x" * 900_000, "\x00" * 20])
    async def test_a_password_of_any_length_is_answered(self, api: Api, odd: str):
        await an_account(api.ports.identity.signing, ADA)
        assert problem(await signed_in(api, password=odd)) == (401, "invalid-credentials")

    async def test_a_password_of_a_megabyte_is_too_large_a_body(self, api: Api):
        assert problem(await signed_in(api, password="x" * 1_000_000)) == (413, "too-large")

    async def test_a_username_of_any_length_is_answered(self, api: Api):
        assert problem(await signed_in(api, "x" * 900_000)) == (401, "invalid-credentials")

    @pytest.mark.parametrize("length", [72, 73, 256])
    async def test_all_of_a_long_password_counts(self, api: Api, length: int):
        await an_account(api.ports.identity.signing, ADA, password="é" * (length - 1) + "x")
        assert (await signed_in(api, password="é" * (length - 1) + "x")).status_code == 200
        wrong = await signed_in(api, password="é" * (length - 1) + "y")
        assert problem(wrong) == (401, "invalid-credentials")

    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({}, "/grant_type"),
            ({"grant_type": "password", "password": "x"}, "/username"),
            ({"grant_type": "password", "username": ADA}, "/password"),
            ({"grant_type": "implicit"}, "/grant_type"),
            ({"grant_type": "refresh_token"}, "/refresh_token"),
            ({"grant_type": "password", "username": ADA, "password": "x", "role": "admin"}, "/role"),
            ({"grant_type": "password", "username": ADA, "password": "x", "totp": "1" * 21}, "/totp"),
        ],
    )
    async def test_says_what_of_the_form_does_not_fit(self, api: Api, said: dict[str, str], wrong: str):
        assert pointers(await form(api, said)) == [wrong]

    async def test_a_field_given_twice_is_refused(self, api: Api):
        assert pointers(await form(api, b"grant_type=password&username=a&username=b&password=x")) == ["/username"]

    @pytest.mark.parametrize("said", [b"grant_type=%FF", b"grant_type=\xff", b"grant_type", b"&&=&;;"])
    async def test_what_is_no_form_is_refused(self, api: Api, said: bytes):
        assert (await form(api, said)).status_code in {400, 422}

    async def test_a_form_is_needed(self, api: Api):
        answer = await api.post(TOKEN, {"grant_type": "password", "username": ADA, "password": PASSWORD})
        assert problem(answer) == (415, "unsupported-media-type")

    async def test_clients_of_oauth_may_say_more(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        answer = await signed_in(api, scope="", client_id="app", client_secret="")
        assert answer.status_code == 200

    async def test_failures_and_successes_are_in_the_security_log(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA)
        await signed_in(api, password="wrong")
        await signed_in(api, "nobody@example.org")
        await signed_in(api)
        found = await api.ports.identity.signing.security.find(limit=10)
        assert [(e.kind, e.account_id) for e in found] == [
            ("login", account),
            ("login_failed", None),
            ("login_failed", account),
        ]
        assert all(event.network for event in found)


class TestLimits:
    async def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        for _ in range(5):
            assert problem(await signed_in(api, password="wrong")) == (401, "invalid-credentials")
        answer = await signed_in(api)
        assert problem(answer) == (429, "too-many-requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["ratelimit-policy"] == '"login";q=5;w=60'
        assert answer.headers["ratelimit"].startswith('"login";r=0;t=')

    async def test_an_unknown_address_is_limited_alike(self, api: Api):
        answers = [await signed_in(api, "nobody@example.org") for _ in range(6)]
        assert [each.status_code for each in answers] == [401] * 5 + [429]

    async def test_a_success_says_what_remains_and_counts_for_nothing(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        for _ in range(8):
            answer = await signed_in(api)
            assert answer.status_code == 200
            assert answer.headers["ratelimit"].startswith('"login";r=4;t=')

    async def test_others_are_not_concerned(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        for _ in range(6):
            await signed_in(api, "nobody@example.org")
        assert (await signed_in(api)).status_code == 200


class TestTotp:
    async def test_a_code_is_needed_and_taken_once(self, api: Api):
        signing = api.ports.identity.signing
        account = await an_account(signing, ADA)
        secret = signing.codes.new_secret()
        await signing.credentials.start_codes(account, secret)
        await signing.credentials.use_code(account, 1, confirms=True)
        assert problem(await signed_in(api)) == (401, "totp-required")
        code = pyotp.TOTP(secret).at(signing.store.now())
        assert problem(await signed_in(api, password="wrong", totp=code)) == (401, "invalid-credentials")
        assert (await signed_in(api, totp=code)).status_code == 200
        assert problem(await signed_in(api, totp=code)) == (401, "invalid-credentials")

    async def test_the_neighbours_of_the_present_code_are_taken_and_no_others(self, api: Api):
        signing = api.ports.identity.signing
        account = await an_account(signing, ADA)
        secret = signing.codes.new_secret()
        await signing.credentials.start_codes(account, secret)
        await signing.credentials.use_code(account, 1, confirms=True)
        totp, now = pyotp.TOTP(secret), signing.store.now()
        for steps in (-3, 3):
            answer = await signed_in(api, totp=totp.at(now, counter_offset=steps))
            assert problem(answer) == (401, "invalid-credentials")
        assert (await signed_in(api, totp=totp.at(now, counter_offset=1))).status_code == 200
        older = await signed_in(api, totp=totp.at(now))
        assert problem(older) == (401, "invalid-credentials"), "older than one that was used"


class TestRefresh:
    async def test_answers_new_tokens(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        first = (await signed_in(api)).json()
        answer = await refreshed(api, first["refresh_token"])
        told = answer.json()
        assert answer.status_code == 200
        assert told["refresh_token"] != first["refresh_token"]
        assert (await bearing(api, "GET", "/v1/auth/sessions", told["access_token"])).status_code == 200
        by_form = await form(api, {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]})
        assert by_form.status_code == 200

    async def test_a_reused_token_ends_the_session_and_its_access_token(self, api: Api, database: Database):
        await an_account(api.ports.identity.signing, ADA)
        first = (await signed_in(api)).json()
        second = (await refreshed(api, first["refresh_token"])).json()
        ask(database.owner, "UPDATE auth.refresh_token SET used_at = used_at - interval '11 s'")
        assert problem(await refreshed(api, first["refresh_token"])) == (401, "unauthenticated")
        assert problem(await refreshed(api, second["refresh_token"])) == (401, "unauthenticated")
        await void(api, second["access_token"])

    async def test_one_token_is_tried_twenty_times_a_minute_by_either_form(self, api: Api):
        said = {"grant_type": "refresh_token", "refresh_token": "x" * 43}
        answers = [await (form(api, said) if n % 2 else refreshed(api, "x" * 43)) for n in range(22)]
        assert [each.status_code for each in answers] == [401] * 20 + [429] * 2
        assert (await refreshed(api, "y" * 43)).status_code == 401

    async def test_the_role_is_the_one_of_now(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA, role=Role.ADMIN)
        first = (await signed_in(api)).json()
        await change(api.ports.store, account, "role", "customer")
        await void(api, first["access_token"])
        told = (await refreshed(api, first["refresh_token"])).json()
        assert told["scope"] == "customer"
        answer = await bearing(api, "GET", "/v1/audit/security", told["access_token"])
        assert problem(answer) == (403, "forbidden")

    async def test_a_disabled_user_is_out_within_a_second(self, api: Api):
        account = await an_account(api.ports.identity.signing, ADA)
        first = (await signed_in(api)).json()
        await change(api.ports.store, account, "disable")
        await void(api, first["access_token"])
        assert problem(await refreshed(api, first["refresh_token"])) == (401, "unauthenticated")
        await change(api.ports.store, account, "enable")
        assert problem(await refreshed(api, first["refresh_token"])) == (401, "unauthenticated")
        assert (await signed_in(api)).status_code == 200

    @pytest.mark.parametrize("token", ["", "x", "x" * 43, "\x00", "\ud7ff" * 100])
    async def test_what_is_none_is_refused(self, api: Api, token: str):
        assert problem(await refreshed(api, token)) == (401, "unauthenticated")


class TestSessions:
    async def test_logging_out_ends_this_one(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        mine, other = [(await signed_in(api)).json() for _ in range(2)]
        answer = await bearing(api, "POST", "/v1/auth/logout", mine["access_token"])
        assert answer.status_code == 204
        await void(api, mine["access_token"])
        assert problem(await refreshed(api, mine["refresh_token"])) == (401, "unauthenticated")
        assert (await refreshed(api, other["refresh_token"])).status_code == 200

    async def test_a_device_is_signed_out_from_another(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        mine, other = [(await signed_in(api)).json() for _ in range(2)]
        listed = (await bearing(api, "GET", "/v1/auth/sessions", mine["access_token"])).json()["items"]
        (theirs,) = [each["id"] for each in listed if not each["current"]]
        path = f"/v1/auth/sessions/{theirs}"
        assert (await bearing(api, "DELETE", path, mine["access_token"])).status_code == 204
        await void(api, other["access_token"])
        assert (await bearing(api, "DELETE", path, mine["access_token"])).status_code == 404

    async def test_all_others_are_signed_out(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        mine, *others = [(await signed_in(api)).json() for _ in range(3)]
        answer = await bearing(api, "DELETE", "/v1/auth/sessions", mine["access_token"])
        assert answer.status_code == 204
        for each in others:
            await void(api, each["access_token"])
        listed = await bearing(api, "GET", "/v1/auth/sessions", mine["access_token"])
        assert [each["current"] for each in listed.json()["items"]] == [True]

    async def test_anothers_session_does_not_exist(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        await signed_in(api)
        account = await an_account(api.ports.identity.signing, "grace@example.org")
        (session,) = await api.ports.identity.signing.sessions.of(
            (await api.ports.identity.signing.security.find(limit=1, kind="login"))[0].account_id or new_id()
        )
        answer = await api.delete(f"/v1/auth/sessions/{session.id}", Caller(account, Role.CUSTOMER))
        assert problem(answer) == (404, "not-found")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/auth/logout"),
            ("GET", "/v1/auth/sessions"),
            ("DELETE", "/v1/auth/sessions"),
            ("DELETE", "/v1/auth/sessions/0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"),
        ],
    )
    async def test_anonymous_callers_are_asked_who_they_are(self, door: Api, method: str, path: str):
        assert problem(await door.ask(method, path)) == (401, "unauthenticated")


class TestDenials:
    async def test_bad_tokens_and_what_is_forbidden_are_recorded(self, api: Api):
        customer = somebody()
        await bearing(api, "GET", "/v1/auth/sessions", "forged")
        await api.get("/v1/audit/security", customer)
        await api.get("/v1/auth/sessions")
        await api.ports.abuse.denials.write()  # type: ignore[attr-defined]
        found = await api.ports.identity.signing.security.find(limit=10)
        assert {(e.kind, e.account_id, e.facts["operation"]) for e in found} == {
            ("denied", customer.id, "list_security_events"),
            ("token_refused", None, "list_sessions"),
        }

    async def test_who_comes_too_often_is_recorded(self, api: Api):
        for _ in range(8):
            await signed_in(api, "nobody@example.org")
        await api.ports.abuse.denials.write()  # type: ignore[attr-defined]
        (found,) = await api.ports.identity.signing.security.find(limit=10, kind="limited")
        assert found.facts == {"operation": "sign_in", "times": 3}
        assert found.network


async def test_an_idempotency_key_is_not_honoured_where_secrets_are_answered(api: Api):
    await an_account(api.ports.identity.signing, ADA)
    first = (await signed_in(api)).json()
    said = {"refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(*(api.post("/v1/auth/refresh", said, idempotency_key="same") for _ in range(2)))
    assert not any("idempotency-replayed" in each.headers for each in answers)
