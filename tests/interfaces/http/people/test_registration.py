"""Whoever proves an e-mail address has an account, and nobody else learns who has one."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from application.access import Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import PASSWORD, text_of, token_of
from tests.interfaces.http.sign_in import GRACE, an_account, prove, register, signed_in
from tests.interfaces.http.town import Api, Town, pointers, problem
from tests.support.builders import somebody


class Died(BaseException):
    """The process is gone."""


class TestRegister:
    async def test_the_mail_s_code_makes_the_account(self, api: Api):
        assert (await register(api)).status_code == 202
        mail = await api.people.last_mail()
        assert (mail["to"], mail["subject"]) == ("grace@example.org", "Confirm your e-mail address")
        token = token_of(mail)
        assert f"https://daybook.test/verify?code={token}&lang=en" in text_of(mail)
        proven = await prove(api, token)
        assert proven.status_code == 200
        me = Caller(UUID(proven.json()["account_id"]), Role.CUSTOMER)
        position = proven.headers["daybook-position"]
        shown = (await api.get("/v1/me", me, daybook_position=position)).json()
        said = {
            "email": "grace@example.org",
            "name": "Grace Hopper",
            "role": "customer",
            "standing": "active",
        }
        assert shown == shown | said | {"id": str(me.id), "version": 1, "forgetting_due": None}
        customer = (await api.get(f"/v1/customers/{me.id}", me)).json()
        assert (customer["name"], customer["email"]) == ("Grace Hopper", "grace@example.org")
        credential = await api.people.credentials.get(me.account)
        assert credential is not None
        assert await api.people.passwords.verify(PASSWORD, credential.password)

    async def test_nothing_is_there_before(self, api: Api):
        await register(api)
        await api.people.mails()
        assert (await api.get("/v1/users", somebody(Role.ADMIN))).json()["items"] == []
        assert await api.people.rows.all("SELECT * FROM auth.credential") == []

    async def test_a_known_address_gets_the_same_answer_and_another_mail(self, api: Api):
        await an_account(api)
        known, unknown = await register(api), await register(api, email="bea@example.org")
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
        assert set(known.headers) == set(unknown.headers)
        told = {mail["to"]: mail["subject"] for mail in await api.people.mails()}
        assert told == {
            "grace@example.org": "You already have an account",
            "bea@example.org": "Confirm your e-mail address",
        }

    async def test_the_mail_speaks_the_language_that_was_asked_for(self, api: Api):
        await register(api, language="ru")
        assert (await api.people.last_mail())["subject"] == "Подтвердите адрес электронной почты"

    async def test_nothing_that_a_stranger_chose_is_mailed_to_the_address(self, api: Api):
        await register(api, name="Win a car at http://evil.example")
        mail = await api.people.last_mail()
        assert "evil" not in mail.as_string()
        assert "evil" not in text_of(mail)

    async def test_a_provider_registers_as_one(self, api: Api):
        await register(api, role="provider")
        proven = await prove(api, token_of(await api.people.last_mail()))
        me = Caller(UUID(proven.json()["account_id"]), Role.PROVIDER)
        assert (await api.get("/v1/me", me)).json()["role"] == "provider"

    @pytest.mark.parametrize("role", ["admin", "auditor", "analyst", "anonymous", "owner", None])
    async def test_nobody_registers_as_more(self, door: Api, role: Any):
        assert pointers(await register(door, role=role)) == ["/role"]

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"email": "grace"}, "/email"),
            ({"email": "grace@localhost"}, "/email"),
            ({"email": "grace@example.org\r\nBcc: all@example.org"}, "/email"),
            ({"email": "a b@example.org"}, "/email"),
            ({"name": " "}, "/name"),
            ({"name": "A\nB"}, "/name"),
            ({"timezone": "Mars/Olympus"}, "/timezone"),
            ({"language": "../en"}, "/language"),
            ({"account_id": str(new_id())}, "/account_id"),
            ({"standing": "active"}, "/standing"),
        ],
    )
    async def test_says_which_field_does_not_fit(self, door: Api, changes: dict[str, Any], pointer: str):
        assert pointers(await register(door, **changes)) == [pointer]

    @pytest.mark.parametrize(
        "password",
        ["short", "password1234567", "x" * 257, "x" * 900_000, "grace@example.org1", "é" * 14],
        ids=["short", "common", "257", "900000", "address", "fourteen"],
    )
    async def test_a_weak_password_is_refused(self, api: Api, password: str):
        assert problem(await register(api, password=password)) == (422, "weak-password")
        assert await api.people.mails() == []

    @pytest.mark.parametrize("password", ["ж" * 20 + "q!7", "p4ssage to india " * 15], ids=["72+", "255"])
    async def test_a_long_password_is_taken_as_a_whole(self, api: Api, password: str):
        assert (await register(api, password=password)).status_code == 202

    async def test_is_limited_by_address_and_network_whether_it_is_known_or_not(self, api: Api):
        await an_account(api)
        for email in (GRACE["email"], "bea@example.org"):
            answers = [await register(api, email=email) for _ in range(6)]
            assert [each.status_code for each in answers] == [202] * 5 + [429]
        others = [await register(api, email=f"{n}@example.org") for n in range(10)]
        assert [each.status_code for each in others] == [202] * 8 + [429] * 2  # 20 of this network

    async def test_an_idempotency_key_is_no_matter(self, api: Api):
        answer = await api.post("/v1/auth/register", GRACE, idempotency_key="k")
        assert answer.status_code == 202


class TestVerifyEmail:
    async def test_a_code_is_good_once(self, api: Api):
        await register(api)
        token = token_of(await api.people.last_mail())
        assert (await prove(api, token)).status_code == 200
        assert problem(await prove(api, token)) == (410, "ticket-void")

    async def test_codes_can_not_be_tried_for_long(self, api: Api):
        answers = [await prove(api, "x" * 43) for _ in range(61)]
        assert [each.status_code for each in answers] == [410] * 60 + [429]

    async def test_a_code_that_was_never_sent_is_void(self, api: Api):
        assert problem(await prove(api, "x" * 43)) == (410, "ticket-void")
        assert pointers(await prove(api, "x")) == ["/token"]

    async def test_a_code_is_good_for_a_day(self, api: Api):
        await register(api)
        token = token_of(await api.people.last_mail())
        await api.people.rows.all("UPDATE auth.verification SET expires_at = expires_at - interval '24 hours'")
        assert problem(await prove(api, token)) == (410, "ticket-void")

    async def test_of_two_registrations_of_an_address_only_the_newest_counts(self, api: Api):
        await register(api, password="another ship at sea", name="Mallory")
        (first,) = {token_of(mail) for mail in await api.people.mails()}
        await register(api)
        (second,) = {token_of(mail) for mail in await api.people.mails()} - {first}
        assert problem(await prove(api, first)) == (410, "ticket-void")
        assert (await prove(api, second)).status_code == 200
        assert [item["name"] for item in (await _users(api))["items"]] == ["Grace Hopper"]
        assert len(await api.people.rows.all("SELECT * FROM auth.credential")) == 1

    async def test_an_older_registration_is_not_mailed_after_a_newer_one(self, api: Api):
        """Its job waits longer than that of the newer one."""
        await register(api, name="Mallory")
        await api.people.rows.all("UPDATE work.job SET due_at = due_at + interval '1 hour'")
        await register(api)
        (token,) = {token_of(mail) for mail in await api.people.mails()}
        await api.people.rows.all("UPDATE work.job SET due_at = due_at - interval '1 hour' WHERE done_at IS NULL")
        assert len(await api.people.mails()) == 1
        assert (await prove(api, token)).status_code == 200
        assert [item["name"] for item in (await _users(api))["items"]] == ["Grace Hopper"]

    async def test_of_many_at_once_one_counts(self, api: Api):
        for n in range(5):
            await register(api, name=f"Grace {n}")
        tokens = [token_of(mail) for mail in await api.people.mails()]
        answers = await asyncio.gather(*(prove(api, token) for token in tokens))
        assert sorted(answer.status_code for answer in answers) == [200] + [410] * (len(tokens) - 1)
        assert [item["name"] for item in (await _users(api))["items"]] == ["Grace 4"]
        assert len(await api.people.rows.all("SELECT * FROM auth.credential")) == 1

    async def test_the_mail_says_when_and_from_which_network_it_was_asked_for(self, api: Api):
        await register(api)
        now = api.ports.store.now()
        text = text_of(await api.people.last_mail()).replace("\u00a0", " ")
        when = f"{now:%-d %B %Y}, {now:%-I:%M} {now:%p}".replace("AM", "am").replace("PM", "pm")
        assert f"It was requested on {when} (UTC), from the network address 127.0.0.1." in text

    async def test_a_code_finishes_what_a_crash_left_half_done(self, api: Api, monkeypatch: pytest.MonkeyPatch):
        """The log has recorded the account, and its password has not been stored."""
        await register(api)
        token, done = token_of(await api.people.last_mail()), api.people.verifications.done

        async def dies(_: str) -> None:
            raise Died

        monkeypatch.setattr(api.people.verifications, "done", dies)
        with pytest.raises(Died):
            await prove(api, token)
        assert await api.people.rows.all("SELECT * FROM auth.credential") == []
        monkeypatch.setattr(api.people.verifications, "done", done)
        assert (await prove(api, token)).status_code == 200
        signed = await signed_in(api, GRACE["email"], PASSWORD)
        assert signed.status_code == 200
        assert problem(await prove(api, token)) == (410, "ticket-void")

    async def test_of_two_with_the_same_code_one_wins(self, api: Api):
        await register(api)
        token = token_of(await api.people.last_mail())
        answers = await asyncio.gather(*(prove(api, token) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410, 410]

    async def test_who_proves_an_address_sees_the_appointments_of_its_guest(self, town: Town):
        api = town.api
        said = {"name": "Guest", "email": "Grace@Example.org"}
        guest = (await api.post("/v1/customers", said, town.owner)).json()["id"]
        appointment = await town.booked(by=town.owner, customer_id=guest)
        await register(api)
        proven = await prove(api, token_of(await api.people.last_mail()))
        me = Caller(UUID(proven.json()["account_id"]), Role.CUSTOMER)
        listed = (await api.get("/v1/appointments", me)).json()["items"]
        assert [item["id"] for item in listed] == [appointment["id"]]
        assert listed[0]["customer_id"] == guest
        customers = {item["id"] for item in (await api.get("/v1/customers", me)).json()["items"]}
        assert customers == {guest, str(me.id)}
        path = f"/v1/appointments/{appointment['id']}"
        assert (await api.get(path, somebody())).status_code == 404
        assert (await api.get(f"{path}/history", me)).status_code == 200
        cancelled = await api.post(f"{path}/cancel", {}, me, if_match=appointment["version"])
        assert cancelled.json()["status"] == "cancelled"


async def _users(api: Api) -> dict[str, Any]:
    told: dict[str, Any] = (await api.get("/v1/users", somebody(Role.ADMIN))).json()
    return told
