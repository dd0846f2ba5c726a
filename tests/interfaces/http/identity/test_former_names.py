"""Fields have one name each; the names of release 0.1.0 are still accepted."""

from collections.abc import Awaitable, Callable

import httpx
import pyotp
import pytest

from application.access import Caller, Role
from tests.interfaces.http.accounts import token_of
from tests.interfaces.http.sign_in import ADA, register
from tests.interfaces.http.town import Api, pointers
from tests.support.signing import PASSWORD, an_account, one_time_code

ANOTHER = "seven herons over the weir"
Send = Callable[[Api, Caller, str], Awaitable[httpx.Response]]


async def verify(api: Api, _: Caller, name: str) -> httpx.Response:
    await register(api)
    return await api.post("/v1/auth/email/verify", {name: token_of(await api.people.last_mail())})


async def reset(api: Api, _: Caller, name: str) -> httpx.Response:
    await api.post("/v1/auth/password/forgot", {"email": ADA})
    said = {name: token_of(await api.people.last_mail()), "password": ANOTHER}
    return await api.post("/v1/auth/password/reset", said)


async def change(api: Api, me: Caller, name: str) -> httpx.Response:
    return await api.post("/v1/auth/password/change", {name: PASSWORD, "password": ANOTHER}, me)


async def start(api: Api, me: Caller, name: str) -> httpx.Response:
    return await api.post("/v1/auth/totp", {name: PASSWORD}, me)


async def stop(api: Api, me: Caller, name: str) -> httpx.Response:
    if name == "unknown":
        return await api.ask("DELETE", "/v1/auth/totp", me, {name: PASSWORD, "code": "123456"})
    codes = pyotp.TOTP((await start(api, me, "current_password")).json()["secret"])
    now = api.ports.store.now
    await api.post("/v1/auth/totp/confirm", {"code": await one_time_code(codes, now, -1)}, me)
    return await api.ask("DELETE", "/v1/auth/totp", me, {name: PASSWORD, "code": await one_time_code(codes, now)})


async def move(api: Api, me: Caller, name: str) -> httpx.Response:
    return await api.patch("/v1/me", {"email": "ada@new.example", name: PASSWORD}, me, if_match="*")


@pytest.mark.parametrize(
    ("send", "name", "former"),
    [
        (verify, "code", "token"),
        (reset, "code", "ticket"),
        (change, "current_password", "old"),
        (start, "current_password", "password"),
        (stop, "current_password", "password"),
        (move, "current_password", "password"),
    ],
)
async def test_a_field_is_known_by_its_name_and_by_its_former_one(api: Api, send: Send, name: str, former: str):
    me = Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)
    assert pointers(await send(api, me, "unknown"))[0] in {f"/{name}", "/unknown"}
    assert (await send(api, me, former)).is_success


@pytest.mark.parametrize("send", [verify, reset, change, start, stop, move])
async def test_the_documented_name_is_taken(api: Api, send: Send):
    me = Caller(await an_account(api.ports.identity.signing, ADA), Role.CUSTOMER)
    name = "code" if send in {verify, reset} else "current_password"
    assert (await send(api, me, name)).is_success
