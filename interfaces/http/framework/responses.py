"""How the door answers: a resource, a list, nothing; rendered straight to bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic_core import to_json
from starlette.responses import Response

from application.event_log import CommandResult
from domain.kernel import Aggregate
from interfaces.http.framework.etags import etag, known

A = TypeVar("A", bound=Aggregate)
JSON = b"application/json"
PRIVATE = b"no-store"
PUBLIC = b"no-cache"


class HttpResponse(Response):
    """Status, bytes and a few headers; no charset guessing, no background work."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[bytes, bytes] | None = None,
        *,
        media_type: bytes = JSON,
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = list(headers.items()) if headers else []
        if status not in {204, 304}:
            length = (b"content-length", b"%d" % len(body))
            self.raw_headers += [length, (b"content-type", media_type)]


def written(
    done: CommandResult[A],
    shown: Callable[[A], Mapping[str, Any]],
    location: Callable[[A], str] | None = None,
) -> HttpResponse:
    """What a command answers with: 200, or 201 where something new has a location."""
    headers = _after(done)
    if location is None:
        return HttpResponse(200, to_json(shown(done.aggregate)), headers)
    headers[b"location"] = location(done.aggregate).encode()
    return HttpResponse(201, to_json(shown(done.aggregate)), headers)


def ended(done: CommandResult[A]) -> HttpResponse:
    """204: there is nothing more to show."""
    return HttpResponse(204, b"", _after(done))


def seen(
    headers: Mapping[bytes, bytes],
    version: int,
    shown: Mapping[str, Any],
    position: int,
    cache: bytes = PRIVATE,
) -> HttpResponse:
    """A resource as of a position: 200, or 304 if the caller has this version."""
    told = {b"etag": etag(version), b"daybook-position": b"%d" % position, b"cache-control": cache}
    if known(headers, version):
        return HttpResponse(304, b"", told)
    return HttpResponse(200, to_json(shown), told)


def seen_unpositioned(headers: Mapping[bytes, bytes], version: int, shown: Mapping[str, Any]) -> HttpResponse:
    """As `seen`, of what is not in the log."""
    told = {b"etag": etag(version), b"cache-control": PRIVATE}
    return HttpResponse(304, b"", told) if known(headers, version) else HttpResponse(200, to_json(shown), told)


def listed(
    items: Sequence[Mapping[str, Any]], following: str | None, position: int, cache: bytes = PRIVATE
) -> HttpResponse:
    """One page of a list as of a position."""
    told = {b"daybook-position": b"%d" % position, b"cache-control": cache}
    return HttpResponse(200, to_json({"items": items, "next": following}), told)


def _after(done: CommandResult[A]) -> dict[bytes, bytes]:
    headers = {
        b"etag": etag(done.aggregate.version),
        b"daybook-position": b"%d" % done.position,
        b"cache-control": PRIVATE,
    }
    if done.replayed:
        headers[b"idempotency-replayed"] = b"true"
    return headers
