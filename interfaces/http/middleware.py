"""What every exchange carries: a request id in answers, logs and the log's metadata; safe headers."""

import os
import re
from collections.abc import Mapping
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import Forbidden, Unauthenticated
from interfaces.http.errors import answer_of

_GOOD_ID = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]


request_id: ContextVar[str] = ContextVar("request_id", default="")


class Envelope:
    """Takes or mints the X-Request-ID, puts it with the safe headers on every answer, and answers errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        id = given if _GOOD_ID.fullmatch(given) else os.urandom(16).hex().encode()
        scope["request_id"] = id.decode()
        started = False
        extra = [(b"x-request-id", id), *SAFE]

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        request_id.set(scope["request_id"])  # of this request's task alone
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            _denied(error, scope)
            await answer_of(error, scope)(scope, receive, send_with_headers)


def said_of_request() -> Mapping[str, str]:
    """For every line that is logged: in which request."""
    told = request_id.get()
    return {"request_id": told} if told else {}


def _denied(error: Exception, scope: Scope) -> None:
    """Note who was refused: with a token that does not count, or for what is not theirs to do."""
    ports = scope["app"].state.ports
    if not isinstance(error, (Unauthenticated, Forbidden)) or ports is None or ports.denials is None:
        return
    caller, operation = scope.get("caller"), scope.get("operation", "")
    shown = any(name == b"authorization" for name, _ in scope["headers"])
    if isinstance(error, Forbidden):
        ports.denials.note("denied", caller and caller.id, ports.networks.of(scope), operation)
    elif shown and caller is None:
        ports.denials.note("token_refused", None, ports.networks.of(scope), operation)
