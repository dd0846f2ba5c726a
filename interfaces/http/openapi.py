"""The OpenAPI document: what FastAPI reads from the routes, and what each route says it needs."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from interfaces.http.framework.fields import Form
from interfaces.http.framework.parameters import parameters_of
from interfaces.http.framework.routing import Route
from interfaces.http.openapi_errors import error_responses
from interfaces.http.openapi_examples import EXAMPLES
from interfaces.http.openapi_fields import describe_fields, describe_parameters, name_enums
from interfaces.http.openapi_links import link
from interfaces.http.openapi_operation import HEADERS, complete
from interfaces.http.openapi_webhooks import message_schemas, webhooks
from interfaces.http.operations.problem_type import Problem

DESCRIPTION = """Every time is an instant in UTC, every duration is in minutes, and money is in minor units.

- A write answers `Daybook-Position`. Send it with a GET to see what was written.
- `ETag` is a resource's version. Changes require it in `If-Match`.
- An `Idempotency-Key` makes a POST safe to repeat.
- Errors are `application/problem+json`. `GET /problems/{name}` explains their `type`.
- Each operation names the roles that may use it. `(own)`: for what belongs to the caller or the caller's organization.
"""
TAGS: Mapping[str, str] = {
    "availability": "Free times: all of a span, the next ones, and why a time is not free.",
    "appointments": "Book, move and cancel appointments, and record what became of them.",
    "holds": "Keep a time for a few minutes before it is booked.",
    "waitlist": "Wait for a time that is taken, and accept an offer.",
    "providers": "The people and things that can be booked.",
    "schedules": "Opening hours, overrides for single dates, and time off of a provider.",
    "services": "What can be booked, for how long, at which price, and on which terms.",
    "customers": "The people who book, and guests that staff book for.",
    "organizations": "Businesses with members, shared providers and holidays.",
    "tags": "Words to find providers and services by.",
    "auth": "Registration, signing in and out, passwords and one-time codes.",
    "me": "The caller's own account: details, mails, export and erasure.",
    "users": "All accounts, for admins.",
    "api-keys": "Keys for programs, which act for the account that made them.",
    "webhooks": "HTTP messages to your server when something happens.",
    "events": "What has happened: pages after a position, and a stream.",
    "audit": "The ledger that proves the event log unchanged, and the security log.",
    "analytics": "Figures about bookings, calendars, money and customers, by period and dimension.",
    "jobs": "Reminders, expiries and other work that becomes due, for operators.",
    "health": "Whether this process is alive and ready for requests.",
    "problems": "What the `type` of an error means.",
}
SECURITY: Mapping[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, or an API key.",
    },
    "password": {
        "type": "oauth2",
        "description": "Sign in with e-mail address and password; leave client_id and client_secret empty.",
        "flows": {"password": {"tokenUrl": "/v1/auth/token", "refreshUrl": "/v1/auth/token", "scopes": {}}},
    },
}
_REF = "#/components/schemas/"
_SUFFIXES = ("Response", "Body")


def describe(app: FastAPI) -> dict[str, Any]:
    """The app's document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        servers=[{"url": "/", "description": "The server that answers this document."}],
        contact={"name": "The Daybook authors"},
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    _, problems = models_json_schema([(Problem, "serialization")], ref_template=_REF + "{model}")
    parts = document["components"]
    parts["securitySchemes"] = SECURITY
    parts["responses"] = error_responses()
    parts["headers"] = HEADERS
    schemas = {name: schema for name, schema in parts["schemas"].items() if "ValidationError" not in name}
    parts["schemas"] = schemas | problems["$defs"] | message_schemas()
    routes = {route.operation: route for route in routes_of(app)}
    for methods in document["paths"].values():
        for operation in methods.values():
            _complete(operation, routes[operation["operationId"]], parts["schemas"])
    document["webhooks"] = webhooks()
    link(document["paths"])
    return _finished(document)


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    """The document with public names, and with words and examples, which go by these names."""
    named = _named(document)
    describe_fields(named["components"]["schemas"])
    for methods in named["paths"].values():
        for operation in methods.values():
            describe_parameters(operation)
    name_enums(named)
    named["components"]["schemas"] = dict(sorted(named["components"]["schemas"].items()))
    return named


def routes_of(app: FastAPI) -> list[Route]:
    """The app's own routes."""
    return [route for route in app.router.routes if isinstance(route, Route)]


def _complete(operation: dict[str, Any], route: Route, schemas: Mapping[str, Any]) -> None:
    body = parameters_of(route.endpoint).body
    if body is not None:
        _complete_body(operation["requestBody"], body[1])
    stream = operation["responses"].get("200", {}).get("content", {}).get("text/event-stream")
    if stream is not None:
        del stream["schema"]["type"]  # FastAPI takes every answer that is no JSON for a text; this is many messages
    complete(operation, route, resource=_has_version(operation, schemas))


def _complete_body(described: dict[str, Any], model: type[BaseModel]) -> None:
    """No body counts as an empty object, or form: it is optional where an empty one is accepted."""
    if issubclass(model, Form):
        content = described["content"]
        content["application/x-www-form-urlencoded"] = content.pop("application/json")
    described["required"] = not _accepts_nothing(model)


def _accepts_nothing(model: type[BaseModel]) -> bool:
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


def _has_version(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Whether the operation answers one resource."""
    answer = operation["responses"].get("200") or operation["responses"].get("201") or {}
    ref = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return "version" in schemas.get(ref.removeprefix(_REF), {}).get("properties", {})


def _named(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the public names of schemas: the class names without Response and Body."""
    schemas = document["components"]["schemas"]
    names = {name: public_name(name) for name in schemas}
    if len({*names.values()}) < len(names):
        raise AssertionError(f"two schemas have one name: {sorted(names.values())}")
    renamed: dict[str, Any] = _renamed(document, {_REF + old: _REF + new for old, new in names.items()})
    public = {names[name]: schema for name, schema in renamed["components"]["schemas"].items()}
    for name, schema in public.items():
        schema["title"] = name
    for name, example in EXAMPLES.items():
        public[name]["examples"] = [example]
    renamed["components"]["schemas"] = public
    return renamed


def public_name(name: str) -> str:
    """BookAppointmentBody -> BookAppointment."""
    suffix = next((each for each in _SUFFIXES if name.endswith(each)), "")
    return name.removesuffix(suffix)


def _renamed(value: Any, refs: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: refs.get(each, each) if key == "$ref" else _renamed(each, refs) for key, each in value.items()}
    return [_renamed(each, refs) for each in value] if isinstance(value, list) else value
