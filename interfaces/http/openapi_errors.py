"""The error responses of the OpenAPI document, each with the answer to a real refusal as its example."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from application.access import ACCESS, Role
from application.event_log import Unavailable
from application.rate_limit import RateLimit, TooManyRequests
from domain.booking.calendar_day import SlotTaken
from domain.booking.hold import HoldExpired
from domain.errors import Forbidden, NotFound, Stale, Unauthenticated
from interfaces.http.framework.errors import answer_to
from interfaces.http.framework.needs import Source
from interfaces.http.framework.request_errors import (
    InvalidFields,
    Malformed,
    TooLarge,
    UnsupportedMediaType,
    VersionMissing,
    field_error,
)
from interfaces.http.framework.routing import Route


class ErrorResponse(NamedTuple):
    """`example`: a refusal with this status."""

    description: str
    example: Exception


_FIELD = field_error(["start"], "Use whole seconds, such as 2030-01-31T09:00:00Z.", "body")
ERRORS: Mapping[int, ErrorResponse] = {
    400: ErrorResponse("Bad request", Malformed("The body is not valid JSON: EOF while parsing a value.")),
    401: ErrorResponse("Missing or invalid token", Unauthenticated("The access token is not valid.")),
    403: ErrorResponse("Not permitted", Forbidden()),
    404: ErrorResponse("Not found, or no access", NotFound("appointment", "0198c5a2-c8f7-7a90-b2d4-7e8fa0b1c243")),
    409: ErrorResponse("Conflict with the present state", SlotTaken()),
    410: ErrorResponse("Expired", HoldExpired()),
    412: ErrorResponse("Changed since; `current_version` is the present version", Stale(3)),
    413: ErrorResponse("Body too large", TooLarge("A body may have at most 1000000 bytes.")),
    415: ErrorResponse("Unsupported media type", UnsupportedMediaType("The body must be application/json.")),
    422: ErrorResponse("Invalid; `errors` lists what and where", InvalidFields([_FIELD])),
    428: ErrorResponse("If-Match is missing", VersionMissing()),
    429: ErrorResponse(
        "Too many requests; try again after Retry-After", TooManyRequests(RateLimit("hold", 30, 60, 0, 56))
    ),
    503: ErrorResponse("Temporarily unavailable; try again after Retry-After", Unavailable("Try again in a second.")),
}


def error_responses() -> dict[str, Any]:
    """The components that operations refer to, by status."""
    return {str(status): _component(status, error) for status, error in ERRORS.items()}


def errors_of(route: Route, method: str) -> list[int]:
    """The statuses that an operation can answer with besides success."""
    needs, writes = route.needs, method != "GET"
    has_body = route.body_field is not None
    denied = set(Role) - set(ACCESS[route.operation]) > {Role.ANONYMOUS}
    possible = {
        403: needs.password or denied or bool(needs.also),
        404: "{" in route.path or writes or needs.finds,
        409: writes or needs.whole_ledger,
        410: needs.expires,
        412: needs.version,
        413: has_body,
        415: has_body,
        428: needs.version,
        429: needs.limit is not None or (has_body and route.source is Source.LOG),
        503: route.source is not Source.PROCESS,
    }
    return [status for status in ERRORS if possible.get(status, True)]


def _component(status: int, error: ErrorResponse) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _example(error.example)}
    described: dict[str, Any] = {
        "description": error.description,
        "content": {"application/problem+json": content},
    }
    if status == 401:
        described["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    elif status in {429, 503}:
        described["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return described


def _example(error: Exception) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(bytes(answer_to(error).body))
    return example
