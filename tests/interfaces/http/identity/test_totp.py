"""One-time codes over HTTP."""

from datetime import timedelta

import pyotp
import pytest

from application.access import Caller, Role
from tests.interfaces.http.sign_in import ADA, signed_in
from tests.interfaces.http.town import Api, problem
from tests.support.signing import PASSWORD, an_account

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


def code(api: Api, totp: pyotp.TOTP, steps: int = 0) -> str:
    return totp.at(api.ports.store.now(), counter_offset=steps)


async def test_codes_count_once_confirmed_until_they_are_given_up(api: Api, ada: Caller):
    totp = await begun(api, ada)
    assert (await signed_in(api)).status_code == 200, "not yet in force"
    answer = await api.post(f"{TOTP}/confirm", {"code": code(api, totp, -1)}, ada)
    assert answer.status_code == 204
    assert problem(await signed_in(api)) == (401, "totp-required")
    again = await api.post(TOTP, {"password": PASSWORD}, ada)
    assert problem(again) == (409, "codes-in-force")
    assert (await signed_in(api, totp=code(api, totp))).status_code == 200
    said = {"password": PASSWORD, "code": code(api, totp)}
    assert problem(await api.ask("DELETE", TOTP, ada, said)) == (403, "wrong-code"), "used to sign in"
    said = {"password": PASSWORD, "code": code(api, totp, 1)}
    assert (await api.ask("DELETE", TOTP, ada, said)).status_code == 204
    assert (await signed_in(api)).status_code == 200
    assert [said["letter"] for _, said in await api.people.enqueued()] == ["totp-confirmed", "totp-stopped"]


async def test_a_new_password_by_mail_leaves_them_in_force(api: Api, ada: Caller):
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": code(api, totp, -1)}, ada)
    ticket = await api.ports.identity.signing.tickets.issue(ada.account, "reset", timedelta(hours=1))  # type: ignore[union-attr]
    another = {"ticket": ticket, "password": "seven herons over the weir"}
    assert (await api.post("/v1/auth/password/reset", another)).status_code == 204
    assert problem(await signed_in(api, password=another["password"])) == (401, "totp-required")


async def test_the_password_is_needed_again(api: Api, ada: Caller):
    assert problem(await api.post(TOTP, {"password": "wrong"}, ada)) == (403, "wrong-password")
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": code(api, totp)}, ada)
    said = {"password": "wrong", "code": code(api, totp, 1)}
    assert problem(await api.ask("DELETE", TOTP, ada, said)) == (403, "wrong-password")


async def test_a_wrong_code_confirms_nothing_and_can_not_be_guessed(api: Api, ada: Caller):
    assert problem(await api.post(f"{TOTP}/confirm", {"code": "123456"}, ada)) == (409, "no-codes")
    totp = await begun(api, ada)
    wrong = f"{(int(code(api, totp)) + 1) % 1_000_000:06}"
    answers = [await api.post(f"{TOTP}/confirm", {"code": wrong}, ada) for _ in range(6)]
    assert problem(answers[0]) == (403, "wrong-code")
    assert problem(answers[-1]) == (429, "too-many-requests")
    assert (await signed_in(api)).status_code == 200


async def test_beside_codes_a_password_may_be_short_and_then_codes_stay(api: Api, ada: Caller):
    short = {"old": PASSWORD, "password": "k7#mQ2!x"}
    assert problem(await api.post("/v1/auth/password/change", short, ada)) == (422, "weak-password")
    totp = await begun(api, ada)
    await api.post(f"{TOTP}/confirm", {"code": code(api, totp)}, ada)
    assert (await api.post("/v1/auth/password/change", short, ada)).status_code == 204
    said = {"password": short["password"], "code": code(api, totp, 1)}
    answer = await api.ask("DELETE", TOTP, ada, said)
    assert problem(answer) == (409, "password-too-short-alone")


async def test_anonymous_callers_are_asked_who_they_are(door: Api):
    for method, path in (("POST", TOTP), ("POST", f"{TOTP}/confirm"), ("DELETE", TOTP)):
        assert problem(await door.ask(method, path, said={})) == (401, "unauthenticated")
