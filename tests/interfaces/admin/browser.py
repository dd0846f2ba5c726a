"""A browser without a window: it keeps cookies, and sends the forms of the pages that it has seen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx

from application.access import OPERATOR, Caller
from application.people.account import RegisterAccount, register_account
from interfaces.admin.main import panel_of
from interfaces.admin.routes import panel_routes
from tests.interfaces.http.town import Api
from tests.support.signing import PASSWORD

ORIGIN = "http://daybook.test"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FORM = re.compile(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)


def add_panel(api: Api, public_url: str = ORIGIN) -> Api:
    """Serve the panel beside the API, as the composition root does."""
    app: Any = api.client._transport
    app.app.router.routes.extend(panel_routes(panel_of(public_url)))
    return api


@dataclass
class Browser:
    """`cookies`: as set by answers."""

    api: Api
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        await self.api.catch_up()
        return self._kept(await self.api.client.request("GET", path, headers=self._headers(headers)))

    async def post(self, path: str, form: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Send a form, with the Origin of our pages."""
        await self.api.catch_up()
        sent = self._headers({"origin": ORIGIN, **headers})
        sending = asyncio.ensure_future(self.api.client.request("POST", path, data=dict(form), headers=sent))
        while not (await asyncio.wait([sending], timeout=0.2))[0]:  # an erasure waits for what it has recorded
            await self.api.catch_up()
        return self._kept(sending.result())

    async def sign_in(self, username: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.post("/admin/sign-in", {"username": username, "password": password, **more})

    async def form(self, page: str, action: str = "") -> dict[str, str]:
        """The hidden fields of a page's form that is sent to `action`, by default to the page itself."""
        answer = await self.get(page)
        assert answer.status_code == 200, answer.text
        return hidden(answer.text, action or page)

    async def filled_form(self, page: str) -> dict[str, str]:
        """All fields of the page's form, as a browser sends it when nothing is changed."""
        answer = await self.get(page)
        assert answer.status_code == 200, answer.text
        bodies = {unescape(path): body for path, body in _FORM.findall(answer.text)}
        fields = _Fields()
        fields.feed(bodies[page])
        return fields.found

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"cookie": cookie, **named} if cookie else named

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        for each in answer.headers.get_list("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        self.api.client.cookies.clear()
        return answer


class _Fields(HTMLParser):
    """The fields of a form and their values. A box that is not ticked sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._name = ""
        self._is_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in {"textarea", "select"}:
            self._name, self._is_text = told["name"], tag == "textarea"
            self.found[self._name] = ""
        elif tag == "option" and "selected" in told:
            self.found[self._name] = told["value"]
        elif tag == "input" and "name" in told and (told.get("type") != "checkbox" or "checked" in told):
            self.found[told["name"]] = told.get("value", "on")

    def handle_data(self, data: str) -> None:
        if self._is_text:
            self.found[self._name] += data

    def handle_endtag(self, tag: str) -> None:
        self._is_text = self._is_text and tag != "textarea"


def hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form of a page that is sent to `action`."""
    forms = {unescape(path): dict(_HIDDEN.findall(body)) for path, body in _FORM.findall(text)}
    return {name: unescape(value) for name, value in forms[action].items()}


async def with_password(api: Api, account_id: UUID) -> None:
    """Give an account that was made without mail a password."""
    signing = api.ports.identity.signing
    await signing.credentials.put(account_id, await signing.passwords.hash(PASSWORD), long=True)


async def with_account(api: Api, caller: Caller) -> None:
    """Give somebody of a town the account that their tokens name."""
    id, email = caller.account, f"{caller.account}@example.org"
    contact = {"email": email, "name": f"{caller.role} of the town", "timezone": None, "language": None}
    address = await api.ports.store.address_id(email)
    command = RegisterAccount(by=OPERATOR, account_id=id, role=caller.role, address=address, contact=contact)  # type: ignore[arg-type]
    await register_account(command, api.ports.store)


async def a_session(api: Api, account_id: UUID) -> Browser:
    """A browser that is signed in, whatever the role may do now."""
    await with_password(api, account_id)
    signing = api.ports.identity.signing
    credential = await signing.credentials.get(account_id)
    assert credential is not None
    _, secret = await signing.browsers.open(account_id, "a test", proven=credential.password)
    return Browser(api, {"daybook": secret})
