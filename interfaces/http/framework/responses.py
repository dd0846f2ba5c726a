"""Answers: a resource, a page of a list, or nothing, rendered straight to bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import to_json
from starlette.responses import Response

from application.event_log import CommandResult
from application.view_log import person_of
from domain.kernel import Aggregate
from domain.log_position import position_text
from interfaces.http.framework.headers.etags import etag, known

A = TypeVar("A", bound=Aggregate)
JSON = b"application/json"
PRIVATE = b"no-store"
PUBLIC = b"no-cache"


class HttpResponse(Response):
    """Status, bytes and a few headers; no charset guessing, no background work.

    `position`: of the event log, which the answer reflects; None where the answer is not from the log.
    `person`: whose card a command answers with; None for none.
    """

    person: UUID | None = None

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[bytes, bytes] | None = None,
        *,
        position: int | None = None,
        media_type: bytes = JSON,
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.position = position
        self.raw_headers = list(headers.items()) if headers else []
        if position is not None:
            self.raw_headers.append((b"daybook-position", position_text(position).encode()))
        if status not in {204, 304}:
            length = (b"content-length", b"%d" % len(body))
            self.raw_headers += [length, (b"content-type", media_type)]


def command_response(
    result: CommandResult[A],
    to_body: Callable[[A], Mapping[str, Any]],
    location: Callable[[A], str] | None = None,
) -> HttpResponse:
    """The answer of a command: 200, or 201 with the location of a new resource."""
    headers = _after(result)
    if location is None:
        answer = HttpResponse(200, to_json(to_body(result.aggregate)), headers, position=result.position)
        answer.person = person_of(result.aggregate)
        return answer
    headers[b"location"] = location(result.aggregate).encode()
    return HttpResponse(201, to_json(to_body(result.aggregate)), headers, position=result.position)


def outcome_response(result: CommandResult[A], body: Mapping[str, Any]) -> HttpResponse:
    """The answer of a command whose outcome is more than the resource: 200."""
    return HttpResponse(200, to_json(body), _after(result), position=result.position)


def empty_response(result: CommandResult[A]) -> HttpResponse:
    """The answer of a command without a body: 204."""
    return HttpResponse(204, b"", _after(result), position=result.position)


def resource_response(
    headers: Mapping[bytes, bytes],
    version: int,
    to_body: Mapping[str, Any],
    position: int,
    cache: bytes = PRIVATE,
) -> HttpResponse:
    """A resource as of a log position: 200, or 304 if the caller has this version."""
    headers_out = {b"etag": etag(version), b"cache-control": cache}
    if known(headers, version):
        return HttpResponse(304, b"", headers_out, position=position)
    return HttpResponse(200, to_json(to_body), headers_out, position=position)


def unpositioned_response(headers: Mapping[bytes, bytes], version: int, to_body: Mapping[str, Any]) -> HttpResponse:
    """A resource that is not in the event log: 200, or 304 if the caller has this version."""
    headers_out = {b"etag": etag(version), b"cache-control": PRIVATE}
    return (
        HttpResponse(304, b"", headers_out)
        if known(headers, version)
        else HttpResponse(200, to_json(to_body), headers_out)
    )


def page_response(
    items: Sequence[Mapping[str, Any]], cursor: str | None, position: int, cache: bytes = PRIVATE
) -> HttpResponse:
    """One page of a list as of a log position."""
    body = to_json({"items": items, "next": cursor})
    return HttpResponse(200, body, {b"cache-control": cache}, position=position)


def _after(result: CommandResult[A]) -> dict[bytes, bytes]:
    headers = {
        b"etag": etag(result.aggregate.version),
        b"cache-control": PRIVATE,
    }
    if result.replayed:
        headers[b"idempotency-replayed"] = b"true"
    return headers
