"""Ways to somebody's account that don't lead through their password or their mailbox."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import TOKEN, text_of, token_of
from tests.interfaces.http.sign_in import ADA, bearing, prove, register, signed_in
from tests.interfaces.http.sign_in import an_account as registered
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.signing import PASSWORD, an_account

FORBIDDEN = (403, "forbidden")


async def a_key(api: Api, by: Caller, *scopes: str) -> str:
    made = await api.post("/v1/api-keys", {"name": "screen", "scopes": list(scopes), "current_password": PASSWORD}, by)
    secret: str = made.json()["secret"]
    return secret


async def by_key(api: Api, key: str, method: str, path: str, said: Any = None, **more: Any) -> httpx.Response:
    await api.catch_up()
    return await api.ask(method, path, said=said, authorization=f"Bearer {key}", **more)


class TestExport:
    async def test_no_mail_in_it_lets_its_reader_set_the_password(self, api: Api):
        ada = Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)
        await api.post("/v1/auth/password/forgot", {"email": ADA})
        ticket = token_of(await api.people.last_mail())
        told = await api.get("/v1/me/export", ada)
        (mail,) = told.json()["mails"]
        assert mail["subject"] == "Set a new password"
        assert ticket not in told.text
        assert TOKEN.search(mail["text"]) is None

    async def test_no_mail_in_it_proves_an_address_that_is_another_s(self, town: Town):
        said = {"name": "Guest", "email": "victim@example.org"}
        guest = (await town.api.post("/v1/customers", said, town.owner)).json()["id"]
        eve = await registered(town.api, "eve@example.org")
        await town.api.patch("/v1/me", {"email": "victim@example.org"}, eve, if_match=1)
        await town.api.people.mails()
        export = (await town.api.get("/v1/me/export", eve)).text
        for code in set(re.findall(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", export)):
            assert problem(await prove(town.api, code))[0] >= 400
        assert problem(await town.api.get(f"/v1/customers/{guest}", eve)) == (404, "not-found")

    async def test_it_is_of_oneself_whatever_else_is_asked_for(self, api: Api):
        ada, eve = await registered(api, ADA), await registered(api, "eve@example.org")
        told = (await api.get("/v1/me/export", eve)).json()
        assert told["account"]["id"] == str(eve.id)
        assert str(ada.id) not in str(told)
        for name in ("account_id", "id", "user_id"):
            assert problem(await api.get(f"/v1/me/export?{name}={ada.id}", eve))[0] == 422


class TestAddress:
    @pytest.mark.parametrize(
        ("guest", "stranger"),
        [
            ("info@strasse.example", "info@straße.example"),
            ("info@straße.example", "info@strasse.example"),
            ("info@fass.example", "info@faß.example"),
            ("info@σίσυφοσ.example", "info@σίσυφος.example"),
        ],
    )
    async def test_who_proves_one_domain_claims_no_guest_of_another(self, town: Town, guest: str, stranger: str):
        said = {"name": "Guest", "email": guest, "phone": "+1 555 0100", "note": "allergic"}
        made = (await town.api.post("/v1/customers", said, town.owner)).json()
        assert made["email"] == guest
        await register(town.api, email=stranger)
        mail = await town.api.people.last_mail()
        assert mail["to"].isascii()
        proven = await prove(town.api, token_of(mail))
        me = Caller(UUID(proven.json()["account_id"]), Role.CUSTOMER)
        assert problem(await town.api.get(f"/v1/customers/{made['id']}", me)) == (404, "not-found")
        assert (await town.api.get("/v1/me", me)).json()["email"] == stranger

    async def test_who_proves_another_spelling_of_it_claims_its_guest(self, town: Town):
        said = {"name": "Guest", "email": "Ida@BÜCHER.example"}
        made = (await town.api.post("/v1/customers", said, town.owner)).json()
        await register(town.api, email="ida@xn--bcher-kva.example")
        mail = await town.api.people.last_mail()
        assert mail["to"] == "ida@xn--bcher-kva.example"
        proven = await prove(town.api, token_of(mail))
        me = Caller(UUID(proven.json()["account_id"]), Role.CUSTOMER)
        assert (await town.api.get(f"/v1/customers/{made['id']}", me)).json()["email"] == "Ida@BÜCHER.example"

    @pytest.mark.parametrize(
        "email", ["x@b.example,postmaster", "jörg@example.org", "ada@localhost", "a@exam_ple.org", "a@[192.0.2.1]"]
    )
    async def test_every_door_refuses_what_mail_can_not_go_to(self, town: Town, email: str):
        api, me = town.api, await registered(town.api, "eve@example.org")
        guest = (await api.post("/v1/customers", {"name": "Guest"}, town.owner)).json()
        path, person = f"/v1/customers/{guest['id']}", {"name": "Guest", "email": email}
        answers = [
            await register(api, email=email),
            await api.post("/v1/users", {**person, "role": "customer"}, town.admin),
            await api.patch("/v1/me", {"email": email, "password": PASSWORD}, me, if_match="*"),
            await api.post("/v1/customers", person, town.owner),
            await api.put(path, person, town.owner, if_match="*"),
            await api.patch(path, {"email": email}, town.owner, if_match="*"),
        ]
        assert [pointers(each) for each in answers] == [["/email"]] * len(answers)


class TestSessions:
    async def test_another_s_session_is_neither_seen_nor_ended(self, api: Api):
        await an_account(api.ports.identity.signing, ADA)
        eve = Caller(await an_account(api.ports.identity.signing, "eve@example.org"), Role.CUSTOMER)
        token = (await signed_in(api)).json()["access_token"]
        (session,) = (await bearing(api, "GET", "/v1/auth/sessions", token)).json()["items"]
        for by in (eve, Caller(new_id(), Role.ADMIN)):
            assert (await api.get("/v1/auth/sessions", by)).json()["items"] == []
            path = f"/v1/auth/sessions/{session['id']}"
            assert problem(await api.delete(path, by)) == (404, "not-found")
            assert (await api.delete("/v1/auth/sessions", by)).status_code == 204
        (still,) = (await bearing(api, "GET", "/v1/auth/sessions", token)).json()["items"]
        assert still["id"] == session["id"]


class TestApiKey:
    @pytest.fixture
    async def ada(self, api: Api) -> Caller:
        return Caller(await an_account(api.ports.identity.signing, ADA, role=Role.PROVIDER), Role.PROVIDER)

    async def test_one_that_reads_writes_nothing(self, api: Api, ada: Caller):
        key = await a_key(api, ada, "read")
        provider = {"name": "Ada", "timezone": "UTC"}
        made = await api.post("/v1/providers", provider, ada)
        before = await api.ports.ledger.head()
        path = made.headers["location"]
        for method, where, said in (
            ("POST", "/v1/providers", provider),
            ("PATCH", path, {"name": "Eve"}),
            ("PUT", path, provider),
            ("DELETE", path, None),
            ("PUT", f"{path}/schedule", {"timezone": "UTC", "weekly": []}),
            ("PATCH", "/v1/me", {"name": "Eve"}),
            ("POST", "/v1/customers", {"name": "Guest"}),
        ):
            answer = await by_key(api, key, method, where, said, if_match="*")
            assert problem(answer) == FORBIDDEN
        assert await api.ports.ledger.head() == before
        assert (await by_key(api, key, "GET", f"{path}/schedule")).status_code == 200

    @pytest.mark.parametrize(
        ("method", "path", "said"),
        [
            ("POST", "/v1/auth/password/change", {"old": PASSWORD, "password": "seven herons over the weir"}),
            ("POST", "/v1/auth/totp", {"password": PASSWORD}),
            ("POST", "/v1/auth/totp/confirm", {"code": "123456"}),
            ("DELETE", "/v1/auth/totp", {"password": PASSWORD, "code": "123456"}),
            ("GET", "/v1/auth/sessions", None),
            ("DELETE", "/v1/auth/sessions", None),
            ("POST", "/v1/auth/logout", None),
            ("GET", "/v1/api-keys", None),
            ("POST", "/v1/api-keys", {"name": "another", "scopes": ["write"], "current_password": PASSWORD}),
            ("PATCH", "/v1/me", {"email": "eve@example.org"}),
            ("POST", "/v1/me/forget", {}),
            ("DELETE", "/v1/me/forget", None),
        ],
    )
    async def test_none_changes_how_its_owner_gets_in_or_whether(
        self, api: Api, ada: Caller, method: str, path: str, said: Any
    ):
        key = await a_key(api, ada, "read", "write")
        asked = await api.people.enqueued()
        assert problem(await by_key(api, key, method, path, said, if_match="*")) == FORBIDDEN
        assert await api.people.enqueued() == asked

    async def test_none_acts_for_another(self, api: Api, ada: Caller):
        made = await api.post("/v1/providers", {"name": "Ada", "timezone": "UTC"}, ada)
        eve = Caller(await an_account(api.ports.identity.signing, "eve@example.org", role=Role.PROVIDER), Role.PROVIDER)
        key = await a_key(api, eve, "read", "write", "delete_provider")
        path = made.headers["location"]
        assert problem(await by_key(api, key, "DELETE", path, if_match="*")) == (404, "not-found")
        assert problem(await by_key(api, key, "GET", f"{path}/schedule")) == (404, "not-found")


async def test_the_mail_itself_still_has_the_code(api: Api):
    await an_account(api.ports.identity.signing, ADA)
    await api.post("/v1/auth/password/forgot", {"email": ADA})
    assert TOKEN.search(text_of(await api.people.last_mail())) is not None
