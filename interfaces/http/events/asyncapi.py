"""The AsyncAPI document: the messages of the feed and of webhooks, with the schemas of the OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from interfaces.http.webhooks.message_schemas import MESSAGES

Described = dict[str, Any]
_SCHEMAS, _MESSAGES = "#/components/schemas/", "#/components/messages/"
DESCRIPTION = """What has happened, told to programs: by a stream of server-sent events, by webhooks, and by a sink.

All of them send the same messages, each about one event, without personal data. `data.position` is the position of the
event in the log. docs/feed.md explains how to follow, and docs/webhooks.md how to verify a webhook.
"""
_POSITION = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$", "examples": ["0.4711"]}
_CHANNELS: Mapping[str, tuple[str | None, str, str]] = {
    "stream": (
        "/v1/events/stream",
        "Server-sent events",
        "`id` is the position, `event` the type, `data` the message. `Last-Event-ID` resumes.",
    ),
    "webhook": (None, "Webhooks", "Sent to the `url` of each webhook that has the type, signed (Standard Webhooks)."),
    "sink": (
        "daybook.{type}",
        "NATS JetStream",
        "Published by `daybook feed-sink`, once and in order. NATS_SUBJECT replaces `daybook`.",
    ),
}


def asyncapi(openapi: Mapping[str, Any]) -> Described:
    """The document, from the OpenAPI document of the same app."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Daybook events",
            "version": openapi["info"]["version"],
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(*about) for name, about in _CHANNELS.items()},
        "operations": {f"send_{name}": _operation(name) for name in _CHANNELS},
        "components": {
            "messages": {name: _message(name, schema.__name__) for name, schema in MESSAGES.items()},
            "schemas": dict(sorted(_schemas(openapi["components"]["schemas"]))),
        },
    }


def _channel(address: str | None, title: str, description: str) -> Described:
    parameters = {"parameters": {"type": {"description": "The type of the event.", "enum": [*MESSAGES]}}}
    messages = {each: {"$ref": _MESSAGES + each} for each in MESSAGES}
    more = parameters if address and "{type}" in address else {}
    return {"address": address, "title": title, "description": description, **more, "messages": messages}


def _operation(name: str) -> Described:
    return {"action": "send", "channel": {"$ref": f"#/channels/{name}"}, "summary": _CHANNELS[name][1]}


def _message(name: str, schema: str) -> Described:
    headers = {"type": "object", "properties": {"Daybook-Position": _POSITION}}
    return {"name": name, "title": name, "headers": headers, "payload": {"$ref": _SCHEMAS + schema}}


def _schemas(known: Mapping[str, Described]) -> Iterator[tuple[str, Described]]:
    """The schemas of the messages, and all that these name."""
    wanted, found = [each.__name__ for each in dict.fromkeys(MESSAGES.values())], set[str]()
    while wanted:
        if (name := wanted.pop()) not in found:
            found.add(name)
            wanted += [ref.removeprefix(_SCHEMAS) for ref in _references(known[name])]
            yield name, known[name]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (each for key, each in value.items() if key == "$ref")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _references(each)


async def _show(request: Request) -> Response:
    return JSONResponse(asyncapi(request.app.openapi()))


asyncapi_route = Route("/asyncapi.json", _show, include_in_schema=False)
