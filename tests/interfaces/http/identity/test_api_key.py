"""API keys over HTTP."""

from datetime import datetime
from typing import Any

import httpx
import pyotp
import pytest

from application.access import BY_PEOPLE, Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.accounts import token_of
from tests.interfaces.http.sign_in import ADA
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody
from tests.support.instances import eventually
from tests.support.signing import PASSWORD, an_account, change, one_time_code

KEYS = "/v1/api-keys"
NEW: dict[str, Any] = {"name": "screen", "scopes": ["read"], "current_password": PASSWORD}
ANOTHER = "seven herons over the weir"


@pytest.fixture
async def ada(api: Api) -> Caller:
    return Caller(await an_account(api.ports.identity.signing, ADA, role=Role.PROVIDER), Role.PROVIDER)


async def made(api: Api, by: Caller, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(KEYS, {**NEW, "scopes": list(scopes), **more}, by)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def by_key(api: Api, key: str, method: str, path: str, said: Any = None) -> httpx.Response:
    return await api.ask(method, path, said=said, authorization=f"Bearer {key}")


async def test_a_key_is_made_shown_renamed_and_ended(api: Api, ada: Caller):
    answer = await api.post(KEYS, {**NEW, "scopes": ["read", "read"]}, ada)
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{KEYS}/{told['id']}"
    assert answer.headers["cache-control"] == "no-store"
    secret = told.pop("secret")
    assert told["scopes"] == ["read"]
    place = f"{KEYS}/{told['id']}"
    assert (await api.get(place, ada)).json() == told
    assert (await api.get(place, ada, if_none_match=1)).status_code == 304
    assert problem(await api.patch(place, {"name": "door"}, ada)) == (428, "version-missing")
    renamed = await api.patch(place, {"name": "door"}, ada, if_match=1)
    assert renamed.json() == {**told, "name": "door", "version": 2}
    assert problem(await api.delete(place, ada, if_match=1)) == (412, "stale")
    assert (await by_key(api, secret, "GET", "/v1/customers")).status_code == 200
    assert (await api.delete(place, ada, if_match=2)).status_code == 204
    assert problem(await api.get(place, ada)) == (404, "not-found")

    async def refused() -> bool:
        return (await by_key(api, secret, "GET", "/v1/customers")).status_code == 401

    await eventually(refused)


async def test_keys_are_listed_by_cursor(api: Api, ada: Caller):
    ids = [(await made(api, ada, "read"))["id"] for _ in range(3)]
    first = (await api.get(f"{KEYS}?limit=2", ada)).json()
    second = (await api.get(f"{KEYS}?limit=2&cursor={first['next']}", ada)).json()
    assert [each["id"] for each in first["items"] + second["items"]] == ids
    assert second["next"] is None
    assert "secret" not in str(first)


async def test_anothers_keys_do_not_exist(api: Api, ada: Caller):
    place, stranger = f"{KEYS}/{(await made(api, ada, 'read'))['id']}", somebody(Role.ADMIN)
    assert problem(await api.get(place, stranger)) == (404, "not-found")
    assert problem(await api.patch(place, {"name": "x"}, stranger, if_match="*")) == (404, "not-found")
    assert problem(await api.delete(place, stranger, if_match="*")) == (404, "not-found")
    assert (await api.get(KEYS, stranger)).json()["items"] == []


async def test_a_key_does_what_its_scopes_say_and_its_account_may(api: Api, ada: Caller):
    reading = (await made(api, ada, "read"))["secret"]
    tagging = (await made(api, ada, "create_tag", "delete_tag"))["secret"]
    tag = {"slug": "hair"}
    assert (await by_key(api, reading, "GET", "/v1/customers")).status_code == 200
    assert problem(await by_key(api, reading, "POST", "/v1/tags", tag)) == (403, "forbidden")
    made_tag = await by_key(api, tagging, "POST", "/v1/tags", tag)
    assert made_tag.status_code == 201
    assert problem(await by_key(api, tagging, "GET", "/v1/customers")) == (403, "forbidden")
    path = f"/v1/tags/{made_tag.json()['id']}"
    assert problem(await by_key(api, tagging, "DELETE", path)) == (403, "forbidden"), "an admin's to do"
    assert problem(await by_key(api, reading, "GET", "/v1/audit/ledger")) == (403, "forbidden")


async def test_no_key_makes_keys_or_changes_passwords(api: Api, ada: Caller):
    key = (await made(api, ada, "read", "write"))["secret"]
    assert problem(await by_key(api, key, "POST", KEYS, NEW))[0] == 403
    assert problem(await by_key(api, key, "GET", KEYS))[0] == 403
    assert problem(await by_key(api, key, "POST", "/v1/auth/password/change", {}))[0] == 403
    assert problem(await by_key(api, key, "DELETE", "/v1/auth/sessions"))[0] == 403


async def test_the_password_is_needed_again_and_a_code_where_codes_are_on(api: Api, ada: Caller):
    assert pointers(await api.post(KEYS, {"name": "screen", "scopes": ["read"]}, ada)) == ["/current_password"]
    wrong = {**NEW, "current_password": "wrong"}
    assert problem(await api.post(KEYS, wrong, ada)) == (403, "wrong-password")
    begun = await api.post("/v1/auth/totp", {"password": PASSWORD}, ada)
    codes, now = pyotp.TOTP(begun.json()["secret"]), api.ports.store.now
    await api.post("/v1/auth/totp/confirm", {"code": await one_time_code(codes, now, -1)}, ada)
    assert problem(await api.post(KEYS, NEW, ada)) == (403, "wrong-code")
    code = {"code": await one_time_code(codes, now)}
    assert (await api.post(KEYS, {**NEW, **code}, ada)).status_code == 201
    assert problem(await api.post(KEYS, {**NEW, **code}, ada)) == (403, "wrong-code"), "used"
    assert len((await api.get(KEYS, ada)).json()["items"]) == 1


async def test_its_owner_is_told_by_mail(api: Api, ada: Caller):
    await made(api, ada, "read")
    mail = await api.people.last_mail()
    assert (mail["to"], mail["subject"]) == (ADA, "An API key was created")


async def test_it_lives_90_days_unless_its_owner_says_otherwise(api: Api, ada: Caller):
    key = await made(api, ada, "read")
    days = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert days.total_seconds() == pytest.approx(90 * 86_400, abs=60)
    assert (await made(api, ada, "read", expires_at=None))["expires_at"] is None


async def test_a_reset_ends_all_keys_and_they_are_listed_beside_sessions(api: Api, ada: Caller):
    key = await made(api, ada, "read")
    secret = key.pop("secret")
    other = Caller(await an_account(api.ports.identity.signing, "bea@example.org"), Role.CUSTOMER)
    theirs = (await made(api, other, "read"))["secret"]
    assert (await api.get("/v1/auth/sessions", ada)).json()["api_keys"] == [key]
    await api.post("/v1/auth/password/forgot", {"email": ADA})
    reset = {"ticket": token_of(await api.people.last_mail("reset")), "password": ANOTHER}
    assert (await api.post("/v1/auth/password/reset", reset)).status_code == 204
    assert (await api.get("/v1/auth/sessions", ada)).json()["api_keys"] == []
    assert problem(await by_key(api, secret, "GET", "/v1/customers")) == (401, "unauthenticated")
    assert (await by_key(api, theirs, "GET", "/v1/customers")).status_code == 200


async def test_all_sessions_and_keys_end_at_once(api: Api, ada: Caller):
    await made(api, ada, "read")
    assert (await api.delete("/v1/auth/sessions", ada)).status_code == 204
    assert len((await api.get(KEYS, ada)).json()["items"]) == 1
    assert (await api.delete("/v1/auth/sessions?api_keys=true", ada)).status_code == 204
    assert (await api.get(KEYS, ada)).json()["items"] == []


async def test_an_admin_s_key_makes_no_people_and_changes_none(api: Api):
    admin = Caller(await an_account(api.ports.identity.signing, ADA, role=Role.ADMIN), Role.ADMIN)
    key = (await made(api, admin, "read", "write"))["secret"]
    said = {"email": "bea@example.org", "name": "Bea", "role": "admin"}
    path, before = f"/v1/users/{new_id()}", await api.ports.ledger.head()
    for method, where, body in (
        ("POST", "/v1/users", said),
        ("PATCH", path, {"role": "admin"}),
        ("DELETE", path, None),
        ("POST", f"{path}/forget", {}),
        ("DELETE", f"{path}/forget", None),
    ):
        assert problem(await by_key(api, key, method, where, body)) == (403, "forbidden")
    assert await api.ports.ledger.head() == before
    refused = await api.post(KEYS, {**NEW, "scopes": ["create_user"]}, admin)
    assert pointers(refused) == ["/scopes/0"]


async def test_a_key_of_a_disabled_account_dies_within_a_second_or_so(api: Api, ada: Caller):
    key = (await made(api, ada, "read"))["secret"]
    assert (await by_key(api, key, "GET", "/v1/customers")).status_code == 200
    await change(api.ports.store, ada.account, "disable")

    async def refused() -> bool:
        return (await by_key(api, key, "GET", "/v1/customers")).status_code == 401

    await eventually(refused)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"scopes": [next(iter(BY_PEOPLE))]}, "/scopes/0"),
        ({"name": ""}, "/name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"account_id": "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"}, "/account_id"),
        ({"role": "admin"}, "/role"),
    ],
)
async def test_says_what_does_not_fit(api: Api, ada: Caller, change: dict[str, Any], wrong: str):
    assert pointers(await api.post(KEYS, {**NEW, **change}, ada)) == [wrong]


@pytest.mark.parametrize("key", ["dbk_", "dbk_x", "dbk_" + "0" * 32 + "_" + "x" * 43, "dbk_\x00"])
async def test_what_is_no_key_is_refused(api: Api, key: str):
    answer = await by_key(api, key.replace("\x00", "%00"), "GET", "/v1/customers")
    assert problem(answer) == (401, "unauthenticated")


async def test_anonymous_callers_are_asked_who_they_are(door: Api):
    for method, path in (("POST", KEYS), ("GET", KEYS), ("GET", f"{KEYS}/{new_id()}")):
        assert problem(await door.ask(method, path)) == (401, "unauthenticated")
