"""One-time codes over HTTP."""

import asyncio
from datetime import timedelta

import pyotp
import pytest

from application.access import Caller, Role
from application.identity.totp import NoCodes, reset_totp
from tests.conftest import Database
from tests.interfaces.http.sign_in import ADA, refreshed, signed_in
from tests.interfaces.http.town import Api, problem
from tests.support.dump import found_in_database
from tests.support.signing import PASSWORD, an_account, one_time_code

TOTP = "/v1/auth/totp"


@pytest.fixture
async def ada(api: Api) -> Caller:
    return Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)


async def begun(api: Api, by: Caller) -> pyotp.TOTP:
    answer = await api.post(TOTP, {"password": PASSWORD}, by)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["uri"].startswith("otpauth://totp/Daybook:")
    assert f"secret={told['secret']}" in told["uri"]
    return pyotp.TOTP(told["secret"])


async def code(api: Api, totp: pyotp.TOTP, steps: int = 0) -> str:
    return await one_time_code(totp, api.ports.store.now, steps)


async def test_codes_count_once_confirmed_until_they_are_given_up(api: Api, ada: Caller):
    totp = await begun(api, ada)
    assert (await signed_in(api)).status_code == 200, "not yet in force"
    answer = await api.post(f"{TOTP}/confirm", {"code": await code(api, totp, -1)}, ada)
    assert answer.status_code == 200
    assert problem(await signed_in(api)) == (401, "totp-required")
    again = await api.post(TOTP, {"password": PASSWORD}, ada)
    assert problem(again) == (409, "codes-in-force")
    assert (await signed_in(api, totp=await code(api, totp))).status_code == 200
    said = {"password": PASSWORD, "code": await code(api, totp)}
    assert problem(await api.ask("DELETE", TOTP, ada, said)) == (403, "wrong-code"), "used to sign in"
    said = {"password": PASSWORD, "code": await code(api, totp, 1)}
    assert (await api.ask("DELETE", TOTP, ada, said)).status_code == 204
    assert (await signed_in(api)).status_code == 200
    assert [said["letter"] for _, said in await api.people.enqueued()] == ["totp-confirmed", "totp-stopped"]


async def test_a_new_password_by_mail_leaves_them_in_force(api: Api, ada: Caller):
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": await code(api, totp, -1)}, ada)
    ticket = await api.ports.identity.signing.tickets.issue(ada.account, "reset", timedelta(hours=1))  # type: ignore[union-attr]
    another = {"ticket": ticket, "password": "seven herons over the weir"}
    assert (await api.post("/v1/auth/password/reset", another)).status_code == 204
    assert problem(await signed_in(api, password=another["password"])) == (401, "totp-required")


async def test_the_password_is_needed_again(api: Api, ada: Caller):
    assert problem(await api.post(TOTP, {"password": "wrong"}, ada)) == (403, "wrong-password")
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": await code(api, totp)}, ada)
    said = {"password": "wrong", "code": await code(api, totp, 1)}
    assert problem(await api.ask("DELETE", TOTP, ada, said)) == (403, "wrong-password")


async def test_a_wrong_code_confirms_nothing_and_can_not_be_guessed(api: Api, ada: Caller):
    assert problem(await api.post(f"{TOTP}/confirm", {"code": "123456"}, ada)) == (409, "no-codes")
    totp = await begun(api, ada)
    wrong = f"{(int(await code(api, totp)) + 1) % 1_000_000:06}"
    answers = [await api.post(f"{TOTP}/confirm", {"code": wrong}, ada) for _ in range(6)]
    assert problem(answers[0]) == (403, "wrong-code")
    assert problem(answers[-1]) == (429, "too-many-requests")
    assert (await signed_in(api)).status_code == 200


async def test_beside_codes_a_password_may_be_short_and_then_codes_stay(api: Api, ada: Caller):
    short = {"old": PASSWORD, "password": "k7#mQ2!x"}
    assert problem(await api.post("/v1/auth/password/change", short, ada)) == (422, "weak-password")
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": await code(api, totp)}, ada)
    assert (await api.post("/v1/auth/password/change", short, ada)).status_code == 204
    said = {"password": short["password"], "code": await code(api, totp, 1)}
    answer = await api.ask("DELETE", TOTP, ada, said)
    assert problem(answer) == (409, "password-too-short-alone")


async def test_anonymous_callers_are_asked_who_they_are(door: Api):
    for method, path in (("POST", TOTP), ("POST", f"{TOTP}/confirm"), ("DELETE", TOTP)):
        assert problem(await door.ask(method, path, said={})) == (401, "unauthenticated")


class TestRecoveryCodes:
    @pytest.fixture
    async def codes(self, api: Api, ada: Caller) -> list[str]:
        totp = await begun(api, ada)
        told = (await api.post(f"{TOTP}/confirm", {"code": await code(api, totp, -1)}, ada)).json()
        return list(told["recovery_codes"])

    async def test_there_are_ten_and_each_signs_in_once(self, api: Api, codes: list[str]):
        assert len(set(codes)) == 10
        for spelled in (codes[0], codes[1].lower(), codes[2].replace("-", " ")):
            assert (await signed_in(api, totp=spelled)).status_code == 200
            assert problem(await signed_in(api, totp=spelled)) == (401, "invalid-credentials")
        events = await api.ports.identity.signing.security.find(limit=50, kind="recovery_code_used")
        assert [event.facts for event in events] == [{"left": 7}, {"left": 8}, {"left": 9}]
        mail = await api.people.last_mail("recovery-code-used")
        assert (mail["to"], mail["subject"]) == (ADA, "A recovery code was used")

    async def test_of_many_who_come_with_one_at_once_one_gets_in(self, api: Api, codes: list[str]):
        answers = await asyncio.gather(*(signed_in(api, totp=codes[0]) for _ in range(4)))
        assert sorted(each.status_code for each in answers) == [200, 401, 401, 401]

    async def test_the_password_is_needed_too(self, api: Api, codes: list[str]):
        assert problem(await signed_in(api, password="wrong", totp=codes[0])) == (401, "invalid-credentials")
        assert (await signed_in(api, totp=codes[0])).status_code == 200, "not used up"

    async def test_one_turns_codes_off_when_the_device_is_lost(self, api: Api, ada: Caller, codes: list[str]):
        said = {"current_password": PASSWORD, "code": codes[0]}
        assert (await api.ask("DELETE", TOTP, ada, said)).status_code == 204
        assert (await signed_in(api)).status_code == 200
        assert await api.people.rows.all("SELECT * FROM auth.recovery_code") == []

    async def test_new_ones_void_those_before(self, api: Api, ada: Caller, codes: list[str]):
        said = {"current_password": PASSWORD, "code": codes[0]}
        renewed = await api.post(f"{TOTP}/recovery-codes", said, ada)
        assert renewed.status_code == 200
        assert problem(await signed_in(api, totp=codes[1])) == (401, "invalid-credentials")
        assert (await signed_in(api, totp=renewed.json()["recovery_codes"][1])).status_code == 200

    async def test_another_s_are_none_of_one_s_own(self, api: Api, codes: list[str]):
        bea = Caller(await an_account(api.ports.identity.signing, "bea@example.org"), Role.CUSTOMER)
        totp = await begun(api, bea)
        await api.post(f"{TOTP}/confirm", {"code": await code(api, totp, -1)}, bea)
        assert problem(await signed_in(api, "bea@example.org", totp=codes[0])) == (401, "invalid-credentials")

    async def test_none_is_kept_in_clear(self, api: Api, database: Database, codes: list[str]):
        plain = [each.replace("-", "") for each in codes]
        assert found_in_database(database.owner, [*codes, *plain]) == set()


@pytest.mark.parametrize("password", [PASSWORD, "k7#mQ2!x"])
async def test_the_operator_turns_codes_off_for_who_lost_everything(api: Api, ada: Caller, password: str):
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": await code(api, totp, -1)}, ada)
    if password != PASSWORD:
        said = {"current_password": PASSWORD, "password": password}
        assert (await api.post("/v1/auth/password/change", said, ada)).status_code == 204
    session = (await signed_in(api, password=password, totp=await code(api, totp))).json()
    await reset_totp(ada.account, api.ports.identity.signing)
    assert problem(await refreshed(api, session["refresh_token"])) == (401, "unauthenticated")
    (event,) = await api.ports.identity.signing.security.find(limit=5, kind="totp_reset")
    assert (event.account_id, event.facts) == (ada.account, {"by": "operator"})
    subjects = [mail["subject"] for mail in await api.people.mails()]
    assert "Two-step sign-in is off" in subjects
    signed = await signed_in(api, password=password)
    if password == PASSWORD:
        assert signed.status_code == 200
    else:  # too short alone
        assert problem(signed) == (401, "invalid-credentials")
        assert "Set a new password" in subjects
    with pytest.raises(NoCodes):
        await reset_totp(ada.account, api.ports.identity.signing)
