"""One operation of the OpenAPI document: its headers and responses, from what its route needs."""

import re
from collections.abc import Mapping
from typing import Any

from application.access import ACCESS, BY_PEOPLE, Role, Scope
from interfaces.http.framework.needs import Source
from interfaces.http.framework.routing import Route
from interfaces.http.openapi_errors import errors_of

_VERSION = {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,17})"$', "examples": ['"3"']}
# One string and no choice of two schemas, since client generators take no such choice in a header.
_EXPECTED = {"type": "string", "pattern": r'^(\*|"(0|[1-9][0-9]{0,17})")$', "examples": ['"3"']}
_POSITION = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$", "examples": ["0.4711"]}
_ASKED_POSITION = {"type": "string", "pattern": r"^(0\.)?[0-9]{1,18}$", "examples": ["0.4711"]}
_TEXT = {"type": "string"}
_TAGS = {"type": "string", "examples": ['"3"']}
_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:+/=@-]{1,128}$"}
_KEY = {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"]}
_DESCRIPTIONS = {"200": "OK", "201": "Created", "202": "Accepted", "204": "No content"}
HEADERS: dict[str, Any] = {
    "Daybook-Position": {"description": "The log position that the answer reflects.", "schema": _POSITION},
    "ETag": {"description": "The resource's version.", "schema": _VERSION},
    "Idempotency-Replayed": {"description": "This request was answered before.", "schema": {"const": "true"}},
    "Location": {"description": "The new resource.", "schema": {"type": "string", "format": "uri-reference"}},
    "RateLimit": {"description": "Requests that remain, and seconds until the reset.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "The quota, and its window in seconds.", "schema": _TEXT},
    "X-Request-ID": {"description": "Sent by the caller, or generated.", "schema": _ID},
}
"""The headers of responses."""


def _parameter(name: str, description: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


_IF_MATCH = _parameter(
    "If-Match",
    "The ETag of the version that you read, or `*`.",
    _EXPECTED,
    required=True,
)
_IF_NONE_MATCH = _parameter("If-None-Match", "The ETag that you have: 304 if it is still current.", _TAGS)
_AT_LEAST = _parameter("Daybook-Position", "Wait until the answer includes this position.", _ASKED_POSITION)


def complete(operation: dict[str, Any], route: Route, *, resource: bool) -> None:
    """Add summary, security, header parameters and responses. `resource`: whether it answers one versioned resource."""
    (method,) = route.methods or {"GET"}
    _split_summary(operation)
    operation["security"] = _security(route)
    headers = _header_parameters(route, method, resource=resource)
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    responses = operation["responses"]
    responses.pop("422", None)
    for status, response in responses.items():
        response["description"] = _DESCRIPTIONS.get(status, response["description"])
        response["headers"] = _response_headers(route, method, int(status), resource=resource)
    if method == "GET" and resource:
        responses["304"] = {"description": "Not modified", "headers": responses["200"]["headers"]}
    for code in errors_of(route, method):
        responses.setdefault(str(code), {"$ref": f"#/components/responses/{code}"})


def _security(route: Route) -> list[dict[str, list[str]]]:
    """The ways to sign in. Optional where a token only tells whose last write the answer must include."""
    public = Role.ANONYMOUS in ACCESS[route.operation]
    if public and route.source is not Source.LOG:
        return []
    return [*([{}] if public else []), {"bearer": []}, {"password": []}]


def _split_summary(operation: dict[str, Any]) -> None:
    """The first sentence is the summary; the rest, and for whom the operation is, the description."""
    summary, *rest = re.split(r"\.\s+", operation["description"], maxsplit=1)
    operation["summary"] = summary.removesuffix(".")
    operation["description"] = f"{''.join(rest).strip()} {_permission(operation['operationId'])}".strip()


def _permission(operation: str) -> str:
    """The roles that may do it, as a sentence."""
    grants = ACCESS[operation]
    if Role.ANONYMOUS in grants:
        return "Needs no token."
    roles = [f"`{role}`{' (own)' if scope is Scope.OWN else ''}" for role, scope in grants.items()]
    in_person = " API keys may not do this." if operation in BY_PEOPLE else ""
    return f"Roles: {', '.join(roles)}.{in_person}"


def _header_parameters(route: Route, method: str, *, resource: bool) -> list[dict[str, Any]]:
    needs, found = route.needs, []
    if needs.takes_key:
        text = "The same key and body get the same answer."
        found.append(_parameter("Idempotency-Key", text, _KEY, required=needs.requires_key))
    if needs.version:
        found.append(_IF_MATCH)
    if method == "GET" and route.source is Source.LOG:
        found.append(_AT_LEAST)
    if method == "GET" and resource:
        found.append(_IF_NONE_MATCH)
    return found


def _response_headers(route: Route, method: str, status: int, *, resource: bool) -> Mapping[str, Any]:
    logged = route.source is Source.LOG
    sent = {
        "X-Request-ID": True,
        "Daybook-Position": logged,
        "ETag": resource or (method == "DELETE" and logged),
        "Location": status == 201,
        "Idempotency-Replayed": route.needs.takes_key,
        "RateLimit": route.needs.limit is not None,
        "RateLimit-Policy": route.needs.limit is not None,
    }
    return {name: {"$ref": f"#/components/headers/{name}"} for name, present in sent.items() if present}
