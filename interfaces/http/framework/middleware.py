"""Around every request: its id in answers, log lines and event metadata; safe headers; errors."""

import hmac
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.rate_limit import TooManyRequests
from domain.errors import Forbidden, Unauthenticated
from interfaces.http.framework.cors import Origins
from interfaces.http.framework.errors import answer_of, token_refused
from interfaces.request_id import current_work

_GOOD_ID = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
_UUID = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
# Whatever a browser takes an answer for, nothing in it is run, loaded, sent, framed or stored.
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
Admit = Callable[[str, str], Awaitable[Callable[[], None]]]
"""From path and method to a call for the end of the request; raises Unavailable."""
RequestSpan = Callable[[Scope], AbstractContextManager[object]]
"""A span of tracing around the answer to a request."""
SECURITY_EVENTS = (Unauthenticated, Forbidden, TooManyRequests)
"""The refusals that the security log records."""


class Envelope:
    """Reads or makes the X-Request-ID, adds it as it was sent, adds the safe headers, and answers errors.

    `admit`: decides which requests are answered. `https`: browsers reach the API by TLS alone, and are told to
    keep to it. `span`: of tracing.
    """

    def __init__(
        self, app: ASGIApp, origins: Origins, admit: Admit, *, https: bool = False, span: RequestSpan = nullcontext
    ) -> None:
        self._app = app
        self._admit = admit
        self._span = span
        self._origins = origins
        self._safe = {**SAFE, **HTTPS_ONLY} if https else SAFE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        id = request_id(scope)
        scope["request_id"] = _recorded(id, scope)
        started, leave = False, _nothing

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                scope["status"] = message["status"]
                message["headers"] = self.headers(scope, id, message.get("headers", ()))
            await send(message)

        current_work.set(scope)  # of this request's task alone
        with self._span(scope):
            try:
                scope["leave"] = leave = _once(await self._admit(scope["path"], scope["method"]))
                await (self._origins.preflight(scope) or self._app)(scope, receive, send_with_headers)
            except Exception as error:
                if started:
                    raise
                note_denial(error, scope)
                await answer_of(error, scope)(scope, receive, send_with_headers)
            finally:
                leave()

    def headers(self, scope: Scope, id: bytes, sent: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """All headers of the answer to a request with this id: those `sent`, and the safe ones that it lacks."""
        told = list(sent)
        names = {name for name, _ in told}
        safe = (each for each in self._safe.items() if each[0] not in names)
        return [(b"x-request-id", id), *told, *safe, *self._origins.headers_for(scope)]


def request_id(scope: Scope) -> bytes:
    """The request's id as it was sent, or a new one."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return sent if _GOOD_ID.fullmatch(sent) else os.urandom(16).hex().encode()


def _recorded(id: bytes, scope: Scope) -> str:
    """The id as events and logs keep it: a UUID as it is, anything else as a keyed hash, because it may be personal."""
    if _UUID.fullmatch(id):
        return id.decode()
    ports = scope["app"].state.ports
    return hmac.digest(ports.request_id_key if ports else b"", id, "sha256").hex()[:32]


def as_get(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """A HEAD request as the GET that it stands for: the same answer, without its body."""

    async def send_without_body(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return {**scope, "method": "GET", "head": True}, send_without_body


def _once(leave: Callable[[], None]) -> Callable[[], None]:
    """`leave`, at the first call alone: a stream leaves once it has caught up, other requests when they end."""
    left = False

    def leave_once() -> None:
        nonlocal left
        if not left:
            left = True
            leave()

    return leave_once


def _nothing() -> None:
    """The end of a request that was not admitted."""


def note_denial(error: Exception, scope: Scope) -> None:
    """Tell the security log of a refused token, a missing permission, or too many requests."""
    ports = scope["app"].state.ports
    if not isinstance(error, SECURITY_EVENTS) or ports is None:
        return
    caller, operation = scope.get("caller"), scope.get("operation", "")
    account, network = caller and caller.id, ports.abuse.networks.of(scope)
    if isinstance(error, Forbidden):
        ports.abuse.denials.note("denied", account, network, operation)
    elif isinstance(error, TooManyRequests):
        ports.abuse.denials.note("limited", account, network, operation)
    elif token_refused(error, scope):
        ports.abuse.denials.note("token_refused", None, network, operation)
