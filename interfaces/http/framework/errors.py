"""Every error as a problem (RFC 9457). Each kind of refusal gets its status here, and nowhere else."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy.exc
import structlog
from fastapi.routing import iter_route_contexts
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Scope

from application.event_log import Unavailable
from application.rate_limit import TooManyRequests
from domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Refusal, Stale, Unauthenticated
from domain.scheduling.wallclock import UnknownZone, UnsupportedTime
from interfaces.http.framework.rate_limit import rate_limit_headers
from interfaces.http.framework.request_errors import (
    HeadersTooLarge,
    InvalidFields,
    Malformed,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
    UnsupportedMediaType,
    UrlTooLong,
    VersionMissing,
    kebab,
    not_found,
)
from interfaces.http.framework.responses import HttpResponse
from projections.query.snapshot import Behind, BeyondHead
from projections.reporting.figures import FiguresTooSlow

STATUS: Mapping[type[Exception], int] = {
    Malformed: 400,
    BeyondHead: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    RequestTimeout: 408,
    Conflict: 409,
    Gone: 410,
    Stale: 412,
    TooLarge: 413,
    UrlTooLong: 414,
    UnsupportedMediaType: 415,
    Invalid: 422,
    UnknownZone: 422,
    UnsupportedTime: 422,
    VersionMissing: 428,
    TooManyRequests: 429,
    HeadersTooLarge: 431,
    Unavailable: 503,
    Behind: 503,
    FiguresTooSlow: 503,
}
OUTAGES = (
    psycopg.OperationalError,
    PoolTimeout,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
)
MEDIA_TYPE = b"application/problem+json"
log = structlog.get_logger("http")


def status_of(kind: type[Exception]) -> int:
    """The HTTP status of a kind of refusal."""
    return next(STATUS[each] for each in kind.__mro__ if each in STATUS)


def title_of(kind: type[Exception]) -> str:
    """The first line of its docstring."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0]


def answer_to(error: Exception, *, token_refused: bool = False) -> HttpResponse:
    """The problem for a refusal, with its facts. `token_refused`: the caller's token is the reason."""
    kind = type(error)
    status = status_of(kind)
    headers = _headers(error, status, token_refused=token_refused)
    facts = dict(error.facts) if isinstance(error, Refusal) else {}
    if isinstance(error, InvalidFields):
        facts["errors"] = error.errors
    elif status == 422:
        facts["errors"] = [{"pointer": getattr(error, "pointer", ""), "detail": str(error)}]
    return problem(status, kind, str(error), facts, headers)


def problem(
    status: int,
    kind: type[Exception],
    detail: str,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[bytes, bytes] | None = None,
) -> HttpResponse:
    body = {"type": f"/problems/{kebab(kind)}", "title": title_of(kind), "status": status, "detail": detail}
    written = json.dumps({**(facts or {}), **body}, default=str).encode()
    return HttpResponse(status, written, {b"cache-control": b"no-store", **(headers or {})}, media_type=MEDIA_TYPE)


def _headers(error: Exception, status: int, *, token_refused: bool) -> dict[bytes, bytes]:
    if status == 401:
        reason = b', error="invalid_token"' if token_refused else b""
        return {b"www-authenticate": b'Bearer realm="daybook"' + reason}
    if isinstance(error, TooManyRequests):
        return {b"retry-after": b"%d" % error.room.reset, **rate_limit_headers(error.room)}
    if status == 503:
        return {b"retry-after": b"%d" % getattr(error, "retry_after", 1)}
    return {}


def token_refused(error: Exception, scope: Scope) -> bool:
    """Whether a token was sent, and is why the request was refused."""
    sent = any(name == b"authorization" for name, _ in scope["headers"])
    return isinstance(error, Unauthenticated) and sent and scope.get("caller") is None


class Unexpected(Exception):
    """Something went wrong here, not with your request."""


def answer_of(error: Exception, scope: Scope) -> HttpResponse:
    """The answer to a request that ended with an error."""
    if isinstance(error, HTTPException):
        return _by_framework(error, scope)
    if isinstance(error, OUTAGES):
        log.warning(
            "request failed, database unavailable",
            outage="postgresql",
            operation=scope.get("operation"),
            error=type(error).__name__,
        )
        return answer_to(Unavailable("The database does not answer. Try again."))
    if isinstance(error, (Refusal, *STATUS)):
        return answer_to(error, token_refused=token_refused(error, scope))
    return unexpected(error, scope)


def _by_framework(error: HTTPException, scope: Scope) -> HttpResponse:
    if error.status_code == 404:
        return _redirected(scope) or answer_to(
            not_found(f"No route matches {scope['method']} {scope['path'][:200]}.{_hint(scope)}")
        )
    if error.status_code == 405:
        allow = ", ".join(sorted(_methods(scope)))
        detail = f"{scope['method']} is not allowed here. Allowed: {allow}."
        return problem(405, MethodNotAllowed, detail, headers={b"allow": allow.encode()})
    return answer_to(Malformed(str(error.detail)))


def _redirected(scope: Scope) -> HttpResponse | None:
    """308 to the same path without trailing slashes, if there is a route: method and body stay."""
    path, sent = scope["path"].rstrip("/"), scope.get("raw_path") or scope["path"].encode()
    if not sent.endswith(b"/") or not _methods({**scope, "path": path}):  # an escaped slash is no end
        return None
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return HttpResponse(308, b"", {b"location": quote(path).encode() + query})


def _hint(scope: Scope) -> str:
    """The path whose name is nearest, if any is near."""
    _, *parts = scope["path"].split("/", 3)
    paths = (str(each.path) for each in iter_route_contexts(scope["app"].routes))
    known = {path.split("/")[2] for path in paths if path.startswith("/v1/")}
    near = get_close_matches(parts[1][:50], sorted(known), n=1) if len(parts) > 1 and parts[0] == "v1" else []
    return f" Did you mean /v1/{near[0]}?" if near and near[0] != parts[1] else " /openapi.json lists the routes."


def _methods(scope: Scope) -> set[str]:
    """All methods of the path: the framework knows those of the first route only."""
    routes = iter_route_contexts(scope["app"].routes)
    here = [each for each in routes if each.path_regex.match(scope["path"])]
    found = {method for each in here for method in each.methods or ()}
    return found | {"HEAD"} if "GET" in found else found


def unexpected(error: Exception, scope: Scope) -> HttpResponse:
    """The answer to a fault of Daybook: the log line with the request id says which."""
    log.error("unhandled error", operation=scope.get("operation"), exc_info=error)
    return problem(500, Unexpected, title_of(Unexpected))
