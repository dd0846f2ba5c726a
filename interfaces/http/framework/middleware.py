"""What every exchange carries: a request id in answers, logs and the log's metadata; safe headers."""

import os
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.rate_limit import TooManyRequests
from domain.errors import Forbidden, Unauthenticated
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.errors import answer_of

_GOOD_ID = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
# Whatever a browser takes an answer for: nothing in it is run, loaded, sent, framed or kept.
SAFE: Mapping[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": (
        b"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
    ),
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
HTTPS_ONLY: Mapping[bytes, bytes] = {
    b"strict-transport-security": b"max-age=31536000; includeSubDomains",
}
NOTED = (Unauthenticated, Forbidden, TooManyRequests)
"""What the security log is told of."""
request_id: ContextVar[str] = ContextVar("request_id", default="")


class Envelope:
    """Takes or mints the X-Request-ID, puts it with the safe headers on every answer, and answers errors.

    `https`: browsers reach us by TLS alone, and are told to keep to it.
    """

    def __init__(self, app: ASGIApp, origins: Origins, *, https: bool = False) -> None:
        self._app = app
        self._origins = origins
        self._safe = {**SAFE, **HTTPS_ONLY} if https else SAFE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        id = given if _GOOD_ID.fullmatch(given) else os.urandom(16).hex().encode()
        scope["request_id"] = id.decode()
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                told = self._told(message.get("headers", ()))
                message["headers"] = [(b"x-request-id", id), *told, *self._origins.told(scope)]
            await send(message)

        request_id.set(scope["request_id"])  # of this request's task alone
        try:
            answer = self._origins.preflight(scope) or self._app
            await answer(scope, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            _denied(error, scope)
            await answer_of(error, scope)(scope, receive, send_with_headers)

    def _told(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """What an answer says itself goes before."""
        given = list(headers)
        names = {name for name, _ in given}
        return given + [each for each in self._safe.items() if each[0] not in names]


def request_log_fields() -> Mapping[str, str]:
    """The fields of every log line of a request or job: its id."""
    current = request_id.get()
    return {"request_id": current} if current else {}


def _denied(error: Exception, scope: Scope) -> None:
    """Note who was refused: a token that does not count, what is not theirs to do, too much of it."""
    ports = scope["app"].state.ports
    if not isinstance(error, (Unauthenticated, Forbidden, TooManyRequests)) or ports is None or ports.denials is None:
        return
    caller, operation = scope.get("caller"), scope.get("operation", "")
    shown = any(name == b"authorization" for name, _ in scope["headers"])
    if isinstance(error, Forbidden):
        ports.denials.note("denied", caller and caller.id, ports.networks.of(scope), operation)
    elif isinstance(error, TooManyRequests):
        ports.denials.note("limited", caller and caller.id, ports.networks.of(scope), operation)
    elif shown and caller is None:
        ports.denials.note("token_refused", None, ports.networks.of(scope), operation)
