"""How the door answers: a resource, a list, nothing; rendered straight to bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic_core import to_json
from starlette.responses import Response

from application.event_log import Done
from domain.kernel import Aggregate
from interfaces.http.framework.etags import etag, known

A = TypeVar("A", bound=Aggregate)
JSON = b"application/json"
PRIVATE = b"no-store"
PUBLIC = b"no-cache"


class Answer(Response):
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
    done: Done[A], shown: Callable[[A], Mapping[str, Any]], location: Callable[[A], str] | None = None
) -> Answer:
    """What a command answers with: 200, or 201 where something new has a location."""
    headers = _after(done)
    if location is None:
        return Answer(200, to_json(shown(done.aggregate)), headers)
    headers[b"location"] = location(done.aggregate).encode()
    return Answer(201, to_json(shown(done.aggregate)), headers)


def ended(done: Done[A]) -> Answer:
    """204: there is nothing more to show."""
    return Answer(204, b"", _after(done))


def seen(
    headers: Mapping[bytes, bytes],
    version: int,
    shown: Mapping[str, Any],
    position: int,
    cache: bytes = PRIVATE,
) -> Answer:
    """A resource as of a position: 200, or 304 if the caller has this version."""
    told = {b"etag": etag(version), b"daybook-position": b"%d" % position, b"cache-control": cache}
    if known(headers, version):
        return Answer(304, b"", told)
    return Answer(200, to_json(shown), told)


def seen_unpositioned(headers: Mapping[bytes, bytes], version: int, shown: Mapping[str, Any]) -> Answer:
    """As `seen`, of what is not in the log."""
    told = {b"etag": etag(version), b"cache-control": PRIVATE}
    return Answer(304, b"", told) if known(headers, version) else Answer(200, to_json(shown), told)


def listed(
    items: Sequence[Mapping[str, Any]], following: str | None, position: int, cache: bytes = PRIVATE
) -> Answer:
    """One page of a list as of a position."""
    told = {b"daybook-position": b"%d" % position, b"cache-control": cache}
    return Answer(200, to_json({"items": items, "next": following}), told)


def _after(done: Done[A]) -> dict[bytes, bytes]:
    headers = {
        b"etag": etag(done.aggregate.version),
        b"daybook-position": b"%d" % done.position,
        b"cache-control": PRIVATE,
    }
    if done.replayed:
        headers[b"idempotency-replayed"] = b"true"
    return headers
