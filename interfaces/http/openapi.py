"""The OpenAPI document: what FastAPI reads from the routes, and what holds for every one of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from application.access import ACCESS, Role
from interfaces.http.framework.fields import Form
from interfaces.http.framework.rate_limit import LIMITED, PROVING
from interfaces.http.framework.routing import KEYED, needs_version, parts_of, takes_key
from interfaces.http.openapi_examples import EXAMPLES
from interfaces.http.operations.problem_type import Problem

DESCRIPTION = """Every time is an instant in UTC, every duration in minutes, money in minor units.

- A write answers `Daybook-Position`; send it with a GET to see what was written.
- `ETag` is a resource's version; changes need it in `If-Match`.
- An `Idempotency-Key` makes a POST safe to repeat.
- Errors are `application/problem+json`; `GET /problems/{name}` explains their `type`.
"""
ERRORS: Mapping[int, str] = {
    400: "Malformed.",
    401: "Nobody, or with a token that is not valid.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is not the caller's.",
    409: "A fact stands against it.",
    410: "It is over.",
    412: "It has changed since; `current_version` is the present one.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Something does not fit; `errors` say what, and where.",
    428: "If-Match is missing.",
    429: "Too often; try again after Retry-After.",
    503: "Not now; try again after Retry-After.",
}
ENDING = frozenset(
    {
        "reset_password",
        "verify_email",
        "book_appointment",
        "get_hold",
        "accept_offer",
        "extend_hold",
        "confirm_appointment",
        "decline_appointment",
    }
)
"""What may come too late."""
ROWS = ("/v1/auth/", "/v1/api-keys", "/v1/audit/security")
"""What is answered there is not in the log, and has no position."""
_REF = "#/components/schemas/"
_VERSION = {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,17})"$', "examples": ['"3"']}
_COUNT = {"type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["4711"]}
_TEXT = {"type": "string"}
_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:+/=@-]{1,128}$"}


def _parameter(name: str, description: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _key(*, required: bool) -> dict[str, Any]:
    schema = {
        "type": "string",
        "pattern": "^[!-~]{1,255}$",
        "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    }
    return _parameter("Idempotency-Key", "The same key and body get the same answer.", schema, required=required)


_IF_MATCH = _parameter(
    "If-Match",
    "The ETag of the version seen, or *.",
    {"anyOf": [_VERSION, {"const": "*"}]},
    required=True,
)
_IF_NONE_MATCH = _parameter(
    "If-None-Match", "The ETag of the version known: 304 if it is still so.", {"type": "string"}
)
_AT_LEAST = _parameter("Daybook-Position", "Wait until this position is seen.", _COUNT)


def describe(app: FastAPI) -> dict[str, Any]:
    """The app's document."""
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    parts = document["components"]
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    parts["responses"] = {str(status): _problem(status, text) for status, text in ERRORS.items()}
    parts["headers"] = _headers()
    parts["schemas"] = _schemas(parts["schemas"])
    forms = {route.operation_id for route in routes_of(app) if _is_form(route)}
    for path, method, operation in _operations(document):
        if operation["operationId"] in forms:
            content = operation["requestBody"]["content"]
            content["application/x-www-form-urlencoded"] = content.pop("application/json")
        _complete(operation, method, path, parts["schemas"])
    return document


def routes_of(app: FastAPI) -> list[APIRoute]:
    """The app's own routes."""
    return [route for route in app.router.routes if isinstance(route, APIRoute)]


def _is_form(route: APIRoute) -> bool:
    body = parts_of(route.endpoint).body
    return body is not None and issubclass(body[1], Form)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _complete(operation: dict[str, Any], method: str, path: str, schemas: Mapping[str, Any]) -> None:
    grants = ACCESS[operation["operationId"]]
    # What lists of operations show.
    operation["summary"] = operation["description"].partition(". ")[0].strip(".")
    operation["security"] = [*([{}] if Role.ANONYMOUS in grants else []), {"bearer": []}]
    resource = _has_version(operation, schemas)
    headers = _header_parameters(operation, method, path, resource=resource)
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    responses = operation["responses"]
    responses.pop("422", None)
    for status, told in responses.items():
        told["description"] = {"201": "Made.", "204": "Done."}.get(status, told["description"])
        told["headers"] = _told_headers(operation, method, path, int(status), resource=resource)
    if method == "GET" and resource:
        responses["304"] = {
            "description": "The caller has this version.",
            "headers": responses["200"]["headers"],
        }
    for status in _errors(operation, method, path):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{status}"})


def _header_parameters(operation: Mapping[str, Any], method: str, path: str, *, resource: bool) -> list[dict[str, Any]]:
    found = []
    if takes_key(method, path, operation["operationId"]):
        found.append(_key(required=operation["operationId"] in KEYED))
    if needs_version(method, path):
        found.append(_IF_MATCH)
    if method == "GET" and path.startswith("/v1"):
        found += [] if path.startswith(ROWS) else [_AT_LEAST]
        found += [_IF_NONE_MATCH] if resource else []
    return found


def _errors(operation: Mapping[str, Any], method: str, path: str) -> list[int]:
    writes, stored = method != "GET", path.startswith("/v1")
    holds = {
        403: LIMITED.get(operation["operationId"]) in PROVING
        or set(Role) - set(ACCESS[operation["operationId"]]) > {Role.ANONYMOUS},
        404: "{" in path or writes or "availability" in path or path in {"/v1/me", "/v1/me/export"},
        409: writes,
        410: operation["operationId"] in ENDING,
        412: needs_version(method, path),
        413: "requestBody" in operation,
        415: "requestBody" in operation,
        428: needs_version(method, path),
        429: operation["operationId"] in LIMITED,
        503: stored,
    }
    return [status for status in ERRORS if holds.get(status, True)]


def _has_version(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Whether it answers one resource."""
    answer = operation["responses"].get("200") or operation["responses"].get("201") or {}
    ref = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return "version" in schemas.get(ref.removeprefix(_REF), {}).get("properties", {})


def _told_headers(
    operation: Mapping[str, Any], method: str, path: str, status: int, *, resource: bool
) -> dict[str, Any]:
    told = ["X-Request-ID"]
    if path.startswith("/v1") and not path.startswith(ROWS):
        told.append("Daybook-Position")
    if resource or (method == "DELETE" and not path.startswith(ROWS)):
        told.append("ETag")
    if status == 201:
        told.append("Location")
    if takes_key(method, path, operation["operationId"]):
        told.append("Idempotency-Replayed")
    if operation["operationId"] in LIMITED:
        told += ["RateLimit", "RateLimit-Policy"]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in told}


def _headers() -> dict[str, Any]:
    replayed = {"description": "This request was answered before.", "schema": {"const": "true"}}
    return {
        "Daybook-Position": {"description": "The position that the answer reflects.", "schema": _COUNT},
        "ETag": {"description": "The version.", "schema": _VERSION},
        "Idempotency-Replayed": replayed,
        "Location": {"description": "Where it is.", "schema": {"type": "string", "format": "uri-reference"}},
        "RateLimit": {"description": "What remains, and for how many seconds.", "schema": _TEXT},
        "RateLimit-Policy": {"description": "The quota, and its window in seconds.", "schema": _TEXT},
        "X-Request-ID": {"description": "Given by the caller, or made.", "schema": _ID},
    }


def _problem(status: int, text: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}},
    }
    wait = {"Retry-After": {"description": "Seconds.", "schema": _TEXT}}
    who = {"WWW-Authenticate": {"schema": _TEXT}}
    if status in {401, 429, 503}:
        told["headers"] = who if status == 401 else wait
    return told


def _schemas(schemas: dict[str, Any]) -> dict[str, Any]:
    _, problems = models_json_schema([(Problem, "serialization")], ref_template=_REF + "{model}")
    kept = {name: schema for name, schema in schemas.items() if "ValidationError" not in name}
    kept |= problems["$defs"]
    for name, example in EXAMPLES.items():
        kept[name]["examples"] = [example]
    return dict(sorted(kept.items()))
