"""Runs operations of the API within the process, as the person who is signed in.

So permission, ownership, validation, rate limits, versions and idempotency keys are those of the API, and a page can
neither show nor do what the API would refuse.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from interfaces.admin.request import PanelRequest
from interfaces.http.app import ROUTERS
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.routing import Route

OPERATIONS: Mapping[str, Route] = {route.operation: route for router in ROUTERS for route in router.routes}
_PARAMETER = re.compile(r"\{(\w+)\}")
_BROWSERS = {
    b"authorization",
    b"content-length",
    b"content-type",
    b"cookie",
    b"daybook-position",
    b"idempotency-key",
    b"if-match",
    b"if-none-match",
}
"""Headers of the browser's request that are not of the operation."""


@dataclass(frozen=True)
class Call:
    """An operation and its arguments. `after`: the position that the answer must include; `key`: Idempotency-Key."""

    operation: str
    path: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    version: str = ""
    key: str = ""
    after: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer of an operation. `body`: its JSON; None without one. `made`: the id of what it made."""

    body: Any
    position: str = ""
    made: str = ""


def id_parameter(operation: str) -> str:
    """The name of the first id in an operation's path; empty without one."""
    found = _PARAMETER.search(OPERATIONS[operation].path)
    return found[1] if found else ""


async def run(asked: PanelRequest, call: Call) -> Answer:
    """The answer; raises whatever the operation does."""
    response = await respond(asked, call)
    headers = dict(response.raw_headers)
    body = json.loads(bytes(response.body)) if response.body else None
    made = headers.get(b"location", b"").decode().rpartition("/")[2]
    return Answer(body, headers.get(b"daybook-position", b"").decode(), made)


async def respond(asked: PanelRequest, call: Call) -> Response:
    """The response as the API gives it, for what is no JSON."""
    route = OPERATIONS[call.operation]
    asked.request.scope["operation"] = call.operation
    return await route.answer_known(_context(asked, call))


def context_of(asked: PanelRequest, operation: str, after: str = "") -> RequestContext:
    """What the person may see by an operation, for queries that the API has not."""
    return _context(asked, Call(operation, after=after))


def _context(asked: PanelRequest, call: Call) -> RequestContext:
    content = b"" if call.body is None else json.dumps(call.body).encode()
    scope = _scope(asked, OPERATIONS[call.operation], call)
    return RequestContext(scope, _receive(content), call.operation, caller=asked.caller)


def _scope(asked: PanelRequest, route: Route, call: Call) -> Scope:
    (method,) = route.methods or {"GET"}
    path = dict(call.path or {})
    return {
        **asked.request.scope,
        "method": method,
        "path": route.path.format(**path) if path else route.path,
        "path_params": path,
        "query_string": urlencode({name: text for name, text in (call.query or {}).items() if text}).encode(),
        "headers": _headers(asked, call),
    }


def _headers(asked: PanelRequest, call: Call) -> list[tuple[bytes, bytes]]:
    sent = [each for each in asked.request.scope["headers"] if each[0] not in _BROWSERS]
    if call.body is not None:
        sent.append((b"content-type", b"application/json"))
    if call.version:
        sent.append((b"if-match", f'"{call.version}"'.encode("latin-1", "replace")))
    if call.key and OPERATIONS[call.operation].needs.takes_key:
        sent.append((b"idempotency-key", call.key.encode("latin-1", "replace")))
    if call.after:
        sent.append((b"daybook-position", call.after.encode("latin-1", "replace")))
    return sent


def _receive(content: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive
