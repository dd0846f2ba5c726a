"""API keys over HTTP."""

from typing import Any

import httpx
import pytest

from application.access import BY_PEOPLE, Caller, Role
from domain.kernel import new_id
from tests.interfaces.http.sign_in import ADA
from tests.interfaces.http.town import Api, pointers, problem
from tests.support.builders import somebody
from tests.support.instances import eventually
from tests.support.signing import an_account, change

KEYS = "/v1/api-keys"


@pytest.fixture
async def ada(api: Api) -> Caller:
    return Caller(await an_account(api.ports.identity.signing, ADA, role=Role.PROVIDER), Role.PROVIDER)


async def made(api: Api, by: Caller, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(KEYS, {"name": "screen", "scopes": list(scopes), **more}, by)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def by_key(api: Api, key: str, method: str, path: str, said: Any = None) -> httpx.Response:
    return await api.ask(method, path, said=said, authorization=f"Bearer {key}")


async def test_a_key_is_made_shown_renamed_and_ended(api: Api, ada: Caller):
    answer = await api.post(KEYS, {"name": "screen", "scopes": ["read", "read"]}, ada)
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
    assert problem(await by_key(api, key, "POST", KEYS, {"name": "x", "scopes": ["read"]}))[0] == 403
    assert problem(await by_key(api, key, "GET", KEYS))[0] == 403
    assert problem(await by_key(api, key, "POST", "/v1/auth/password/change", {}))[0] == 403
    assert problem(await by_key(api, key, "DELETE", "/v1/auth/sessions"))[0] == 403


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
    assert pointers(await api.post(KEYS, {"name": "x", "scopes": ["read"], **change}, ada)) == [wrong]


@pytest.mark.parametrize("key", ["dbk_", "dbk_x", "dbk_" + "0" * 32 + "_" + "x" * 43, "dbk_\x00"])
async def test_what_is_no_key_is_refused(api: Api, key: str):
    answer = await by_key(api, key.replace("\x00", "%00"), "GET", "/v1/customers")
    assert problem(answer) == (401, "unauthenticated")


async def test_anonymous_callers_are_asked_who_they_are(door: Api):
    for method, path in (("POST", KEYS), ("GET", KEYS), ("GET", f"{KEYS}/{new_id()}")):
        assert problem(await door.ask(method, path)) == (401, "unauthenticated")
