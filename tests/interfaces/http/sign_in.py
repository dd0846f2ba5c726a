"""Registering and signing in over HTTP, as clients do it."""

from typing import Any
from urllib.parse import urlencode

import httpx

from application.access import OPERATOR, Caller, Role
from application.people.account import RegisterAccount, register_account
from domain.kernel import new_id
from tests.interfaces.http import accounts
from tests.interfaces.http.town import Api
from tests.support.instances import eventually
from tests.support.signing import PASSWORD

FORM = "application/x-www-form-urlencoded"
TOKEN = "/v1/auth/token"
ADA = "ada@example.org"
GRACE: dict[str, Any] = {"email": "grace@example.org", "password": accounts.PASSWORD, "name": "Grace Hopper"}


async def register(api: Api, **changes: Any) -> httpx.Response:
    return await api.post("/v1/auth/register", GRACE | changes)


async def prove(api: Api, token: str) -> httpx.Response:
    return await api.post("/v1/auth/email/verify", {"token": token})


async def an_account(api: Api, email: str = "grace@example.org", role: Role = Role.CUSTOMER) -> Caller:
    """Made without mail."""
    id, address = new_id(), await api.ports.store.address_id(email)
    contact = {"email": email, "name": "Grace Hopper", "timezone": None, "language": None}
    command = RegisterAccount(by=OPERATOR, account_id=id, role=role, address=address, contact=contact)
    await register_account(command, api.ports.store)
    return Caller(id, role)


async def signed_in(api: Api, username: str = ADA, password: str = PASSWORD, **more: str) -> httpx.Response:
    """The answer to the password form."""
    said = {"grant_type": "password", "username": username, "password": password, **more}
    return await form(api, said)


async def form(api: Api, said: Any) -> httpx.Response:
    body = said if isinstance(said, bytes) else urlencode(said).encode()
    return await api.ask("POST", TOKEN, said=body, content_type=FORM, user_agent="curl/8.0")


async def bearing(api: Api, method: str, path: str, token: str, said: Any = None) -> httpx.Response:
    return await api.ask(method, path, said=said, authorization=f"Bearer {token}")


async def refreshed(api: Api, token: str) -> httpx.Response:
    return await api.post("/v1/auth/refresh", {"refresh_token": token})


async def void(api: Api, token: str) -> None:
    """Return once the token does not count any more."""

    async def refused() -> bool:
        return (await bearing(api, "GET", "/v1/auth/sessions", token)).status_code == 401

    await eventually(refused)
