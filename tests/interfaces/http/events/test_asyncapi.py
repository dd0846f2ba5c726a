"""The AsyncAPI document describes the messages that are sent, and every part of it is there."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from application.webhooks.payload import WebhookEvent, payload
from domain.kernel import Aggregate
from domain.webhooks.webhook import TYPES
from interfaces.http.app import build, events_document
from interfaces.http.openapi import routes_of
from tests.interfaces.http.town import Api
from tests.interfaces.http.webhooks.test_messages import AT, subjects

DOCUMENT = events_document()
__all__ = ["subjects"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "$ref")
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_it_has_the_parts_that_asyncapi_3_demands() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for name, channel in DOCUMENT["channels"].items():
        assert set(channel["messages"]) == set(TYPES), name
        for parameter in channel.get("parameters", {}):
            assert f"{{{parameter}}}" in channel["address"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert operation["channel"]["$ref"].startswith("#/channels/")


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = set(references(DOCUMENT))
    assert all(resolved(each) for each in found)
    assert {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]} <= found
    assert {f"#/components/messages/{name}" for name in TYPES} <= found


def test_the_stream_is_a_route_of_the_app() -> None:
    assert DOCUMENT["channels"]["stream"]["address"] in {route.path for route in routes_of(build())}


@pytest.mark.parametrize("kind", TYPES)
def test_a_message_is_as_described(kind: str, subjects: dict[str, Aggregate]) -> None:
    schema = DOCUMENT["components"]["messages"][kind]["payload"]
    described = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]}, validate_formats=True)
    message: Any = json.loads(payload(WebhookEvent(7, kind, AT, subjects[kind.partition(".")[0]])))
    described.validate(message)
    with pytest.raises(jsonschema_rs.ValidationError):
        described.validate({**message, "data": {**message["data"], "note": "personal"}})


async def test_it_is_served(door: Api) -> None:
    answer = await door.ask("GET", "/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json() == DOCUMENT
