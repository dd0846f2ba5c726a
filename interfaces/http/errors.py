"""Every error as a problem (RFC 9457). Each kind of refusal has its status here, and nowhere else."""

import json
from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy.exc
import structlog
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from application.log import Unavailable
from domain.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Refusal, Stale, Unauthenticated
from domain.wallclock import UnknownZone, UnsupportedTime
from interfaces.http.answer import Answer
from interfaces.http.refusal import (
    InvalidFields,
    Malformed,
    MethodNotAllowed,
    TooLarge,
    UnsupportedMediaType,
    VersionMissing,
    kebab,
)
from projections.read import Behind, BeyondHead

STATUS: Mapping[type[Exception], int] = {
    Malformed: 400,
    BeyondHead: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Gone: 410,
    Stale: 412,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    Invalid: 422,
    UnknownZone: 422,
    UnsupportedTime: 422,
    VersionMissing: 428,
    Unavailable: 503,
    Behind: 503,
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


def answer_to(error: Exception) -> Answer:
    """The problem that tells of a refusal, with its facts."""
    kind = type(error)
    status = status_of(kind)
    headers = _headers(error, status)
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
) -> Answer:
    body = {"type": f"/problems/{kebab(kind)}", "title": title_of(kind), "status": status, "detail": detail}
    written = json.dumps({**(facts or {}), **body}, default=str).encode()
    return Answer(status, written, {b"cache-control": b"no-store", **(headers or {})}, media_type=MEDIA_TYPE)


def _headers(error: Exception, status: int) -> dict[bytes, bytes]:
    if status == 401:
        given = b', error="invalid_token"' if str(error) != Unauthenticated.title() else b""
        return {b"www-authenticate": b'Bearer realm="daybook"' + given}
    if status == 503:
        return {b"retry-after": b"%d" % getattr(error, "retry_after", 1)}
    return {}


class Unexpected(Exception):
    """Something went wrong here, not with your request."""


async def _refused(_: Request, error: Exception) -> Answer:
    return answer_to(error)


async def _out(_: Request, error: Exception) -> Answer:
    log.warning("outage", error=type(error).__name__)
    return answer_to(Unavailable("The database does not answer."))


async def _by_framework(request: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer_to(NotFound("page", request.scope["path"]))
    if error.status_code == 405:
        allow = ", ".join(sorted(_methods(request))).encode()
        return problem(405, MethodNotAllowed, MethodNotAllowed.title(), headers={b"allow": allow})
    return answer_to(Malformed(str(error.detail)))


def _methods(request: Request) -> set[str]:
    """All methods of the path: the framework tells of the first route's only."""
    routes = iter_route_contexts(request.app.routes)
    here = [each for each in routes if each.path_regex.match(request.scope["path"])]
    return {method for each in here for method in each.methods or ()}


def unexpected(error: Exception) -> Answer:
    """The answer to an error of ours: what it was is in the log, under the request's id."""
    log.error("unexpected", exc_info=error)
    return problem(500, Unexpected, title_of(Unexpected))


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem."""
    app.add_exception_handler(Refusal, _refused)
    for kind in STATUS:
        app.add_exception_handler(kind, _refused)
    for outage in OUTAGES:
        app.add_exception_handler(outage, _out)
    app.add_exception_handler(HTTPException, _by_framework)
